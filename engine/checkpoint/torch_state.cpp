// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/torch_state.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/torch_types.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

namespace {

using Items = std::span<const PickleRef>;

/// Parameters around tensors; more of them around each other are no checkpoint.
constexpr int kMostWrappers = 8;
/// Real objects share little: without shared parts there are as many visits as values.
constexpr std::uint64_t kSharedVisits = 1'000'000;

/// A source of strides with its shape, and the allocator's share of all these.
constexpr std::uint64_t kSourceBytes = 384;

/// Walks over the value tree, which is a graph: shared parts are walked over again, so visits are counted.
class Walk {
public:
    Walk(const TorchFile& file, MemoryBudget& budget, const ReadLimits& limits)
        : m_file(file), m_pickle(file.object), m_budget(budget), m_limits(limits), m_open(file.object.values.size()),
          m_mostVisits(kSharedVisits + 4 * file.object.values.size()) {}

    Result<TorchState> run() {
        QSCOPE_CHECK(visit(m_pickle.root));
        QSCOPE_CHECK(checkKeys());
        return std::move(m_state);
    }

private:
    Result<void> visit(PickleRef ref);
    Result<void> visitCall(const PickleValue& call);
    Result<void> visitItems(PickleRef ref, const PickleValue& value);
    Result<void> visitPersistent(const PickleValue& value);

    Result<TorchTensor> tensorOf(std::string_view function, Items arguments) const;
    Result<std::pair<DType, FileRange>> storageOf(const PickleValue& value) const;
    Result<std::vector<std::int64_t>> numbersOf(const PickleValue& value) const;

    Result<void> add(TorchTensor tensor);
    Result<void> addMetadata(MetadataValue value, std::uint64_t bytes);
    bool addArray(const PickleValue& value, MetadataValue& array);
    Result<void> checkKeys() const;

    const PickleValue& at(PickleRef ref) const { return m_pickle[ref]; }
    /// The text of a key, without dots of its own being told from those that join keys.
    std::string keyText(const PickleValue& key, std::size_t place) const;

