// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/uniform_step.h"
#include "plugins/search_and_learning/block_reconstruction.h"

namespace qscope::engine {

/// A factor for every input channel that weights which read the same inputs learn together (LET): columns are
/// multiplied, inputs divided.
struct ChannelFactors {
    std::string name;
    std::vector<float> values;
    std::map<std::string, std::vector<float>> parts; ///< gradients from the weights, by their names
    std::vector<float> gradient;                     ///< their sum
    int storedBits = 0;                              ///< see `InputTransform::factorBits`
};

/// Round to nearest on a range that is learned (OmniQuant's LWC): per group, max' = sigmoid(high) max, min' =
/// sigmoid(low) min, s = (max' - min') / (2^b - 1), z = round(-min' / s), straight-through rounding; the weight may be
/// scaled by channel factors, which also learn.
class LearnedClipping final : public LearnedWeight {
public:
    /// Codes without values, unsigned. `factors`: null for none. `learnsRange`: whether the two strengths of each group
    /// move.
    LearnedClipping(std::string name, QuantizedTensor outline, std::vector<float> weight,
                    std::shared_ptr<ChannelFactors> factors, bool learnsRange, float start);

    [[nodiscard]] Result<std::vector<float>> values(const Moment& moment, const RunContext& context) override;
    [[nodiscard]] Result<double> take(std::span<const float> gradient, const Moment& moment,
                                      const RunContext& context) override;
    /// Strengths at rate 0, factors at rate 1.
    [[nodiscard]] std::vector<LearnedNumbers> learned() override;
    void moved() override;
    [[nodiscard]] Result<QuantizedTensor> finished(const RunContext& context) override;
    /// What part of its range each group keeps, on both sides.
    [[nodiscard]] std::vector<Trace> traces() const override;

    /// Of the groups' strengths (low ones first), at the last call of `take`.
    [[nodiscard]] std::span<const float> strengthGradients() const { return m_gradient; }
    [[nodiscard]] std::span<float> strengths() { return m_strength; }

private:
    struct Group {
        UniformStep step;
        float low = 0, high = 0;            ///< of the scaled weights, 0 included
        std::int64_t lowAt = 0, highAt = 0; ///< columns
        bool moves = false;                 ///< whether the scale follows the strengths
    };
    [[nodiscard]] Group groupOf(std::int64_t row, std::int64_t first, std::size_t index) const;
    [[nodiscard]] float factor(std::int64_t column) const {
        return m_factors ? m_factors->values[static_cast<std::size_t>(column)] : 1.0F;
    }
    [[nodiscard]] std::size_t groups() const { return m_groups.size(); }

    std::string m_name;
    QuantizedTensor m_outline;
    Grouping m_grouping;
    UniformGrid m_grid;
    std::vector<float> m_weight;
    std::shared_ptr<ChannelFactors> m_factors;
    bool m_learnsRange;
    std::vector<float> m_strength; ///< low of every group, then high
    std::vector<float> m_gradient;
    std::vector<Group> m_groups;
};

} // namespace qscope::engine
