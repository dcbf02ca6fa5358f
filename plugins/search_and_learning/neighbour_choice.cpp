// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/neighbour_choice.h"

#include "engine/core/parallel.h"
#include "engine/quant/trace_points.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::int64_t kGrain = 1 << 15;

/// Calls use(element) for every one, on all cores.
template<class Use>
Result<void> eachElement(std::size_t count, const RunContext& context, Use use) {
    return parallelChunks(static_cast<std::int64_t>(count), kGrain, context,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                              for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
                                  use(i);
                              return {};
                          });
}

} // namespace

NeighbourChoice::NeighbourChoice(std::string name, QuantizedTensor outline, std::span<const float> weight,
                                 std::vector<UniformStep> steps, std::vector<float> start,
                                 std::shared_ptr<const DiscrepancySettings> settings)
    : m_name(std::move(name))
    , m_outline(std::move(outline))
    , m_grouping(std::get<GridCodes>(m_outline.codes).grouping)
    , m_steps(std::move(steps))
    , m_settings(std::move(settings))
    , m_low(weight.size())
    , m_high(weight.size())
    , m_exact(weight.size())
    , m_at(std::move(start))
    , m_gradient(weight.size()) {
    for (std::size_t i = 0; i < weight.size(); ++i) {
        const UniformStep& step = stepOf(i);
        const float place = (step.scale > 0 ? weight[i] / step.scale : 0) + step.zero;
        m_low[i] = std::clamp(std::floor(place), step.least, step.most);
        m_high[i] = std::clamp(std::floor(place) + 1, step.least, step.most);
        m_exact[i] = m_low[i] == m_high[i] ? 0.5F : place - m_low[i];
    }
}

const UniformStep& NeighbourChoice::stepOf(std::size_t element) const {
    const auto at = static_cast<std::int64_t>(element);
    return m_steps[static_cast<std::size_t>(m_grouping.indexOf(at / m_grouping.columns, at % m_grouping.columns))];
}

Result<std::vector<float>> NeighbourChoice::values(const Moment&, const RunContext& context) {
    std::vector<float> dense(m_at.size());
    QSCOPE_CHECK(eachElement(dense.size(), context, [&](std::size_t i) {
        dense[i] = stepOf(i).value(m_low[i] + m_at[i] * (m_high[i] - m_low[i]));
    }));
    return dense;
}

Result<double> NeighbourChoice::take(std::span<const float> gradient, const Moment&, const RunContext& context) {
    const auto factor = static_cast<float>(m_settings->strength / m_settings->errorScale),
               limit = static_cast<float>(m_settings->limit);
    QSCOPE_CHECK(eachElement(m_gradient.size(), context, [&](std::size_t i) {
        const float of = gradient[i] * stepOf(i).scale * (m_high[i] - m_low[i]);
        m_gradient[i] = 1 - 2 * m_exact[i] + std::clamp(factor * of, -limit, limit);
    }));
    return 0;
}

std::vector<LearnedNumbers> NeighbourChoice::learned() { return {{{m_name, m_at, m_gradient}, 0}}; }

void NeighbourChoice::moved() {
    for (float& x : m_at) x = std::clamp(x, 0.0F, 1.0F);
}

double NeighbourChoice::meanSquareError() const {
    double sum = 0;
    for (std::size_t i = 0; i < m_exact.size(); ++i) {
        if (m_low[i] == m_high[i]) continue; // beyond the range, or exactly on the grid's end
        const double distance = std::min(m_exact[i], 1 - m_exact[i]) * stepOf(i).scale;
        sum += distance * distance;
    }
    return sum / static_cast<double>(std::max<std::size_t>(1, m_exact.size()));
}

double NeighbourChoice::decided() const {
    return static_cast<double>(std::ranges::count_if(m_at, [](float x) { return x == 0 || x == 1; })) /
           static_cast<double>(std::max<std::size_t>(1, m_at.size()));
}

Result<QuantizedTensor> NeighbourChoice::finished(const RunContext&) {
    QuantizedTensor result = m_outline;
    auto& codes = std::get<GridCodes>(result.codes);
    codes.values = withoutCodes(codes.grid, m_steps);
    for (std::size_t i = 0; i < m_at.size(); ++i)
        codes.values.codes.push_back(storedCode(codes.grid, m_at[i] > 0.5F ? m_high[i] : m_low[i]));
    return result;
}

std::vector<Trace> NeighbourChoice::traces() const {
    RoundingDecisions decisions;
    for (std::size_t i = 0; i < m_at.size(); ++i)
        if (m_low[i] != m_high[i]) decisions.add(m_exact[i], m_at[i] > 0.5F);
    return decisions.traces();
}

} // namespace qscope::engine
