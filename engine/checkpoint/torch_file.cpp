// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/torch_file.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/tar_directory.h"
#include "engine/checkpoint/torch_types.h"
#include "engine/checkpoint/zip_directory.h"
#include "engine/core/byte_reader.h"
#include "engine/core/checked_math.h"

#include <algorithm>

namespace qscope::engine {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kKeyBytes = 256; ///< keys are numbers and addresses
constexpr std::string_view kLegacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

std::string_view asText(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Keys are text in the pickle and may be numbers beside it.
std::optional<std::string> keyOf(const PickleValue& value) {
    if (value.kind == PickleKind::Text && value.text().size() <= kKeyBytes) return std::string(value.text());
    if (value.kind == PickleKind::Integer) return std::to_string(value.integer());
    return std::nullopt;
}

/// What an entry of a table of storages or tensors takes, its key included.
constexpr std::uint64_t kEntryBytes = 160;

Result<std::uint64_t> storageBytes(DType dtype, std::int64_t elements) {
    const auto bytes = elements < 0 ? std::nullopt : storedBytes(dtype, static_cast<std::uint64_t>(elements));
    if (!bytes) return fail(ErrorCode::Malformed, "a storage of {} elements", elements);
    return *bytes;
}

/// The item of a dict whose key is `name`, or null.
const PickleValue* item(const Pickle& pickle, std::string_view name) {
    const PickleValue& dict = pickle.top();
    if (dict.kind != PickleKind::Dict) return nullptr;
    for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2)
        if (const PickleValue& key = pickle[dict.items[i]]; key.kind == PickleKind::Text && key.text() == name)
            return &pickle[dict.items[i + 1]];
    return nullptr;
}

Result<void> checkSystem(const Pickle& system) {
    const PickleValue* little = item(system, "little_endian");
    if (little && little->kind == PickleKind::Bool && !std::get<bool>(little->scalar))
        return fail(ErrorCode::Unsupported, "its numbers are big-endian");
    return {};
}

/// Pickles and raw values one after the other.
struct Sequence {
    ByteReader reader;
    MemoryBudget& budget;
    const ReadLimits& limits;

    Sequence(Bytes bytes, MemoryBudget& memory, const ReadLimits& limit) : reader(bytes), budget(memory), limits(limit) {}

