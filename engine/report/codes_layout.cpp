// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/codes_layout.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <cstring>

namespace qscope::engine {

namespace {

constexpr std::int64_t kWordBits = 32;

TensorView wordsToTensor(Shape shape, const std::vector<std::uint32_t>& words) {
    std::vector<std::byte> bytes(words.size() * sizeof(std::uint32_t));
    if (!bytes.empty()) std::memcpy(bytes.data(), words.data(), bytes.size());
    return makeTensor(DType::I32, std::move(shape), std::move(bytes));
}

bool wholeRows(const GridCodes* grid) {
    return grid->grouping.groupRows == 1 && grid->grouping.groupColumns >= grid->grouping.columns;
}
bool wholeMatrix(const GridCodes* grid) {
    return grid->grouping.groupRows >= grid->grouping.rows && grid->grouping.groupColumns >= grid->grouping.columns;
}

} // namespace

std::optional<CompressedScheme> compressedScheme(const std::vector<const GridCodes*>& grids) {
    const GridCodes& first = *grids.front();
    CompressedScheme scheme{first.grid.bits, first.grid.symmetric, false, {}, 0};
    if (scheme.bits != 4 && scheme.bits != 8) return std::nullopt;
    const bool oneGrid = std::ranges::all_of(grids, [&](const GridCodes* grid) {
        return grid->grid.bits == scheme.bits && grid->grid.symmetric == scheme.symmetric;
    });
    if (!oneGrid) return std::nullopt;
    const std::int64_t groupSize = first.grouping.groupColumns;
    if (std::ranges::all_of(grids, wholeRows)) {
        scheme.strategy = "channel";
    } else if (std::ranges::all_of(grids, wholeMatrix) && scheme.bits == 8) { // no loader has packed ones per tensor
        scheme.strategy = "tensor";
    } else if (std::ranges::all_of(grids, [&](const GridCodes* grid) {
                   return grid->grouping.groupRows == 1 && grid->grouping.groupColumns == groupSize &&
                          grid->grouping.columns % groupSize == 0;
               })) {
        scheme.strategy = "group";
        scheme.groupSize = groupSize;
    } else {
        return std::nullopt;
    }
    scheme.packed = scheme.bits == 4 || scheme.strategy == "group";
    return scheme;
}

Json quantizationConfig(const CompressedScheme& scheme, const std::vector<std::string>& modules) {
    const char* const format = scheme.packed ? "pack-quantized" : "int-quantized";
    const Json weights = {{"num_bits", scheme.bits},
                          {"type", "int"},
                          {"symmetric", scheme.symmetric},
                          {"strategy", scheme.strategy},
                          {"group_size", scheme.strategy == "group" ? Json(scheme.groupSize) : Json()},
                          {"block_structure", nullptr},
                          {"dynamic", false},
                          {"actorder", nullptr},
                          {"observer", "minmax"},
                          {"observer_kwargs", Json::object()}};
    const Json group = {{"targets", modules},
                        {"weights", weights},
                        {"input_activations", nullptr},
                        {"output_activations", nullptr},
                        {"format", format}};
    return {{"quant_method", "compressed-tensors"},
            {"format", format},
            {"quantization_status", "compressed"},
            {"global_compression_ratio", nullptr},
            {"ignore", Json::array()},
            {"kv_cache_scheme", nullptr},
            {"config_groups", {{"group_0", group}}}};
}

TensorView packedRows(std::span<const std::uint8_t> codes, std::int64_t rows, std::int64_t columns, int bits) {
    const std::int64_t wordsPerRow = ceilDiv(columns * bits, kWordBits);
    std::vector<std::uint32_t> words(static_cast<std::size_t>(rows * wordsPerRow), 0);
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column) { // 4 and 8 bits never straddle words
            const std::int64_t bit = column * bits;
            const auto code = static_cast<std::uint32_t>(codes[static_cast<std::size_t>(row * columns + column)]);
            words[static_cast<std::size_t>(row * wordsPerRow + bit / kWordBits)] |= code << (bit % kWordBits);
        }
    return wordsToTensor({rows, wordsPerRow}, words);
}

TensorView packedColumns(std::span<const std::uint8_t> codes, std::int64_t rows, std::int64_t columns, int bits) {
    const std::int64_t wordRows = ceilDiv(rows * bits, kWordBits);
    std::vector<std::uint32_t> words(static_cast<std::size_t>(wordRows * columns), 0);
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column) {
            const std::int64_t bit = row * bits;
            const auto code = static_cast<std::uint32_t>(codes[static_cast<std::size_t>(row * columns + column)]);
            words[static_cast<std::size_t>(bit / kWordBits * columns + column)] |= code << (bit % kWordBits);
        }
    return wordsToTensor({wordRows, columns}, words);
}

} // namespace qscope::engine
