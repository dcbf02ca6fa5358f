// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/quantized_tensor.h"

#include <algorithm>
#include <array>

namespace qscope::engine {

namespace {

std::int32_t codeAt(const GridCodes& codes, std::int64_t element) {
    const std::uint8_t code = codes.values.codes[static_cast<std::size_t>(element)];
    return codes.grid.symmetric ? static_cast<std::int8_t>(code) : code;
}

std::int32_t zeroOf(const GridCodes& codes, std::int64_t group) {
    return codes.grid.symmetric ? 0 : codes.values.zeros[static_cast<std::size_t>(group)];
}

void dequantizeGrid(const GridCodes& codes, std::int64_t first, std::span<float> out) {
    const Grouping& grouping = codes.grouping;
    const std::int64_t end = first + static_cast<std::int64_t>(out.size());
    for (std::int64_t element = first; element < end;) {
        const std::int64_t row = element / grouping.columns;
        const std::int64_t column = element % grouping.columns;
        const std::int64_t group = grouping.indexOf(row, column);
        const std::int64_t groupEnd = (column / grouping.groupColumns + 1) * grouping.groupColumns;
        const std::int64_t runEnd = std::min(end, element + std::min(groupEnd, grouping.columns) - column);
        const std::int32_t zero = zeroOf(codes, group);
        const float scale = codes.values.scales[static_cast<std::size_t>(group)];
        for (; element < runEnd; ++element)
            out[static_cast<std::size_t>(element - first)] = static_cast<float>(codeAt(codes, element) - zero) * scale;
    }
}

/// Where the codes of a block type lie: `low` bytes from `lowBegin` hold the low bits of every element side by side,
/// `high` bytes from `highBegin` the rest. Filling them with one repeated code gives every element that code.
struct CodePlanes {
    DType type;
    std::size_t lowBegin, low;
    int lowBits;
    std::size_t highBegin, high;
    int highBits;
};

constexpr std::array kCodePlanes{
    CodePlanes{DType::Q4_0, 2, 16, 4, 0, 0, 0},
    CodePlanes{DType::Q8_0, 2, 32, 8, 0, 0, 0},
    CodePlanes{DType::Q4_K, 16, 128, 4, 0, 0, 0},
    CodePlanes{DType::Q6_K, 0, 128, 4, 128, 64, 2},
};

/// A byte full of copies of the `width` bits of `code`.
std::byte repeated(unsigned code, int width) {
    unsigned filled = 0;
    for (int shift = 0; shift < 8; shift += width) filled |= (code & ((1u << width) - 1)) << shift;
    return static_cast<std::byte>(filled);
}

std::vector<float> blockLevels(const BlockCodes& codes, std::int64_t element) {
    const auto planes = std::find_if(kCodePlanes.begin(), kCodePlanes.end(),
                                     [&](const CodePlanes& row) { return row.type == codes.type; });
    if (planes == kCodePlanes.end()) return {};
    const DTypeInfo& type = info(codes.type);
    const auto blockBytes = static_cast<std::size_t>(type.blockBits / 8);
    const auto begin = codes.bytes.begin() + element / type.blockLength * type.blockBits / 8;
    std::vector<std::byte> block(begin, begin + static_cast<std::ptrdiff_t>(blockBytes));
    std::vector<float> levels;
    for (unsigned code = 0; code < 1u << (planes->lowBits + planes->highBits); ++code) {
        std::fill_n(block.begin() + static_cast<std::ptrdiff_t>(planes->lowBegin), planes->low,
                    repeated(code, planes->lowBits));
        if (planes->high > 0)
            std::fill_n(block.begin() + static_cast<std::ptrdiff_t>(planes->highBegin), planes->high,
                        repeated(code >> planes->lowBits, planes->highBits));
        float level = 0;
        const TensorView view{codes.type, {type.blockLength}, block, nullptr};
        if (!decode(view, element % type.blockLength, std::span(&level, 1))) return {};
        levels.push_back(level);
    }
    return levels;
}

std::vector<float> gridCodeLevels(const GridCodes& codes, std::int64_t row, std::int64_t column) {
    const std::int64_t group = codes.grouping.indexOf(row, column);
    const std::int32_t zero = zeroOf(codes, group);
    const float scale = codes.values.scales[static_cast<std::size_t>(group)];
    const std::int32_t top = codes.grid.symmetric ? (1 << (codes.grid.bits - 1)) - 1 : (1 << codes.grid.bits) - 1;
    std::vector<float> levels;
    for (std::int32_t code = codes.grid.symmetric ? -top : 0; code <= top; ++code)
        levels.push_back(static_cast<float>(code - zero) * scale);
    return levels;
}

} // namespace

std::uint64_t storedBits(const QuantizedTensor& tensor) {
    if (const auto* blocks = std::get_if<BlockCodes>(&tensor.codes)) return 8 * blocks->bytes.size();
    const auto& grid = std::get<GridCodes>(tensor.codes);
    const auto codeBits = static_cast<std::uint64_t>(grid.grid.bits);
    const std::uint64_t scaleBits = grid.grid.scaleType == ScaleType::F16 ? 16 : 32;
    return codeBits * (grid.values.codes.size() + grid.values.zeros.size()) + scaleBits * grid.values.scales.size();
}

Result<void> dequantize(const QuantizedTensor& tensor, std::int64_t first, std::span<float> out) {
    const std::int64_t count = elementCount(tensor.shape);
    if (first < 0 || first > count || static_cast<std::int64_t>(out.size()) > count - first)
        return fail(ErrorCode::OutOfRange, "{} elements from {} on asked of {}", out.size(), first,
                    count);
    if (const auto* blocks = std::get_if<BlockCodes>(&tensor.codes))
        return decode(TensorView{blocks->type, tensor.shape, blocks->bytes, nullptr}, first, out);
    dequantizeGrid(std::get<GridCodes>(tensor.codes), first, out);
    return {};
}

std::vector<float> gridLevels(const QuantizedTensor& tensor, std::int64_t row, std::int64_t column) {
    std::vector<float> levels;
    if (const auto* blocks = std::get_if<BlockCodes>(&tensor.codes))
        levels = blockLevels(*blocks, row * asMatrix(tensor.shape).columns + column);
    else
        levels = gridCodeLevels(std::get<GridCodes>(tensor.codes), row, column);
    std::sort(levels.begin(), levels.end());
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    return levels;
}

} // namespace qscope::engine
