// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/uniform_step.h"
#include "plugins/search_and_learning/block_reconstruction.h"

namespace qscope::engine {

/// How DiscQuant weighs what pulls at a choice.
struct DiscrepancySettings {
    double strength = 200; ///< rho: of the divergence's gradient ...
    double limit =
        0.5; ///< c: ... which is cut to this, before the pull towards the nearest neighbour, at most 1, is added
    double errorScale = 1; ///< delta^2: what the divergence is divided by
};

/// A weight between its two neighbours on the grid: w(x) = (1 - x) lo + x hi, x in [0, 1]. With y the x that gives the
/// weight itself, a step's gradient is -(2 y - 1) + clip(rho dL/dx / delta^2, ±c): nearest neighbours win unless the
/// loss objects.
class NeighbourChoice final : public LearnedWeight {
public:
    /// `start`: x at first; one per weight.
    NeighbourChoice(std::string name, QuantizedTensor outline, std::span<const float> weight,
                    std::vector<UniformStep> steps, std::vector<float> start,
                    std::shared_ptr<const DiscrepancySettings> settings);

    [[nodiscard]] Result<std::vector<float>> values(const Moment& moment, const RunContext& context) override;
    [[nodiscard]] Result<double> take(std::span<const float> gradient, const Moment& moment,
                                      const RunContext& context) override;
    [[nodiscard]] std::vector<LearnedNumbers> learned() override;
    void moved() override;
    [[nodiscard]] Result<QuantizedTensor> finished(const RunContext& context) override;
    /// The choices beside those of round to nearest.
    [[nodiscard]] std::vector<Trace> traces() const override;

    /// The mean of (nearest - weight)².
    [[nodiscard]] double meanSquareError() const;
    /// y of every weight; 0.5 where both neighbours are one.
    [[nodiscard]] const std::vector<float>& exact() const { return m_exact; }
    void begin(std::vector<float> at) { m_at = std::move(at); }
    /// The part of choices that stand at 0 or 1 exactly.
    [[nodiscard]] double decided() const;

private:
    [[nodiscard]] const UniformStep& stepOf(std::size_t element) const;

    std::string m_name;
    QuantizedTensor m_outline;
    Grouping m_grouping;
    std::vector<UniformStep> m_steps;
    std::shared_ptr<const DiscrepancySettings> m_settings;
    std::vector<float> m_low, m_high; ///< codes
    std::vector<float> m_exact;       ///< y
    std::vector<float> m_at;          ///< x
    std::vector<float> m_gradient;
};

} // namespace qscope::engine
