// SPDX-License-Identifier: GPL-3.0-or-later
// Codes of forms that tell their levels and nothing else.
#include "plugins/view_codes/code_readers.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace qscope {

namespace {

constexpr std::int64_t kMostElements = 1 << 16;
constexpr std::int64_t kMostCells = 1 << 14;
constexpr std::int64_t kColumnsPerCell = 16; // no group of a GGUF block is shorter

/// Where a value lies among ascending levels: their ranks, and straight lines between and beyond them.
double placeAmong(const std::vector<float>& levels, float value) {
    if (levels.size() < 2) return std::nan("");
    const auto above = std::clamp<std::ptrdiff_t>(std::ranges::upper_bound(levels, value) - levels.begin(), 1,
                                                  static_cast<std::ptrdiff_t>(levels.size()) - 1);
    const auto at = static_cast<std::size_t>(above);
    const double low = static_cast<double>(levels[at - 1]), high = static_cast<double>(levels[at]);
    return static_cast<double>(at - 1) + (static_cast<double>(value) - low) / (high - low);
}

std::size_t nearest(const std::vector<float>& levels, float value) {
    const auto above = std::ranges::lower_bound(levels, value);
    if (above == levels.begin()) return 0;
    if (above == levels.end()) return levels.size() - 1;
    const auto at = static_cast<std::size_t>(above - levels.begin());
    return value - levels[at - 1] < levels[at] - value ? at - 1 : at;
}

/// The mean distance of levels at elements that lie a cell apart.
Result<CodeMap> stepsOf(const engine::QuantizedTensor& tensor, const engine::MatrixShape& matrix,
                        const RunContext& context) {
    CodeMap map;
    map.columnsPer = std::min(matrix.columns, kColumnsPerCell);
    while ((matrix.columns + map.columnsPer - 1) / map.columnsPer > kMostCells) map.columnsPer *= 2;
    map.columns = (matrix.columns + map.columnsPer - 1) / map.columnsPer;
    while ((matrix.rows + map.rowsPer - 1) / map.rowsPer * map.columns > kMostCells && map.rowsPer < matrix.rows)
        map.rowsPer *= 2;
    map.rows = (matrix.rows + map.rowsPer - 1) / map.rowsPer;
    for (std::int64_t row = 0; row < map.rows; ++row) {
        if (context.cancelled()) return cancelled();
        for (std::int64_t column = 0; column < map.columns; ++column) {
            const auto levels = engine::gridLevels(tensor, row * map.rowsPer, column * map.columnsPer);
            map.values.push_back(
                levels.size() < 2 ? 0 : (levels.back() - levels.front()) / static_cast<float>(levels.size() - 1));
        }
    }
    return map;
}

} // namespace

Result<LevelSample> sampledLevels(const engine::QuantizedTensor& tensor, std::span<const float> weights,
                                  const RunContext& context) {
    const engine::MatrixShape matrix = engine::asMatrix(tensor.shape);
    const std::int64_t all = matrix.rows * matrix.columns, taken = std::min(all, kMostElements);
    LevelSample sample;
    context.progress.total = taken;
    for (std::int64_t i = 0; i < taken; ++i) {
        if (i % 256 == 0 && context.cancelled()) return cancelled();
        context.progress.done = i;
        // The whole numbers nearest to equal distances, so that no period of the layout is met again and again.
        const auto element =
            static_cast<std::int64_t>(static_cast<double>(i) * static_cast<double>(all) / static_cast<double>(taken));
        const auto levels = engine::gridLevels(tensor, element / matrix.columns, element % matrix.columns);
        if (levels.empty()) continue;
        float value = 0;
        QSCOPE_CHECK(engine::dequantize(tensor, element, std::span(&value, 1)));
        sample.elements.push_back(element);
        sample.level.push_back(nearest(levels, value));
        sample.levels = std::max(sample.levels, levels.size());
        if (!weights.empty()) sample.place.push_back(placeAmong(levels, weights[static_cast<std::size_t>(element)]));
    }
    if (sample.elements.empty())
        return fail(ErrorCode::Unsupported, "{} tells no levels that its codes could be counted by",
                    engine::describe(tensor));
    sample.width = static_cast<int>(std::bit_width(sample.levels - 1));
    QSCOPE_TRY(sample.steps, stepsOf(tensor, matrix, context));
    return sample;
}

} // namespace qscope
