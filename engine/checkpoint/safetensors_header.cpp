// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/safetensors_header.h"

#include "engine/checkpoint/catalogue.h"
#include "engine/checkpoint/json_scanner.h"
#include "engine/checkpoint/model_config.h"
#include "engine/checkpoint/writer.h"
#include "engine/core/byte_reader.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace qscope::engine {

namespace {

Result<void> readMetadata(JsonScanner& json, MemoryBudget& budget, Metadata& metadata) {
    std::unordered_set<std::string> keys;
    return json.items('{', '}', [&]() -> Result<void> {
        QSCOPE_TRY(auto key, json.text());
        QSCOPE_CHECK(json.expect(':'));
        QSCOPE_TRY(auto value, json.text());
        QSCOPE_CHECK(budget.spend(memoryOfPair(key) + textHeapBytes(value.size())));
        if (!keys.insert(key).second) return fail(ErrorCode::Malformed, "key '{}' appears twice", printable(key));
        metadata.emplace_back(std::move(key), metadataText(std::move(value)));
        return {};
    });
}

Result<Shape> readNumbers(JsonScanner& json, std::size_t most) {
    Shape numbers;
    QSCOPE_CHECK(json.items('[', ']', [&]() -> Result<void> {
        if (numbers.size() == most) return fail(ErrorCode::Malformed, "a list is too long");
        QSCOPE_TRY(const auto number, json.number());
        numbers.push_back(number);
        return {};
    }));
    return numbers;
}

/// Type, shape and place of one tensor; its offset counts from the data's begin.
Result<void> readTensor(JsonScanner& json, const ReadLimits& limits, TensorInfo& tensor) {
    enum Field : unsigned { Type = 1, Sizes = 2, Offsets = 4 };
    unsigned seen = 0;
    QSCOPE_CHECK(json.items('{', '}', [&]() -> Result<void> {
        QSCOPE_TRY(const auto key, json.text());
        QSCOPE_CHECK(json.expect(':'));
        const unsigned field = key == "dtype" ? Type : key == "shape" ? Sizes : key == "data_offsets" ? Offsets : 0u;
        if (field == 0) return fail(ErrorCode::Malformed, "unknown field '{}'", printable(key));
        if (seen & field) return fail(ErrorCode::Malformed, "'{}' appears twice", key);
        seen |= field;
        if (field == Type) {
            QSCOPE_TRY(const auto name, json.text());
            const auto type = dtypeFromName(name);
            if (!type || !safetensorsHolds(*type)) return fail(ErrorCode::Malformed, "unknown type '{}'", printable(name));
            tensor.dtype = *type;
        } else if (field == Sizes) {
            QSCOPE_TRY(tensor.shape, readNumbers(json, static_cast<std::size_t>(limits.rank)));
        } else {
            QSCOPE_TRY(const auto range, readNumbers(json, 2));
            if (range.size() != 2 || range[0] > range[1]) return fail(ErrorCode::Malformed, "its offsets are no range");
            tensor.offset = static_cast<std::uint64_t>(range[0]);
            tensor.bytes = static_cast<std::uint64_t>(range[1] - range[0]);
        }
        return {};
    }));
    if (seen != (Type | Sizes | Offsets)) return fail(ErrorCode::Malformed, "a field is missing");
    return {};
}

Result<SafetensorsHeader> readHeader(std::string_view text, MemoryBudget& budget, const ReadLimits& limits) {
    SafetensorsHeader header;
    JsonScanner json(text);
    bool hasMetadata = false;
    QSCOPE_CHECK(json.items('{', '}', [&]() -> Result<void> {
        QSCOPE_TRY(auto name, json.text());
        QSCOPE_CHECK(json.expect(':'));
        const bool isMetadata = name == "__metadata__";
        if (isMetadata && std::exchange(hasMetadata, true)) return fail(ErrorCode::Malformed, "two '__metadata__'");
        if (name.size() > limits.nameBytes) return fail(ErrorCode::Malformed, "a name of {} bytes is too long", name.size());
        if (header.tensors.size() == limits.tensors) return fail(ErrorCode::Malformed, "too many tensors");
        TensorInfo tensor;
        auto read = isMetadata ? readMetadata(json, budget, header.metadata) : readTensor(json, limits, tensor);
        if (!read) return during(std::move(read).error(), "entry '" + printable(name) + "'");
        if (isMetadata) return {};
        tensor.name = std::move(name);
        QSCOPE_CHECK(budget.spend(memoryOf(tensor)));
        header.tensors.push_back(std::move(tensor));
        return {};
    }));
    QSCOPE_CHECK(json.end());
    return header;
}

/// Ranges in order of their offsets must follow each other from 0 to the end of the data.
Result<void> checkTiling(const std::vector<TensorInfo>& tensors, std::uint64_t dataBytes) {
    std::vector<const TensorInfo*> order;
    order.reserve(tensors.size());
    for (const TensorInfo& tensor : tensors) order.push_back(&tensor);
    std::ranges::sort(order, [](const TensorInfo* a, const TensorInfo* b) {
        return std::pair(a->offset, a->bytes) < std::pair(b->offset, b->bytes);
    });
    std::uint64_t next = 0;
    for (const TensorInfo* tensor : order) {
        if (tensor->offset != next)
            return fail(ErrorCode::Malformed, "tensor '{}' starts at {}, {} {}", printable(tensor->name),
                        tensor->offset, tensor->offset < next ? "inside the one before it, which ends at" : "a hole after",
                        next);
        next += tensor->bytes; // both below 2^63
        if (next > dataBytes)
            return fail(ErrorCode::Malformed, "tensor '{}': bytes {}+{} exceed the {} bytes of data",
                        printable(tensor->name), tensor->offset, tensor->bytes, dataBytes);
    }
    if (next != dataBytes) return fail(ErrorCode::Malformed, "{} bytes after the last tensor", dataBytes - next);
    return {};
}

} // namespace

Result<SafetensorsHeader> parseSafetensorsHeader(std::span<const std::byte> file, MemoryBudget& budget, const ReadLimits& limits) {
    ByteReader reader(file);
    QSCOPE_TRY(const auto length, reader.u64());
    if (length > limits.headerBytes)
        return fail(ErrorCode::Malformed, "a header of {} bytes is above the limit of {}", length, limits.headerBytes);
    if (length > reader.remaining())
        return fail(ErrorCode::Malformed, "a header of {} bytes does not fit in the file's {}", length, file.size());
    QSCOPE_TRY(const auto text, reader.text(length));
    if (!text.starts_with('{')) return fail(ErrorCode::Malformed, "the header does not start with '{{'");

    auto header = readHeader(text, budget, limits);
    if (!header) return during(std::move(header).error(), "header");
    QSCOPE_CHECK(checkTiling(header->tensors, reader.remaining()));
    for (TensorInfo& tensor : header->tensors) tensor.offset += reader.position();
    return header;
}

} // namespace qscope::engine
