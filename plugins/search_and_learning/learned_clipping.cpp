// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/learned_clipping.h"

#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/quant/trace_points.h"
#include "engine/quant/uniform_step.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr float kLeastScale = 1e-5F, kMostScale = 1e4F,
                kLeastFactor = 1e-2F; // OmniQuant, quantizer.py and omniquant.py
constexpr std::int64_t kRows = 16;

std::size_t indexOf(std::int64_t index) { return static_cast<std::size_t>(index); }

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

} // namespace

LearnedClipping::LearnedClipping(std::string name, QuantizedTensor outline, std::vector<float> weight,
                                 std::shared_ptr<ChannelFactors> factors, bool learnsRange, float start)
    : m_name(std::move(name))
    , m_outline(std::move(outline))
    , m_grouping(std::get<GridCodes>(m_outline.codes).grouping)
    , m_grid(std::get<GridCodes>(m_outline.codes).grid)
    , m_weight(std::move(weight))
    , m_factors(std::move(factors))
    , m_learnsRange(learnsRange)
    , m_strength(2 * indexOf(m_grouping.count()), start)
    , m_gradient(m_strength.size())
    , m_groups(indexOf(m_grouping.count())) {}

LearnedClipping::Group LearnedClipping::groupOf(std::int64_t row, std::int64_t first, std::size_t index) const {
    Group group;
    for (std::int64_t column = first; column < first + m_grouping.groupColumns; ++column) {
        const float scaled = m_weight[indexOf(row * m_grouping.columns + column)] * factor(column);
        if (scaled < group.low) {
            group.low = scaled;
            group.lowAt = column;
        }
        if (scaled > group.high) {
            group.high = scaled;
            group.highAt = column;
        }
    }
    const float low = m_learnsRange ? sigmoid(m_strength[index]) * group.low : group.low;
    const float high = m_learnsRange ? sigmoid(m_strength[groups() + index]) * group.high : group.high;
    const auto levels = static_cast<float>((1 << m_grid.bits) - 1);
    const float scale = (high - low) / levels;
    group.moves = scale > kLeastScale && scale < kMostScale;
    group.step = {roundedTo(m_grid.scaleType, std::clamp(scale, kLeastScale, kMostScale)), 0, 0, levels};
    group.step.zero = std::clamp(std::rint(-low / group.step.scale), 0.0F, levels);
    return group;
}

Result<std::vector<float>> LearnedClipping::values(const Moment&, const RunContext& context) {
    std::vector<float> dense(m_weight.size());
    QSCOPE_CHECK(
        parallelChunks(m_grouping.rows, kRows, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::int64_t row = begin; row < end; ++row)
                for (std::int64_t first = 0; first < m_grouping.columns; first += m_grouping.groupColumns) {
                    const std::size_t index = indexOf(m_grouping.indexOf(row, first));
                    const Group& group = m_groups[index] = groupOf(row, first, index);
                    for (std::int64_t column = first; column < first + m_grouping.groupColumns; ++column) {
                        const std::size_t at = indexOf(row * m_grouping.columns + column);
                        dense[at] = group.step.rounded(m_weight[at] * factor(column)) / factor(column);
                    }
                }
            return {};
        }));
    return dense;
}

