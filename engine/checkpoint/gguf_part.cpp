// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/gguf_part.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/gguf_types.h"
#include "engine/core/checked_math.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kMaximumKeyBytes = 65535;
constexpr std::uint64_t kSmallestPair = 8 + 1 + 4 + 1;      ///< a key of one character and a byte
constexpr std::uint64_t kSmallestTensor = 8 + 1 + 4 + 8 + 4 + 8; ///< a name of one character and one axis

Result<void> checkVersion(std::uint32_t version) {
    if (version == 2 || version == 3) return {};
    if (version == 1) return fail(ErrorCode::Unsupported, "GGUF version 1 is too old; versions 2 and 3 are read");
    if (const auto swapped = __builtin_bswap32(version); swapped >= 1 && swapped <= 3)
        return fail(ErrorCode::Unsupported, "a big-endian GGUF file; only little-endian ones are read");
    if (version == 0) return fail(ErrorCode::Malformed, "GGUF version 0 does not exist");
    return fail(ErrorCode::Unsupported, "GGUF version {} is unknown; versions 2 and 3 are read", version);
}

bool isKey(std::string_view key) {
    return !key.empty() && std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7F; });
}

Result<Metadata> readPairs(ByteReader& reader, std::uint64_t count, const ReadLimits& limits, MetadataBudget& budget) {
    if (count > budget.pairs) return fail(ErrorCode::Malformed, "{} metadata pairs are too many", count);
    budget.pairs -= count;
    if (count > reader.remaining() / kSmallestPair)
        return fail(ErrorCode::Malformed, "{} metadata pairs do not fit in the {} bytes left", count, reader.remaining());
    Metadata metadata;
    std::unordered_set<std::string_view> keys; // views into the file
    for (std::uint64_t i = 0; i < count; ++i) {
        QSCOPE_TRY(const auto key, readGgufText(reader, kMaximumKeyBytes));
        if (!isKey(key)) return fail(ErrorCode::Malformed, "metadata key '{}' is not plain ASCII", printable(key));
        QSCOPE_CHECK(budget.memory.spend(memoryOfPair(key)));
        if (!keys.insert(key).second) return fail(ErrorCode::Malformed, "metadata key '{}' appears twice", printable(key));
        QSCOPE_TRY(const auto type, reader.u32());
        auto value = readMetadataValue(reader, type, limits, budget);
        if (!value) return during(std::move(value).error(), "metadata '" + printable(key) + "'");
        metadata.emplace_back(std::string(key), *std::move(value));
    }
    return metadata;
}

Result<std::uint64_t> alignmentOf(const Metadata& metadata) {
    const MetadataValue* value = find(metadata, "general.alignment");
    if (!value) return kGgufAlignment;
    const auto* number = std::get_if<std::uint64_t>(&value->value);
    if (value->type != MetadataType::U32 || !number)
        return fail(ErrorCode::Malformed, "general.alignment is not an unsigned 32-bit number");
    if (*number < 8 || !std::has_single_bit(*number))
        return fail(ErrorCode::Malformed, "general.alignment {} is not a power of two from 8 on", *number);
    return *number;
}

Result<TensorInfo> readTensor(ByteReader& reader, const ReadLimits& limits) {
    TensorInfo tensor;
    QSCOPE_TRY(const auto name, readGgufText(reader, std::min(limits.nameBytes, kGgufNameBytes)));
    tensor.name = name;
    const auto step = "tensor '" + printable(name) + "'";
    QSCOPE_TRY(const auto rank, reader.u32());
    if (rank < 1 || rank > kGgufRank) return during({ErrorCode::Malformed, fmt::format("{} axes", rank), {}}, step);
    for (std::uint32_t axis = 0; axis < rank; ++axis) {
        QSCOPE_TRY(const auto size, reader.u64());
        if (size > static_cast<std::uint64_t>(INT64_MAX))
            return during({ErrorCode::Malformed, "an axis is too long", {}}, step);
        tensor.shape.push_back(static_cast<std::int64_t>(size));
    }
    std::ranges::reverse(tensor.shape); // the file has the fastest axis first
    QSCOPE_TRY(const auto id, reader.u32());
    const auto type = dtypeFromGguf(id);
    if (!type)
        return during({ErrorCode::Unsupported,
                       fmt::format("type {} {}", id, ggufIdWasRemoved(id) ? "was removed from GGUF" : "is unknown"), {}},
                      step);
    tensor.dtype = *type;
    QSCOPE_TRY(tensor.offset, reader.u64());
    auto elements = checkedElements(tensor.shape, limits);
    if (!elements) return during(std::move(elements).error(), step);
    const auto bytes = qscope::storedBytes(tensor.dtype, static_cast<std::uint64_t>(*elements));
    if (!bytes)
        return during({ErrorCode::Malformed, fmt::format("{} elements are no whole number of {} blocks", *elements,
                                                         qscope::info(tensor.dtype).name), {}},
                      step);
    tensor.bytes = *bytes;
    return tensor;
}

