// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/trace_points.h"
#include "engine/quant/uniform_step.h"
#include "plugins/search_and_learning/block_reconstruction.h"

namespace qscope::engine {

/// Rounding up or down as a continuous choice (Nagel et al., Up or down? Adaptive rounding for post-training
/// quantization, 2020): ŵ = s (clamp(floor(w/s) + z + h(V)) - z) with h(V) = clamp(1.2 sigmoid(V) - 0.1, 0, 1), and a
/// penalty λ Σ (1 - |2 h - 1|^β) that grows sharper while β falls, so that every h ends at 0 or 1.
struct RoundingPenalty {
    double lambda = 0.01;
    double warmUp = 0.2; ///< part of the training without penalty
    double betaFirst = 20;
    double betaLast = 2;

    /// 0 in the warm-up.
    [[nodiscard]] double beta(double part) const {
        return part < warmUp ? 0
                             : betaLast + (betaFirst - betaLast) * (1 - (part - warmUp) / std::max(1e-9, 1 - warmUp));
    }
};

class LearnedRounding final : public LearnedWeight {
public:
    /// Codes without values, and the steps of their groups. Begins where the soft weight is the weight (inside the
    /// range).
    LearnedRounding(std::string name, QuantizedTensor outline, std::span<const float> weight,
                    std::vector<UniformStep> steps, const RoundingPenalty& penalty);

    [[nodiscard]] Result<std::vector<float>> values(const Moment& moment, const RunContext& context) override;
    [[nodiscard]] Result<double> take(std::span<const float> gradient, const Moment& moment,
                                      const RunContext& context) override;
    [[nodiscard]] std::vector<LearnedNumbers> learned() override;
    [[nodiscard]] Result<QuantizedTensor> finished(const RunContext& context) override;
    /// The choices beside those of round to nearest, and the error over the range of the grid.
    [[nodiscard]] std::vector<Trace> traces() const override { return m_traces; }

private:
    std::string m_name;
    QuantizedTensor m_outline;
    Grouping m_grouping;
    std::vector<UniformStep> m_steps;
    RoundingPenalty m_penalty;
    std::vector<float> m_weight;
    std::vector<float> m_below;  ///< floor(w/s) + z, not clamped
    std::vector<float> m_choice; ///< V
    std::vector<float> m_soft;   ///< h(V) at the last call of `values`
    std::vector<float> m_gradient;
    std::vector<Trace> m_traces;
};

} // namespace qscope::engine
