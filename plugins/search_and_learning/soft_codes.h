// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/search_and_learning/block_reconstruction.h"
#include "plugins/search_and_learning/second_order_start.h"

namespace qscope::engine {

/// How soft GSQ's choices are over a training, and where they begin.
struct Softness {
    double temperatureFirst = 2, temperatureLast = 0.05; ///< tau
    double gainFirst = 100, gainLast = 500;              ///< kappa
    double deviation = 0.01; ///< of the noise in the logits at first, in which their preference is measured too
    double strength = 6;     ///< of the preference for the code that the weight begins with

    [[nodiscard]] double temperature(double part) const {
        return temperatureFirst + (temperatureLast - temperatureFirst) * part;
    }
    [[nodiscard]] double gain(double part) const { return gainFirst + (gainLast - gainFirst) * part; }
};

/// A weight whose codes are drawn: ŵ = s Σ p_k (code_k - zero), p = softmax((kappa l + Gumbel noise) / tau). With 2
/// bits a choice among all codes, with more among those at most two away from the first. Logits l and scales learn.
class SoftCodes final : public LearnedWeight {
public:
    /// `stream` tells this weight's noise from others'.
    SoftCodes(std::string name, QuantizedTensor outline, StartingCodes start, const Softness& softness,
              std::uint64_t seed, std::uint64_t stream);

    [[nodiscard]] Result<std::vector<float>> values(const Moment& moment, const RunContext& context) override;
    [[nodiscard]] Result<double> take(std::span<const float> gradient, const Moment& moment,
                                      const RunContext& context) override;
    /// Logits at rate 0, scales at rate 1.
    [[nodiscard]] std::vector<LearnedNumbers> learned() override;
    [[nodiscard]] Result<QuantizedTensor> finished(const RunContext& context) override;

    [[nodiscard]] std::span<const float> logitGradients() const { return m_logitGradient; }
    [[nodiscard]] std::span<const float> scaleGradients() const { return m_scaleGradient; }
    [[nodiscard]] std::span<float> logits() { return m_logits; }
    [[nodiscard]] std::span<float> scales() { return m_scales; }
    [[nodiscard]] int choices() const { return m_choices; }

private:
    [[nodiscard]] float codeOf(std::size_t element, int choice) const;
    [[nodiscard]] bool allowed(float code) const { return code >= 0 && code <= m_most; }

    std::string m_name;
    QuantizedTensor m_outline;
    Grouping m_grouping;
    std::vector<UniformStep> m_steps;
    Softness m_softness;
    std::uint64_t m_stream;
    int m_choices;                ///< per weight
    float m_most;                 ///< the largest code
    std::vector<float> m_first;   ///< codes at first
    std::vector<float> m_logits;  ///< [weights, choices]
    std::vector<float> m_scales;  ///< by group
    std::vector<float> m_chances; ///< p at the last call of `values`
    std::vector<float> m_logitGradient, m_scaleGradient;
};

} // namespace qscope::engine