Result<double> LearnedClipping::take(std::span<const float> gradient, const Moment&, const RunContext& context) {
    const auto levels = static_cast<float>((1 << m_grid.bits) - 1);
    const std::size_t columns = indexOf(m_grouping.columns);
    std::vector<std::vector<double>> parts(indexOf((m_grouping.rows + kRows - 1) / kRows)); // of the factors, by chunk
    QSCOPE_CHECK(
        parallelChunks(m_grouping.rows, kRows, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            auto& part = parts[indexOf(begin / kRows)];
            part.assign(m_factors ? columns : 0, 0.0);
            for (std::int64_t row = begin; row < end; ++row)
                for (std::int64_t first = 0; first < m_grouping.columns; first += m_grouping.groupColumns) {
                    const std::size_t index = indexOf(m_grouping.indexOf(row, first));
                    const Group& group = m_groups[index];
                    double ofScale = 0; // dL/ds
                    for (std::int64_t column = first; column < first + m_grouping.groupColumns; ++column) {
                        const std::size_t at = indexOf(row * m_grouping.columns + column);
                        const float a = factor(column), scaled = m_weight[at] * a, place = scaled / group.step.scale;
                        const float free = std::rint(place) + group.step.zero,
                                    code = std::clamp(free, group.step.least, group.step.most);
                        const bool inside = free == code;
                        const float level = code - group.step.zero;
                        ofScale += static_cast<double>(gradient[at] / a * (inside ? level - place : level));
                        if (!part.empty())
                            part[indexOf(column)] += static_cast<double>(
                                gradient[at] * ((inside ? scaled : 0) - level * group.step.scale) / (a * a));
                    }
                    const float low = m_learnsRange ? sigmoid(m_strength[index]) : 1.0F,
                                high = m_learnsRange ? sigmoid(m_strength[groups() + index]) : 1.0F;
                    const auto slope = group.moves ? static_cast<float>(ofScale) / levels : 0.0F;
                    m_gradient[index] = -slope * low * (1 - low) * group.low;
                    m_gradient[groups() + index] = slope * high * (1 - high) * group.high;
                    if (part.empty()) continue;
                    part[indexOf(group.highAt)] +=
                        static_cast<double>(slope * high * group.high / factor(group.highAt));
                    part[indexOf(group.lowAt)] -= static_cast<double>(slope * low * group.low / factor(group.lowAt));
                }
            return {};
        }));
    if (!m_factors) return 0;
    auto& mine = m_factors->parts[m_name];
    mine.assign(columns, 0.0F);
    for (std::size_t c = 0; c < columns; ++c) {
        double sum = 0;
        for (const auto& part : parts) sum += part[c];
        mine[c] = static_cast<float>(sum);
    }
    return 0;
}

std::vector<LearnedNumbers> LearnedClipping::learned() {
    std::vector<LearnedNumbers> numbers;
    if (m_learnsRange) numbers.push_back({{m_name, m_strength, m_gradient}, 0});
    if (!m_factors || m_factors->parts.begin()->first != m_name)
        return numbers; // the first of those that share them speaks for all
    m_factors->gradient.assign(m_factors->values.size(), 0.0F);
    for (const auto& [name, part] : m_factors->parts)
        for (std::size_t c = 0; c < part.size(); ++c) m_factors->gradient[c] += part[c];
    numbers.push_back({{m_factors->name, m_factors->values, m_factors->gradient}, 1});
    return numbers;
}

void LearnedClipping::moved() {
    if (!m_factors) return;
    for (float& a : m_factors->values) a = std::max(a, kLeastFactor);
}

Result<QuantizedTensor> LearnedClipping::finished(const RunContext& context) {
    QSCOPE_TRY(const auto dense, values({}, context)); // fills in the groups
    QuantizedTensor result = m_outline;
    auto& codes = std::get<GridCodes>(result.codes);
    std::vector<UniformStep> steps;
    for (const Group& group : m_groups) steps.push_back(group.step);
    std::vector<float> scaled = m_weight;
    for (std::size_t i = 0; i < scaled.size(); ++i)
        scaled[i] *= factor(static_cast<std::int64_t>(i) % m_grouping.columns);
    codes.values = roundToSteps(scaled, m_grouping, m_grid, steps);
    if (!m_factors) return result;
    ColumnTransformed form;
    form.base = std::make_shared<const QuantizedTensor>(std::move(result));
    form.factorBits = m_factors->storedBits;
    for (const float a : m_factors->values) form.factors.push_back(1 / a);
    return tensorOf(m_outline.shape, std::move(form));
}

std::vector<Trace> LearnedClipping::traces() const {
    if (!m_learnsRange) return {};
    std::vector<double> low, high;
    for (std::size_t g = 0; g < groups(); ++g) {
        low.push_back(static_cast<double>(sigmoid(m_strength[g])));
        high.push_back(static_cast<double>(sigmoid(m_strength[groups() + g])));
    }
    const std::string chart = "Range that each group keeps, widest first: ", x = "rank", y = "part of the range";
    return {rankedOf(chart + "to the smallest weight", x, y, std::move(low)),
            rankedOf(chart + "to the largest weight", x, y, std::move(high))};
}

} // namespace qscope::engine