    const TorchFile& m_file;
    const Pickle& m_pickle;
    MemoryBudget& m_budget;
    const ReadLimits& m_limits;
    TorchState m_state;
    std::string m_path;
    std::vector<bool> m_open; ///< values that the walk is inside of
    int m_depth = 0;
    std::uint64_t m_visits = 0;
    std::uint64_t m_mostVisits;
};

Result<void> Walk::visit(PickleRef ref) {
    if (++m_visits > m_mostVisits) return fail(ErrorCode::Unsupported, "its shared parts unfold to too many values");
    const PickleValue& value = at(ref);
    switch (value.kind) {
    case PickleKind::Bool: return addMetadata({MetadataType::Bool, {}, std::get<bool>(value.scalar)}, 0);
    case PickleKind::Integer: return addMetadata({MetadataType::I64, {}, value.integer()}, 0);
    case PickleKind::Float: return addMetadata({MetadataType::F64, {}, std::get<double>(value.scalar)}, 0);
    case PickleKind::Text:
    case PickleKind::Global: // an element type
        if (value.text().size() > m_limits.stringBytes) return fail(ErrorCode::Malformed, "'{}' is too long a text", printable(m_path));
        return addMetadata({MetadataType::String, {}, std::string(value.text())}, textHeapBytes(value.text().size()));
    case PickleKind::Tuple:
    case PickleKind::List:
    case PickleKind::Dict: return visitItems(ref, value);
    case PickleKind::Call: return visitCall(value);
    case PickleKind::Persistent: return visitPersistent(value);
    case PickleKind::None:
    case PickleKind::Long:
    case PickleKind::Bytes: return {};
    }
    return {};
}

Result<void> Walk::visitItems(PickleRef ref, const PickleValue& value) {
    const bool dict = value.kind == PickleKind::Dict;
    if (MetadataValue array; !dict && addArray(value, array)) return addMetadata(std::move(array), 32 * value.items.size());
    if (m_open[ref]) return fail(ErrorCode::Malformed, "'{}' holds itself", printable(m_path));
    if (m_depth == m_limits.nestingDepth) return fail(ErrorCode::Malformed, "'{}' is nested too deeply", printable(m_path));
    m_open[ref] = true;
    ++m_depth;
    const std::size_t length = m_path.size();
    for (std::size_t i = 0; i < value.items.size(); i += dict ? 2 : 1) {
        if (length > 0) m_path += '.';
        m_path += dict ? keyText(at(value.items[i]), i / 2) : std::to_string(i);
        if (m_path.size() > m_limits.nameBytes) return fail(ErrorCode::Malformed, "the name '{}' is too long", printable(m_path));
        QSCOPE_CHECK(visit(value.items[dict ? i + 1 : i]));
        m_path.resize(length);
    }
    --m_depth;
    m_open[ref] = false;
    return {};
}

std::string Walk::keyText(const PickleValue& key, std::size_t place) const {
    switch (key.kind) {
    case PickleKind::Text: return std::string(key.text().substr(0, m_limits.nameBytes + 1));
    case PickleKind::Integer: return std::to_string(key.integer());
    case PickleKind::Bool: return std::get<bool>(key.scalar) ? "True" : "False";
    case PickleKind::None: return "None";
    default: return fmt::format("#{}", place); // tuples and the like
    }
}

Result<void> Walk::visitCall(const PickleValue& call) {
    std::string_view function = at(call.items[0]).text();
    Items arguments = at(call.items[1]).items;
    for (int wrappers = 0; wrappers < kMostWrappers; ++wrappers) {
        if (function.starts_with("torch._utils._rebuild_tensor")) {
            auto tensor = tensorOf(function, arguments);
            if (!tensor) return during(std::move(tensor).error(), fmt::format("tensor '{}'", printable(m_path)));
            return add(*std::move(tensor));
        }
        if (function.starts_with("torch._utils._rebuild_parameter") && !arguments.empty()) {
            const PickleValue& inner = at(arguments[0]); // (tensor, requires_grad, hooks[, state])
            if (inner.kind == PickleKind::Persistent) return visitPersistent(inner);
            if (inner.kind != PickleKind::Call) return fail(ErrorCode::Malformed, "parameter '{}' holds no tensor", printable(m_path));
            function = at(inner.items[0]).text();
            arguments = at(inner.items[1]).items;
        } else if (function == "torch._tensor._rebuild_from_type_v2" && arguments.size() >= 3 &&
                   at(arguments[0]).kind == PickleKind::Global && at(arguments[2]).kind == PickleKind::Tuple) {
            function = at(arguments[0]).text(); // (function, class, arguments, state)
            arguments = at(arguments[2]).items;
        } else if (function == "torch.Size" || function == "torch.device" || function.ends_with("set")) {
            if (arguments.empty()) return {};
            if (m_depth == m_limits.nestingDepth) return fail(ErrorCode::Malformed, "'{}' is nested too deeply", printable(m_path));
            ++m_depth;
            auto visited = visit(arguments[0]); // plain data
            --m_depth;
            return visited;
        } else if (function == "_codecs.encode") {
            return {}; // bytes, as protocol 2 writes them
        } else {
            return fail(ErrorCode::Unsupported, "it calls '{}', which is not run", function);
        }
    }
    return fail(ErrorCode::Malformed, "'{}' is wrapped too often", printable(m_path));
}

Result<void> Walk::visitPersistent(const PickleValue& value) {
    const PickleValue& identity = at(value.items[0]);
    if (identity.kind == PickleKind::Text) { // the tar form; in others nothing is found
        if (const auto tensor = m_file.keyedTensors.find(std::string(identity.text().substr(0, 64))); tensor != m_file.keyedTensors.end()) {
            const auto storage = m_file.keyedStorages.find(tensor->second.storage);
            if (storage == m_file.keyedStorages.end()) return fail(ErrorCode::Malformed, "tensor '{}' has no storage", printable(m_path));
            return add({m_path, storage->second.dtype, tensor->second.shape, tensor->second.strides, tensor->second.offset,
                        storage->second.range});
        }
    }
    QSCOPE_TRY(const auto storage, storageOf(value));
    const auto& [dtype, range] = storage;
    const auto elements = static_cast<std::int64_t>(range.bytes * 8 / static_cast<std::uint64_t>(info(dtype).blockBits));
    return add({m_path, dtype, {elements}, {1}, 0, range});
}

/// The storage that a persistent identity names; the tar form also has the identity's tuple alone.
Result<std::pair<DType, FileRange>> Walk::storageOf(const PickleValue& value) const {
    const PickleValue& identity = value.kind == PickleKind::Persistent ? at(value.items[0]) : value;
    if (identity.kind == PickleKind::Text)
        if (const auto keyed = m_file.keyedStorages.find(std::string(identity.text().substr(0, 64))); keyed != m_file.keyedStorages.end())
            return std::pair(keyed->second.dtype, keyed->second.range);
    QSCOPE_TRY(const auto name, storageName(m_pickle, identity));
    if (!name) return fail(ErrorCode::Unsupported, "it asks for a stored object that is no storage");
    const auto found = m_file.storages.find(name->key);
    if (found == m_file.storages.end()) return fail(ErrorCode::Malformed, "storage '{}' is not in the file", printable(name->key));
    const auto bytes = storedBytes(name->dtype, static_cast<std::uint64_t>(name->elements));
    if (bytes != found->second.bytes)
        return fail(ErrorCode::Malformed, "storage '{}' has {} bytes, {} elements of {} are expected", printable(name->key),
                    found->second.bytes, name->elements, info(name->dtype).name);
    const auto skipped = storedBytes(name->dtype, static_cast<std::uint64_t>(name->viewFirst));
    const auto viewed = storedBytes(name->dtype, static_cast<std::uint64_t>(name->viewElements));
    return std::pair(name->dtype, FileRange{found->second.offset + *skipped, *viewed}); // parts of what fits
}

Result<std::vector<std::int64_t>> Walk::numbersOf(const PickleValue& value) const {
    const PickleValue* list = &value;
    if (list->kind == PickleKind::Call && at(list->items[1]).items.size() == 1) list = &at(at(list->items[1]).items[0]); // torch.Size((2, 3))
    if (list->kind != PickleKind::Tuple && list->kind != PickleKind::List) return fail(ErrorCode::Malformed, "its shape is no tuple");
    if (list->items.size() > static_cast<std::size_t>(m_limits.rank)) return fail(ErrorCode::Malformed, "{} axes are too many", list->items.size());
    std::vector<std::int64_t> numbers;
    for (const PickleRef ref : list->items) {
        if (at(ref).kind != PickleKind::Integer) return fail(ErrorCode::Malformed, "its shape is not of numbers");
        numbers.push_back(at(ref).integer());
    }
    return numbers;
}

/// (storage, first, shape, strides, requires_grad, hooks, ...): version 2 may add properties, version 3 a type and then those.
Result<TorchTensor> Walk::tensorOf(std::string_view function, Items arguments) const {
    if (arguments.size() < 4 || at(arguments[1]).kind != PickleKind::Integer) return fail(ErrorCode::Malformed, "too few arguments");
    QSCOPE_TRY(const auto storage, storageOf(at(arguments[0])));
    TorchTensor tensor{m_path, storage.first, {}, {}, at(arguments[1]).integer(), storage.second};
    QSCOPE_TRY(tensor.shape, numbersOf(at(arguments[2])));
    QSCOPE_TRY(tensor.strides, numbersOf(at(arguments[3])));
    std::size_t properties = 6;
    if (function.ends_with("_v3")) {
        const auto dtype = arguments.size() >= 7 && at(arguments[6]).kind == PickleKind::Global ? torchType(at(arguments[6]).text())
                                                                                                : std::nullopt;
        if (!dtype) return fail(ErrorCode::Malformed, "it has no element type");
        tensor.dtype = *dtype;
        properties = 7;
    }
    if (arguments.size() > properties && !at(arguments[properties]).items.empty())
        return fail(ErrorCode::Unsupported, "it is to be conjugated or negated on reading");
    return tensor;
}

Result<void> Walk::add(TorchTensor tensor) {
    if (tensor.name.empty()) tensor.name = "tensor";
    if (m_state.tensors.size() == m_limits.tensors) return fail(ErrorCode::Malformed, "more than {} tensors", m_limits.tensors);
    // Here, again in the checkpoint, and there as a source that may have to follow strides.
    QSCOPE_CHECK(m_budget.spend(2 * sizeof(TorchTensor) + sizeof(TensorInfo) + kSourceBytes + textHeapBytes(tensor.name.size()) +
                                48 * tensor.shape.size()));
    m_state.tensors.push_back(std::move(tensor));
    return {};
}

Result<void> Walk::addMetadata(MetadataValue value, std::uint64_t bytes) {
    if (m_path.empty()) return {}; // an object that is one number
    QSCOPE_CHECK(m_budget.spend(2 * sizeof(Metadata::value_type) + textHeapBytes(m_path.size()) + 8 + bytes));
    m_state.metadata.emplace_back(m_path, std::move(value));
    return {};
}

/// Whether all items are plain values of one kind, of which there is an array.
bool Walk::addArray(const PickleValue& value, MetadataValue& array) {
    if (value.items.empty()) return false;
    m_visits += value.items.size();
    const PickleKind kind = at(value.items[0]).kind;
    if (std::ranges::any_of(value.items, [&](PickleRef ref) { return at(ref).kind != kind; })) return false;
    const auto fill = [&](auto list, MetadataType type, const auto& read) {
        for (const PickleRef ref : value.items) list.push_back(read(at(ref)));
        array = {MetadataType::Array, type, std::move(list)};
        return true;
    };
    switch (kind) {
    case PickleKind::Integer:
        return fill(std::vector<std::int64_t>(), MetadataType::I64, [](const PickleValue& item) { return item.integer(); });
    case PickleKind::Float:
        return fill(std::vector<double>(), MetadataType::F64, [](const PickleValue& item) { return std::get<double>(item.scalar); });
    case PickleKind::Bool:
        return fill(std::vector<bool>(), MetadataType::Bool, [](const PickleValue& item) { return std::get<bool>(item.scalar); });
    default: return false;
    }
}

Result<void> Walk::checkKeys() const {
    std::vector<std::size_t> order(m_state.metadata.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto key = [&](std::size_t i) -> const std::string& { return m_state.metadata[i].first; };
    std::ranges::sort(order, {}, key);
    if (const auto twice = std::ranges::adjacent_find(order, {}, key); twice != order.end())
        return fail(ErrorCode::Malformed, "'{}' appears twice", printable(key(*twice)));
    return {};
}

} // namespace

Result<TorchState> readTorchState(const TorchFile& file, MemoryBudget& budget, const ReadLimits& limits) {
    return Walk(file, budget, limits).run();
}

} // namespace qscope::engine
