// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/level_fit.h"

#include "engine/core/parallel.h"
#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"

#include <algorithm>
#include <numeric>

namespace qscope::engine {

GroupError::GroupError(std::span<const float> values, std::span<const float> weights) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
    m_mass = m_first = m_second = {0};
    for (const std::size_t i : order) {
        const double w = weights.empty() ? 1.0 : static_cast<double>(weights[i]), x = static_cast<double>(values[i]);
        m_values.push_back(values[i]);
        m_mass.push_back(m_mass.back() + w);
        m_first.push_back(m_first.back() + w * x);
        m_second.push_back(m_second.back() + w * x * x);
        m_largest = std::max(m_largest, std::abs(values[i]));
    }
}

double GroupError::of(const Grid& grid, float scale) const {
    const auto levels = grid.ascending();
    const auto borders = grid.borders();
    double sum = 0;
    std::size_t begin = 0;
    for (std::size_t level = 0; level < levels.size() && begin < m_values.size(); ++level) {
        std::size_t end = m_values.size();
        if (level < borders.size())
            end = static_cast<std::size_t>(std::upper_bound(m_values.begin() + static_cast<std::ptrdiff_t>(begin),
                                                            m_values.end(), borders[level] * scale) -
                                           m_values.begin());
        const double at = static_cast<double>(levels[level]) * static_cast<double>(scale);
        sum += m_second[end] - m_second[begin] - 2 * at * (m_first[end] - m_first[begin]) +
               at * at * (m_mass[end] - m_mass[begin]);
        begin = end;
    }
    return std::max(0.0, sum);
}

float storedScale(float scale, ScaleType type) {
    if (type == ScaleType::F16) scale = std::clamp(scale, 0x1p-24F, 65504.0F);
    return roundedTo(type, scale);
}

FittedScale fitScale(const GroupError& group, const Grid& grid, const ScaleSearch& search, ScaleType type) {
    const float whole = group.largest() / grid.largest();
    if (!(whole > 0)) return {1, 0};
    FittedScale best{storedScale(whole, type), 0};
    best.error = group.of(grid, best.scale);
    for (int i = 0; i < search.candidates && search.candidates > 1; ++i) {
        const double part = search.first + (search.last - search.first) * i / (search.candidates - 1);
        const float scale = storedScale(static_cast<float>(static_cast<double>(whole) * part), type);
        if (!(scale > 0)) continue;
        const double error = group.of(grid, scale);
        if (error < best.error) best = {scale, error};
    }
    return best;
}

Result<std::vector<float>> finiteValues(const QuantInput& input, const RunContext& context) {
    return finiteValues(input.weight, context);
}

std::span<const float> importanceOf(const QuantInput& input) {
    const auto columns = static_cast<std::size_t>(asMatrix(input.weight.shape).columns);
    if (input.importance.size() == columns) return input.importance;
    if (input.calibration && input.calibration->meanSquares.size() == columns) return input.calibration->meanSquares;
    return {};
}

Result<void> eachGroup(std::span<const float> matrix, std::span<const float> columnWeights, const Grouping& grouping,
                       const RunContext& context, const std::function<void(std::int64_t, const GroupValues&)>& use) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    const std::int64_t size = std::max<std::int64_t>(1, grouping.groupRows * grouping.groupColumns);
    return parallelChunks(
        grouping.count(), std::max<std::int64_t>(1, (1 << 13) / size), quiet,
        [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            GroupValues group;
            for (std::int64_t g = begin; g < end; ++g) {
                const std::int64_t top = g / grouping.groupsAcross() * grouping.groupRows,
                                   left = g % grouping.groupsAcross() * grouping.groupColumns;
                group.elements.clear();
                group.values.clear();
                group.weights.clear();
                for (std::int64_t row = top; row < std::min(grouping.rows, top + grouping.groupRows); ++row)
                    for (std::int64_t column = left; column < std::min(grouping.columns, left + grouping.groupColumns);
                         ++column) {
                        group.elements.push_back(row * grouping.columns + column);
                        group.values.push_back(matrix[static_cast<std::size_t>(group.elements.back())]);
                        if (!columnWeights.empty())
                            group.weights.push_back(columnWeights[static_cast<std::size_t>(column)]);
                    }
                use(g, group);
                context.progress.done.fetch_add(static_cast<std::int64_t>(group.values.size()),
                                                std::memory_order_relaxed);
            }
            return {};
        });
}

} // namespace qscope::engine
