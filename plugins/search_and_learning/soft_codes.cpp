// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/soft_codes.h"

#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/quant/forms.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

constexpr int kShift = 2; // codes to either side
constexpr int kMostChoices = 2 * kShift + 1;

/// Numbers in (0, 1), never an end of it, for one weight: `draw` tells the steps apart.
std::array<float, 8> uniforms(std::uint64_t seed, std::uint64_t stream, std::uint32_t draw, std::size_t element,
                              int count) {
    std::array<float, 8> found{};
    for (std::uint32_t half = 0; half < (count > 4 ? 2U : 1U); ++half) {
        const auto words =
            philox({static_cast<std::uint32_t>(element), static_cast<std::uint32_t>(element >> 32) ^ half << 31, draw,
                    static_cast<std::uint32_t>(stream)},
                   {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
        for (std::size_t i = 0; i < 4; ++i) found[4 * half + i] = (static_cast<float>(words[i] >> 9) + 0.5F) * 0x1p-23F;
    }
    return found;
}

} // namespace

SoftCodes::SoftCodes(std::string name, QuantizedTensor outline, StartingCodes start, const Softness& softness,
                     std::uint64_t seed, std::uint64_t stream)
    : m_name(std::move(name))
    , m_outline(std::move(outline))
    , m_grouping(std::get<GridCodes>(m_outline.codes).grouping)
    , m_steps(std::move(start.steps))
    , m_softness(softness)
    , m_stream(stream)
    , m_choices(std::get<GridCodes>(m_outline.codes).grid.bits == 2 ? 4 : kMostChoices)
    , m_most(static_cast<float>((1 << std::get<GridCodes>(m_outline.codes).grid.bits) - 1))
    , m_first(std::move(start.codes))
    , m_logits(m_first.size() * static_cast<std::size_t>(m_choices))
    , m_chances(m_logits.size())
    , m_logitGradient(m_logits.size())
    , m_scaleGradient(m_steps.size()) {
    for (const UniformStep& step : m_steps) m_scales.push_back(step.scale);
    for (std::size_t i = 0; i < m_first.size(); ++i) {
        const auto noise = uniforms(seed, stream, 0xFFFFFFFFU, i, 8);
        std::array<double, kMostChoices> preference{};
        double mean = 0;
        for (int k = 0; k < m_choices; ++k) {
            const double away = static_cast<double>(codeOf(i, k) - m_first[i]);
            preference[static_cast<std::size_t>(k)] = -0.5 * away * away;
            mean += preference[static_cast<std::size_t>(k)] / m_choices;
        }
        for (int k = 0; k < m_choices; ++k) { // normal noise after Box and Muller, two of four numbers each
            const auto pair = static_cast<std::size_t>(k / 2 * 2);
            const double radius = std::sqrt(-2 * std::log(static_cast<double>(noise[pair]))),
                         angle = 2 * std::numbers::pi * static_cast<double>(noise[pair + 1]);
            const double normal = radius * (k % 2 == 0 ? std::cos(angle) : std::sin(angle));
            m_logits[i * static_cast<std::size_t>(m_choices) + static_cast<std::size_t>(k)] =
                static_cast<float>(m_softness.deviation *
                                   (normal + m_softness.strength * (preference[static_cast<std::size_t>(k)] - mean)));
        }
    }
}

float SoftCodes::codeOf(std::size_t element, int choice) const {
    return m_choices == kMostChoices ? m_first[element] + static_cast<float>(choice - kShift)
                                     : static_cast<float>(choice);
}

Result<std::vector<float>> SoftCodes::values(const Moment& moment, const RunContext& context) {
    const auto gain = static_cast<float>(m_softness.gain(moment.part())),
               cold = static_cast<float>(1 / m_softness.temperature(moment.part()));
    std::vector<float> dense(m_first.size());
    QSCOPE_CHECK(parallelChunks(
        m_grouping.count(), std::max<std::int64_t>(1, (1 << 13) / m_grouping.groupColumns), context,
        [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::int64_t g = begin; g < end; ++g) {
                const float scale = m_scales[static_cast<std::size_t>(g)],
                            zero = m_steps[static_cast<std::size_t>(g)].zero;
                const auto first = static_cast<std::size_t>(g * m_grouping.groupColumns);
                for (std::size_t i = first; i < first + static_cast<std::size_t>(m_grouping.groupColumns); ++i) {
                    const auto noise =
                        uniforms(moment.seed, m_stream, static_cast<std::uint32_t>(moment.step), i, m_choices);
                    const std::size_t at = i * static_cast<std::size_t>(m_choices);
                    std::array<float, kMostChoices> score{};
                    float most = -std::numeric_limits<float>::infinity();
                    for (int k = 0; k < m_choices; ++k) {
                        const auto c = static_cast<std::size_t>(k);
                        score[c] = allowed(codeOf(i, k))
                                       ? (gain * m_logits[at + c] - std::log(-std::log(noise[c]))) * cold
                                       : -std::numeric_limits<float>::infinity();
                        most = std::max(most, score[c]);
                    }
                    float sum = 0, level = 0;
                    for (int k = 0; k < m_choices; ++k) {
                        const auto c = static_cast<std::size_t>(k);
                        score[c] = std::exp(score[c] - most);
                        sum += score[c];
                        level += score[c] * (codeOf(i, k) - zero);
                    }
                    for (int k = 0; k < m_choices; ++k)
                        m_chances[at + static_cast<std::size_t>(k)] = score[static_cast<std::size_t>(k)] / sum;
                    dense[i] = scale * (level / sum);
                }
            }
            return {};
        }));
    return dense;
}