/// Moves offsets from the data section to the file. They must follow each other, each padded to the alignment.
Result<void> placeTensors(std::vector<TensorInfo>& tensors, std::uint64_t headerEnd, std::uint64_t alignment,
                          std::uint64_t fileBytes) {
    const auto padded = [&](std::uint64_t size) -> std::optional<std::uint64_t> {
        const auto up = checkedAdd(size, alignment - 1);
        if (!up) return std::nullopt;
        return *up & ~(alignment - 1);
    };
    const std::uint64_t dataStart = *padded(headerEnd); // both far below 2^63
    std::uint64_t next = 0;
    for (TensorInfo& tensor : tensors) {
        if (tensor.offset != next)
            return fail(ErrorCode::Malformed, "tensor '{}' is at offset {} of the data, expected at {}",
                        printable(tensor.name), tensor.offset, next);
        const auto place = checkedAdd(dataStart, tensor.offset);
        const auto size = padded(tensor.bytes);
        const auto after = size ? checkedAdd(next, *size) : std::nullopt;
        // An empty tensor may follow a last one that was written without its padding.
        const bool inside = place && after && (tensor.bytes == 0 || (*place <= fileBytes && tensor.bytes <= fileBytes - *place));
        if (!inside)
            return fail(ErrorCode::Malformed, "tensor '{}' needs {} bytes at offset {} of the data, the file ends before",
                        printable(tensor.name), tensor.bytes, tensor.offset);
        tensor.offset = std::min(*place, fileBytes);
        next = *after;
    }
    return {};
}

} // namespace

Result<GgufPart> readGgufPart(const std::filesystem::path& place, const ReadLimits& limits, MetadataBudget& budget) {
    GgufPart part;
    QSCOPE_TRY(part.file, MappedFile::open(place));
    const std::uint64_t fileBytes = part.file->bytes().size();
    budget.memory.add(fileBytes);
    ByteReader reader(part.file->bytes().first(static_cast<std::size_t>(std::min(fileBytes, limits.headerBytes))));
    QSCOPE_TRY(const auto magic, reader.text(kGgufMagic.size()));
    if (magic != kGgufMagic) return fail(ErrorCode::Malformed, "the file does not start with 'GGUF'");
    QSCOPE_TRY(const auto version, reader.u32());
    QSCOPE_CHECK(checkVersion(version));
    QSCOPE_TRY(const auto tensorCount, reader.u64());
    QSCOPE_TRY(const auto pairCount, reader.u64());
    if (tensorCount > limits.tensors || tensorCount > reader.remaining() / kSmallestTensor)
        return fail(ErrorCode::Malformed, "{} tensors do not fit in the {} bytes left", tensorCount, reader.remaining());
    QSCOPE_TRY(part.metadata, readPairs(reader, pairCount, limits, budget));
    QSCOPE_TRY(const auto alignment, alignmentOf(part.metadata));
    QSCOPE_CHECK(budget.memory.spend(tensorCount * sizeof(TensorInfo)));
    part.tensors.reserve(static_cast<std::size_t>(tensorCount));
    for (std::uint64_t i = 0; i < tensorCount; ++i) {
        QSCOPE_TRY(auto tensor, readTensor(reader, limits));
        QSCOPE_CHECK(budget.memory.spend(memoryOf(tensor) - sizeof(TensorInfo)));
        part.tensors.push_back(std::move(tensor));
    }
    QSCOPE_CHECK(placeTensors(part.tensors, reader.position(), alignment, fileBytes));
    if (!part.tensors.empty()) {
        const std::uint64_t end = part.tensors.back().offset + part.tensors.back().bytes;
        if (fileBytes > end && fileBytes - end >= alignment) part.trailingBytes = fileBytes - end;
    }
    return part;
}

} // namespace qscope::engine
