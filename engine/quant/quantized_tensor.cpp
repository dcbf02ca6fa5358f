// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/quantized_tensor.h"

#include "engine/core/checked_math.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine {

namespace {

using FormPointer = std::shared_ptr<const CodeForm>;

std::int32_t codeAt(const GridCodes& codes, std::int64_t element) {
    const std::uint8_t code = codes.values.codes[static_cast<std::size_t>(element)];
    return codes.grid.symmetric ? static_cast<std::int8_t>(code) : code;
}

std::int32_t zeroOf(const GridCodes& codes, std::int64_t group) {
    return codes.grid.symmetric ? 0 : codes.values.zeros[static_cast<std::size_t>(group)];
}

std::int64_t groupOf(const Grouping& grouping, const std::vector<std::int32_t>& columnGroup, std::int64_t element) {
    const std::int64_t row = element / grouping.columns, column = element % grouping.columns;
    if (columnGroup.empty()) return grouping.indexOf(row, column);
    return row / grouping.groupRows * grouping.groupsAcross() + columnGroup[static_cast<std::size_t>(column)];
}

/// Calls use(group, begin, end) for each run of elements of [first, end) that lie in one group.
template<class Use>
void eachGroup(const Grouping& grouping, const std::vector<std::int32_t>& columnGroup, std::int64_t first, std::int64_t end, Use use) {
    for (std::int64_t element = first; element < end;) {
        const std::int64_t column = element % grouping.columns;
        const std::int64_t next = columnGroup.empty() ? std::min((column / grouping.groupColumns + 1) * grouping.groupColumns, grouping.columns)
                                                      : column + 1;
        const std::int64_t runEnd = std::min(end, element + next - column);
        use(groupOf(grouping, columnGroup, element), element, runEnd);
        element = runEnd;
    }
}

void dequantizeGrid(const GridCodes& codes, std::int64_t first, std::span<float> out) {
    eachGroup(codes.grouping, codes.columnGroup, first, first + static_cast<std::int64_t>(out.size()),
              [&](std::int64_t group, std::int64_t begin, std::int64_t end) {
                  const std::int32_t zero = zeroOf(codes, group);
                  const float scale = codes.values.scales[static_cast<std::size_t>(group)];
                  for (std::int64_t element = begin; element < end; ++element)
                      out[static_cast<std::size_t>(element - first)] = static_cast<float>(codeAt(codes, element) - zero) * scale;
              });
}

/// The factor of a group's levels.
float scaleOf(const LevelCodes& codes, std::int64_t group) {
    const float scale = codes.scales[static_cast<std::size_t>(group)];
    if (!codes.hasTensorScale) return scale;
    return codes.tensorScaleDivides ? scale / codes.tensorScale : scale * codes.tensorScale;
}

void dequantizeLevels(const LevelCodes& codes, std::int64_t first, std::span<float> out) {
    eachGroup(codes.grouping, {}, first, first + static_cast<std::int64_t>(out.size()),
              [&](std::int64_t group, std::int64_t begin, std::int64_t end) {
                  const float scale = scaleOf(codes, group);
                  for (std::int64_t element = begin; element < end; ++element)
                      out[static_cast<std::size_t>(element - first)] =
                          codes.levels[codes.codes[static_cast<std::size_t>(element)]] * scale;
              });
}

std::uint64_t bitsOf(const GridCodes& codes, std::uint64_t count) {
    const auto groups = static_cast<std::uint64_t>(codes.grouping.count());
    const std::uint64_t zeros = codes.grid.symmetric ? 0 : groups;
    const std::uint64_t scaleBits = codes.grid.scaleType == ScaleType::F32 ? 32 : 16;
    const std::uint64_t order = codes.columnGroup.empty() ? 0 : 32 * codes.columnGroup.size();
    return static_cast<std::uint64_t>(codes.grid.bits) * (count + zeros) + scaleBits * groups + order;
}

std::uint64_t bitsOf(const BlockCodes& codes, std::uint64_t count) { return 8 * storedBytes(codes.type, count).value_or(0); }

std::uint64_t bitsOf(const LevelCodes& codes, std::uint64_t count) {
    const auto groups = static_cast<std::uint64_t>(codes.grouping.count());
    std::uint64_t bits = static_cast<std::uint64_t>(codes.bits) * count + (codes.hasTensorScale ? 32 : 0);
    if (!codes.nested) return bits + groups * static_cast<std::uint64_t>(info(codes.scaleType).blockBits);
    const auto peaks = ceilDiv(groups, static_cast<std::uint64_t>(codes.nested->block));
    return bits + 8 * groups + 32 * peaks + 32; // the mean
}

std::string describe(const Grouping& grouping) {
    if (grouping.count() == 1) return "one scale";
    if (grouping.groupRows == 1 && grouping.groupColumns >= grouping.columns) return "a scale per output channel";
    if (grouping.groupColumns == 1 && grouping.groupRows >= grouping.rows) return "a scale per input channel";
    if (grouping.groupRows == 1) return fmt::format("groups of {}", grouping.groupColumns);
    return fmt::format("blocks of {} x {}", grouping.groupRows, grouping.groupColumns);
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

std::vector<float> gridCodeLevels(const GridCodes& codes, std::int64_t element) {
    const std::int64_t group = groupOf(codes.grouping, codes.columnGroup, element);
    const std::int32_t zero = zeroOf(codes, group);
    const float scale = codes.values.scales[static_cast<std::size_t>(group)];
    const std::int32_t top = codes.grid.symmetric ? (1 << (codes.grid.bits - 1)) - 1 : (1 << codes.grid.bits) - 1;
    std::vector<float> levels;
    for (std::int32_t code = codes.grid.symmetric ? -top : 0; code <= top; ++code)
        levels.push_back(static_cast<float>(code - zero) * scale);
    return levels;
}

std::vector<float> levelsOf(const LevelCodes& codes, std::int64_t element) {
    const float scale = scaleOf(codes, groupOf(codes.grouping, {}, element));
    std::vector<float> levels;
    for (const float level : codes.levels)
        if (std::isfinite(level)) levels.push_back(level * scale);
    return levels;
}

} // namespace

std::uint64_t storedBits(const QuantizedTensor& tensor) {
    const auto count = static_cast<std::uint64_t>(elementCount(tensor.shape));
    if (const auto* form = std::get_if<FormPointer>(&tensor.codes)) return (*form)->storedBits(tensor.shape);
    return std::visit(
        [count]<class T>(const T& codes) -> std::uint64_t {
            if constexpr (std::is_same_v<T, FormPointer>) return 0;
            else return bitsOf(codes, count);
        },
        tensor.codes);
}

double bitsPerWeight(const QuantizedTensor& tensor) {
    const std::int64_t count = elementCount(tensor.shape);
    return count == 0 ? 0 : static_cast<double>(storedBits(tensor)) / static_cast<double>(count);
}

std::string describe(const QuantizedTensor& tensor) {
    if (const auto* form = std::get_if<FormPointer>(&tensor.codes)) return (*form)->describe();
    if (const auto* blocks = std::get_if<BlockCodes>(&tensor.codes)) return std::string(info(blocks->type).name);
    if (const auto* levels = std::get_if<LevelCodes>(&tensor.codes))
        return fmt::format("{}, {}", levels->levelSet, describe(levels->grouping));
    const auto& grid = std::get<GridCodes>(tensor.codes);
    return fmt::format("{}-bit {} grid, {}{}", grid.grid.bits, grid.grid.symmetric ? "symmetric" : "asymmetric",
                       describe(grid.grouping), grid.columnGroup.empty() ? "" : ", act-order");
}

Result<void> dequantize(const QuantizedTensor& tensor, std::int64_t first, std::span<float> out) {
    const std::int64_t count = elementCount(tensor.shape);
    if (first < 0 || first > count || static_cast<std::int64_t>(out.size()) > count - first)
        return fail(ErrorCode::OutOfRange, "{} elements from {} on asked of {}", out.size(), first,
                    count);
    if (const auto* form = std::get_if<FormPointer>(&tensor.codes)) return (*form)->dequantize(tensor.shape, first, out);
    if (const auto* blocks = std::get_if<BlockCodes>(&tensor.codes))
        return decode(TensorView{blocks->type, tensor.shape, blocks->bytes, nullptr}, first, out);
    if (const auto* levels = std::get_if<LevelCodes>(&tensor.codes)) dequantizeLevels(*levels, first, out);
    else dequantizeGrid(std::get<GridCodes>(tensor.codes), first, out);
    return {};
}

std::vector<float> gridLevels(const QuantizedTensor& tensor, std::int64_t row, std::int64_t column) {
    const std::int64_t element = row * asMatrix(tensor.shape).columns + column;
    std::vector<float> levels;
    if (const auto* form = std::get_if<FormPointer>(&tensor.codes)) levels = (*form)->levels(tensor.shape, row, column);
    else if (const auto* blocks = std::get_if<BlockCodes>(&tensor.codes)) levels = blockLevels(*blocks, element);
    else if (const auto* table = std::get_if<LevelCodes>(&tensor.codes)) levels = levelsOf(*table, element);
    else levels = gridCodeLevels(std::get<GridCodes>(tensor.codes), element);
    std::sort(levels.begin(), levels.end());
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    return levels;
}

} // namespace qscope::engine
