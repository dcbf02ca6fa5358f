// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/learned_rounding.h"

#include "engine/core/parallel.h"
#include "engine/nn/kernels/vector_math.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr float kStretch = 1.2F, kBelow = 0.1F; // zeta - gamma and -gamma of the paper: h reaches 0 and 1

std::size_t indexOf(std::int64_t index) { return static_cast<std::size_t>(index); }

/// Calls use(begin, end, step) for the runs of elements that share a step, in parallel over rows.
template<class Use>
Result<void> eachGroup(const Grouping& grouping, std::span<const UniformStep> steps, const RunContext& context,
                       Use use) {
    return parallelChunks(
        grouping.rows, std::max<std::int64_t>(1, (1 << 14) / grouping.columns), context,
        [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::int64_t row = begin; row < end; ++row)
                for (std::int64_t first = 0; first < grouping.columns; first += grouping.groupColumns)
                    use(indexOf(row * grouping.columns + first),
                        indexOf(row * grouping.columns + std::min(grouping.columns, first + grouping.groupColumns)),
                        steps[indexOf(grouping.indexOf(row, first))]);
            return {};
        });
}

} // namespace

LearnedRounding::LearnedRounding(std::string name, QuantizedTensor outline, std::span<const float> weight,
                                 std::vector<UniformStep> steps, const RoundingPenalty& penalty)
    : m_name(std::move(name))
    , m_outline(std::move(outline))
    , m_grouping(std::get<GridCodes>(m_outline.codes).grouping)
    , m_steps(std::move(steps))
    , m_penalty(penalty)
    , m_weight(weight.begin(), weight.end())
    , m_below(weight.size())
    , m_choice(weight.size())
    , m_soft(weight.size())
    , m_gradient(weight.size()) {
    for (std::size_t i = 0; i < weight.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        const UniformStep& step =
            m_steps[indexOf(m_grouping.indexOf(at / m_grouping.columns, at % m_grouping.columns))];
        const float place = step.scale > 0 ? weight[i] / step.scale : 0;
        const float below = std::floor(place);
        m_below[i] = below + step.zero;
        m_choice[i] = -std::log(kStretch / (place - below + kBelow) - 1);
    }
}

Result<std::vector<float>> LearnedRounding::values(const Moment&, const RunContext& context) {
    std::vector<float> dense(m_choice.size());
    QSCOPE_CHECK(
        eachGroup(m_grouping, m_steps, context, [&](std::size_t begin, std::size_t end, const UniformStep& step) {
            const std::span soft(m_soft.data() + begin, end - begin);
            kernels::evaluate(kernels::Function::Sigmoid, std::span<const float>(m_choice).subspan(begin, end - begin),
                              soft);
            for (std::size_t i = begin; i < end; ++i) {
                m_soft[i] = std::clamp(kStretch * m_soft[i] - kBelow, 0.0F, 1.0F);
                dense[i] = step.value(std::clamp(m_below[i] + m_soft[i], step.least, step.most));
            }
        }));
    return dense;
}

Result<double> LearnedRounding::take(std::span<const float> gradient, const Moment& moment, const RunContext& context) {
    const auto beta = static_cast<float>(m_penalty.beta(moment.part()));
    const auto lambda = static_cast<float>(m_penalty.lambda);
    std::vector<double> parts(indexOf(m_grouping.rows)); // by row, so that the sum does not depend on threads
    QSCOPE_CHECK(
        eachGroup(m_grouping, m_steps, context, [&](std::size_t begin, std::size_t end, const UniformStep& step) {
            double& penalty = parts[begin / indexOf(m_grouping.columns)];
            for (std::size_t i = begin; i < end; ++i) {
                const float h = m_soft[i];
                if (h <= 0 || h >= 1) { // decided: the stretched sigmoid is flat there
                    m_gradient[i] = 0;
                    continue;
                }
                const float sigmoid = (h + kBelow) / kStretch, slope = kStretch * sigmoid * (1 - sigmoid);
                const float code = m_below[i] + h;
                float of = code > step.least && code < step.most ? gradient[i] * step.scale : 0; // dL/dh
                if (beta > 0) {
                    const float away = 2 * h - 1, power = std::pow(std::abs(away), beta);
                    penalty += static_cast<double>(lambda * (1 - power));
                    if (away != 0) of -= lambda * beta * power / away * 2;
                }
                m_gradient[i] = of * slope;
            }
        }));
    double sum = 0;
    for (const double part : parts) sum += part;
    return sum;
}

std::vector<LearnedNumbers> LearnedRounding::learned() { return {{{m_name, m_choice, m_gradient}, 0}}; }

Result<QuantizedTensor> LearnedRounding::finished(const RunContext& context) {
    QuantizedTensor result = m_outline;
    auto& codes = std::get<GridCodes>(result.codes);
    codes.values = withoutCodes(codes.grid, m_steps);
    codes.values.codes.resize(m_below.size());
    RoundingDecisions decisions;
    for (std::size_t i = 0; i < m_below.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        const UniformStep& step =
            m_steps[indexOf(m_grouping.indexOf(at / m_grouping.columns, at % m_grouping.columns))];
        const bool up = m_choice[i] >= 0;
        codes.values.codes[i] =
            storedCode(codes.grid, std::clamp(m_below[i] + (up ? 1.0F : 0.0F), step.least, step.most));
        if (m_below[i] >= step.least && m_below[i] < step.most) // where there is a choice
            decisions.add(m_weight[i] / step.scale + step.zero - m_below[i], up);
    }
    m_traces = decisions.traces();
    QSCOPE_CHECK(traceRanges(&m_traces, m_weight, m_grouping, codes.grid, m_steps, context));
    return result;
}

} // namespace qscope::engine