    Result<Pickle> pickle() {
        ByteReader ahead = reader;
        QSCOPE_TRY(const auto rest, ahead.take(ahead.remaining()));
        QSCOPE_TRY(auto read, readPickle(rest, torchGlobals(), budget, limits));
        QSCOPE_CHECK(reader.take(read.bytes));
        return read;
    }
    /// A storage: its number of elements, then the elements. The range counts from the front of the sequence.
    Result<FileRange> storage(DType dtype) {
        QSCOPE_TRY(const auto elements, reader.value<std::int64_t>());
        QSCOPE_TRY(const auto bytes, storageBytes(dtype, elements));
        const std::uint64_t offset = reader.position();
        QSCOPE_CHECK(reader.take(bytes));
        return FileRange{offset, bytes};
    }
};

Result<TorchFile> readZipForm(Bytes file, MemoryBudget& budget, const ReadLimits& limits) {
    QSCOPE_TRY(const auto directory, readZipDirectory(file, limits));
    QSCOPE_CHECK(budget.spend(directory.entries.size() * (kZipEntryMemory + kEntryBytes)));
    constexpr std::string_view kPickle = "data.pkl";
    const auto isPickle = [&](const ZipEntry& entry) {
        const std::size_t slash = entry.name.find('/');
        return entry.name.substr(slash == entry.name.npos ? 0 : slash + 1) == kPickle;
    };
    const auto found = std::ranges::find_if(directory.entries, isPickle);
    if (found == directory.entries.end())
        return fail(ErrorCode::Unsupported, "the zip archive holds no PyTorch checkpoint: it has no data.pkl");
    const std::string folder(found->name.substr(0, found->name.size() - kPickle.size()));
    TorchFile torch;
    if (const ZipEntry* order = directory.find(folder + "byteorder")) {
        QSCOPE_TRY(const auto text, unpack(*order, 16));
        if (asText(text) != "little") return fail(ErrorCode::Unsupported, "its byte order is '{}'", printable(asText(text)));
    }
    Bytes pickle = found->packed;
    if (found->deflated) {
        QSCOPE_CHECK(budget.spend(found->bytes));
        QSCOPE_TRY(torch.unpacked, unpack(*found, found->bytes));
        pickle = torch.unpacked;
    }
    QSCOPE_TRY(torch.object, readPickle(pickle, torchGlobals(), budget, limits));
    const std::string data = folder + "data/";
    for (const ZipEntry& entry : directory.entries) {
        if (!entry.name.starts_with(data)) continue;
        if (entry.deflated) return fail(ErrorCode::Unsupported, "storage '{}' is deflated", printable(entry.name));
        torch.storages.emplace(entry.name.substr(data.size()), FileRange{entry.offset, entry.bytes});
    }
    return torch;
}

/// The storages that an object names, by key. A key names one storage only.
Result<std::unordered_map<std::string, StorageName>> namedStorages(const Pickle& object, MemoryBudget& budget) {
    std::unordered_map<std::string, StorageName> named;
    for (const PickleValue& value : object.values) {
        QSCOPE_TRY(auto name, storageName(object, value));
        if (!name) continue;
        const auto [known, added] = named.emplace(name->key, *name);
        if (added) QSCOPE_CHECK(budget.spend(kEntryBytes + 2 * textHeapBytes(name->key.size())));
        if (!added && (known->second.dtype != name->dtype || known->second.elements != name->elements))
            return fail(ErrorCode::Malformed, "storage '{}' has two types or sizes", printable(name->key));
    }
    return named;
}

Result<TorchFile> readLegacyForm(Bytes file, MemoryBudget& budget, const ReadLimits& limits) {
    Sequence sequence(file, budget, limits);
    QSCOPE_CHECK(sequence.pickle()); // the magic number
    QSCOPE_TRY(const auto protocol, sequence.pickle());
    if (protocol.top().kind != PickleKind::Integer || protocol.top().integer() != 1001)
        return fail(ErrorCode::Unsupported, "a legacy PyTorch checkpoint of another protocol than 1001");
    QSCOPE_TRY(const auto system, sequence.pickle());
    QSCOPE_CHECK(checkSystem(system));
    TorchFile torch;
    QSCOPE_TRY(torch.object, sequence.pickle());
    QSCOPE_TRY(const auto keys, sequence.pickle());
    QSCOPE_TRY(const auto named, namedStorages(torch.object, budget));
    if (keys.top().kind != PickleKind::List) return fail(ErrorCode::Malformed, "no list of storages follows the object");
    for (const PickleRef ref : keys.top().items) {
        const auto key = keyOf(keys[ref]);
        const auto name = key ? named.find(*key) : named.end();
        if (name == named.end()) return fail(ErrorCode::Malformed, "a storage is stored that no tensor names");
        QSCOPE_CHECK(budget.spend(kEntryBytes + textHeapBytes(key->size())));
        auto range = sequence.storage(name->second.dtype);
        if (!range) return during(std::move(range).error(), fmt::format("storage '{}'", printable(*key)));
        if (!torch.storages.emplace(*key, *range).second)
            return fail(ErrorCode::Malformed, "storage '{}' is stored twice", printable(*key));
    }
    return torch;
}

/// Numbers in a row, as the tar form has them.
Result<std::vector<std::int64_t>> numbers(ByteReader& reader, std::size_t count) {
    std::vector<std::int64_t> read(count);
    for (std::int64_t& number : read) {
        QSCOPE_TRY(number, reader.value<std::int64_t>());
    }
    return read;
}

/// The values of a tuple of `count` or more, or nothing.
std::optional<std::vector<const PickleValue*>> tupleOf(const Pickle& pickle, const PickleValue& value, std::size_t count) {
    if (value.kind != PickleKind::Tuple || value.items.size() < count) return std::nullopt;
    std::vector<const PickleValue*> items;
    for (std::size_t i = 0; i < count; ++i) items.push_back(&pickle[value.items[i]]);
    return items;
}

Result<std::int64_t> countAt(const Pickle& pickle) {
    if (pickle.top().kind != PickleKind::Integer || pickle.top().integer() < 0) return fail(ErrorCode::Malformed, "a count is expected");
    return pickle.top().integer();
}

/// Member "storages": a count, and for each (key, location, type) and its elements; then views into them.
Result<void> readTarStorages(Bytes member, std::uint64_t start, TorchFile& torch, MemoryBudget& budget, const ReadLimits& limits) {
    Sequence sequence(member, budget, limits);
    QSCOPE_TRY(const auto first, sequence.pickle());
    QSCOPE_TRY(const auto count, countAt(first));
    for (std::int64_t i = 0; i < count; ++i) {
        QSCOPE_TRY(const auto pickle, sequence.pickle());
        const auto parts = tupleOf(pickle, pickle.top(), 3);
        const auto key = parts ? keyOf(*(*parts)[0]) : std::nullopt;
        const auto type = key && (*parts)[2]->kind == PickleKind::Global ? torchType((*parts)[2]->text()) : std::nullopt;
        if (!type) return fail(ErrorCode::Malformed, "storage {} has no key and type", i);
        QSCOPE_TRY(auto range, sequence.storage(*type));
        range.offset += start;
        QSCOPE_CHECK(budget.spend(2 * (kEntryBytes + textHeapBytes(key->size()))));
        if (!torch.storages.emplace(*key, range).second)
            return fail(ErrorCode::Malformed, "storage '{}' is stored twice", printable(*key));
        torch.keyedStorages.emplace(*key, KeyedStorage{*type, range});
    }
    if (sequence.reader.remaining() == 0) return {};
    QSCOPE_TRY(const auto views, sequence.pickle());
    if (views.top().kind != PickleKind::List) return fail(ErrorCode::Malformed, "no list of views follows the storages");
    for (const PickleRef ref : views.top().items) { // key, key of the whole, first element, elements
        const auto parts = tupleOf(views, views[ref], 4);
        const auto key = parts ? keyOf(*(*parts)[0]) : std::nullopt;
        const auto whole = key ? keyOf(*(*parts)[1]) : std::nullopt;
        const auto root = whole ? torch.keyedStorages.find(*whole) : torch.keyedStorages.end();
        if (root == torch.keyedStorages.end() || (*parts)[2]->kind != PickleKind::Integer || (*parts)[3]->kind != PickleKind::Integer)
            return fail(ErrorCode::Malformed, "a view is of no storage");
        KeyedStorage view = root->second;
        QSCOPE_TRY(const auto skipped, storageBytes(view.dtype, (*parts)[2]->integer()));
        QSCOPE_TRY(const auto bytes, storageBytes(view.dtype, (*parts)[3]->integer()));
        if (skipped > view.range.bytes || bytes > view.range.bytes - skipped)
            return fail(ErrorCode::Malformed, "view '{}' exceeds its storage", printable(*key));
        view.range = {view.range.offset + skipped, bytes};
        QSCOPE_CHECK(budget.spend(kEntryBytes + textHeapBytes(key->size())));
        torch.keyedStorages.emplace(*key, view);
    }
    return {};
}

/// Member "tensors": a count, and for each (key, storage, type), axes, sizes, strides and offset.
Result<void> readTarTensors(Bytes member, TorchFile& torch, MemoryBudget& budget, const ReadLimits& limits) {
    Sequence sequence(member, budget, limits);
    QSCOPE_TRY(const auto first, sequence.pickle());
    QSCOPE_TRY(const auto count, countAt(first));
    for (std::int64_t i = 0; i < count; ++i) {
        QSCOPE_TRY(const auto pickle, sequence.pickle());
        const auto parts = tupleOf(pickle, pickle.top(), 2);
        const auto key = parts ? keyOf(*(*parts)[0]) : std::nullopt;
        const auto storage = key ? keyOf(*(*parts)[1]) : std::nullopt;
        QSCOPE_TRY(const auto axes, sequence.reader.i32());
        QSCOPE_CHECK(sequence.reader.u32()); // the upper half of what once was a 64-bit number
        if (!storage || axes < 0 || axes > limits.rank) return fail(ErrorCode::Malformed, "tensor {} has no storage or {} axes", i, axes);
        QSCOPE_CHECK(budget.spend(2 * kEntryBytes + textHeapBytes(key->size()) + textHeapBytes(storage->size())));
        KeyedTensor tensor{*storage, {}, {}, 0};
        QSCOPE_TRY(tensor.shape, numbers(sequence.reader, static_cast<std::size_t>(axes)));
        QSCOPE_TRY(tensor.strides, numbers(sequence.reader, static_cast<std::size_t>(axes)));
        QSCOPE_TRY(tensor.offset, sequence.reader.value<std::int64_t>());
        if (!torch.keyedTensors.emplace(*key, std::move(tensor)).second)
            return fail(ErrorCode::Malformed, "tensor '{}' is stored twice", printable(*key));
    }
    return {};
}

Result<TorchFile> readTarForm(Bytes file, MemoryBudget& budget, const ReadLimits& limits) {
    QSCOPE_TRY(const auto members, readTarDirectory(file, limits));
    const auto member = [&](std::string_view name) -> Bytes {
        const auto found = std::ranges::find(members, name, &TarEntry::name);
        return found == members.end() ? Bytes{} : found->content;
    };
    const Bytes object = member("pickle"), storages = member("storages");
    if (object.empty() || storages.empty())
        return fail(ErrorCode::Unsupported, "the tar archive holds no PyTorch checkpoint: 'pickle' or 'storages' is missing");
    if (const Bytes system = member("sys_info"); !system.empty()) {
        QSCOPE_TRY(const auto pickle, readPickle(system, torchGlobals(), budget, limits));
        QSCOPE_CHECK(checkSystem(pickle));
    }
    TorchFile torch;
    const auto start = static_cast<std::uint64_t>(storages.data() - file.data());
    QSCOPE_CHECK(readTarStorages(storages, start, torch, budget, limits));
    if (const Bytes tensors = member("tensors"); !tensors.empty())
        QSCOPE_CHECK(readTarTensors(tensors, torch, budget, limits));
    QSCOPE_TRY(torch.object, readPickle(object, torchGlobals(), budget, limits));
    return torch;
}

} // namespace