Result<double> SoftCodes::take(std::span<const float> gradient, const Moment& moment, const RunContext& context) {
    const auto steep = static_cast<float>(m_softness.gain(moment.part()) / m_softness.temperature(moment.part()));
    QSCOPE_CHECK(parallelChunks(
        m_grouping.count(), std::max<std::int64_t>(1, (1 << 14) / m_grouping.groupColumns), context,
        [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::int64_t g = begin; g < end; ++g) {
                const float scale = m_scales[static_cast<std::size_t>(g)],
                            zero = m_steps[static_cast<std::size_t>(g)].zero;
                double ofScale = 0;
                const auto first = static_cast<std::size_t>(g * m_grouping.groupColumns);
                for (std::size_t i = first; i < first + static_cast<std::size_t>(m_grouping.groupColumns); ++i) {
                    const std::size_t at = i * static_cast<std::size_t>(m_choices);
                    float level = 0;
                    for (int k = 0; k < m_choices; ++k)
                        level += m_chances[at + static_cast<std::size_t>(k)] * (codeOf(i, k) - zero);
                    for (int k = 0; k < m_choices; ++k) {
                        const auto c = at + static_cast<std::size_t>(k);
                        m_logitGradient[c] = gradient[i] * scale * steep * m_chances[c] * (codeOf(i, k) - zero - level);
                    }
                    ofScale += static_cast<double>(gradient[i] * level);
                }
                m_scaleGradient[static_cast<std::size_t>(g)] = static_cast<float>(ofScale);
            }
            return {};
        }));
    return 0;
}

std::vector<LearnedNumbers> SoftCodes::learned() {
    return {{{m_name + ".logits", m_logits, m_logitGradient}, 0}, {{m_name + ".scales", m_scales, m_scaleGradient}, 1}};
}

Result<QuantizedTensor> SoftCodes::finished(const RunContext&) {
    QuantizedTensor result = m_outline;
    auto& codes = std::get<GridCodes>(result.codes);
    for (std::size_t g = 0; g < m_steps.size(); ++g)
        m_steps[g].scale = roundedTo(codes.grid.scaleType, std::max(0.0F, m_scales[g]));
    codes.values = withoutCodes(codes.grid, m_steps);
    for (std::size_t i = 0; i < m_first.size(); ++i) {
        const float* logits = m_logits.data() + i * static_cast<std::size_t>(m_choices);
        float best = m_first[i], most = -std::numeric_limits<float>::infinity();
        for (int k = 0; k < m_choices; ++k) {
            if (!allowed(codeOf(i, k)) || logits[k] <= most) continue;
            most = logits[k];
            best = codeOf(i, k);
        }
        codes.values.codes.push_back(storedCode(codes.grid, best));
    }
    return result;
}

} // namespace qscope::engine