Result<std::optional<StorageName>> storageName(const Pickle& pickle, const PickleValue& value) {
    const auto parts = tupleOf(pickle, value, 5);
    if (!parts || (*parts)[0]->kind != PickleKind::Text || (*parts)[0]->text() != "storage") return std::nullopt;
    const auto key = keyOf(*(*parts)[2]);
    if ((*parts)[1]->kind != PickleKind::Global || !isTorchStorage((*parts)[1]->text()) || !key ||
        (*parts)[4]->kind != PickleKind::Integer)
        return fail(ErrorCode::Malformed, "a storage has no type, key or size");
    StorageName name{*torchType((*parts)[1]->text()), *key, (*parts)[4]->integer(), 0, (*parts)[4]->integer()};
    if (value.items.size() > 5 && pickle[value.items[5]].kind != PickleKind::None) {
        const auto view = tupleOf(pickle, pickle[value.items[5]], 3);
        if (!view || (*view)[1]->kind != PickleKind::Integer || (*view)[2]->kind != PickleKind::Integer)
            return fail(ErrorCode::Malformed, "storage '{}' is a view of no place", printable(*key));
        name.viewFirst = (*view)[1]->integer();
        name.viewElements = (*view)[2]->integer();
    }
    if (name.elements < 0 || name.viewFirst < 0 || name.viewElements < 0 || name.viewElements > name.elements ||
        name.viewFirst > name.elements - name.viewElements)
        return fail(ErrorCode::Malformed, "storage '{}' has {} elements, {} from {} on are asked for", printable(*key), name.elements,
                    name.viewElements, name.viewFirst);
    return name;
}

bool looksLikeLegacyTorch(Bytes start) {
    return !start.empty() && start[0] == std::byte{0x80} &&
           asText(start.first(std::min<std::size_t>(start.size(), 32))).find(kLegacyMagic) != std::string_view::npos;
}

bool looksLikeTarTorch(Bytes start) {
    const auto first = tarMemberName(start);
    return first && (*first == "sys_info" || *first == "pickle" || *first == "storages" || *first == "tensors");
}

Result<TorchFile> readTorchFile(Bytes file, MemoryBudget& budget, const ReadLimits& limits) {
    if (looksLikeZip(file)) return readZipForm(file, budget, limits);
    if (looksLikeLegacyTorch(file)) return readLegacyForm(file, budget, limits);
    if (looksLikeTarTorch(file)) return readTarForm(file, budget, limits);
    return fail(ErrorCode::Malformed, "no PyTorch checkpoint: neither a zip archive nor the legacy or the tar form");
}

} // namespace qscope::engine
