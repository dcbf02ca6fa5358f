// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// What AdaRound on blocks and PD-Quant share: rounding up or down, learned block by block.
class RoundingMethod : public QuantMethod {
public:
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues& parameters) const override;
    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override;
    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed,
                                             const RunContext& context) const override;

protected:
    /// Rows of the parameter table that both have.
    [[nodiscard]] static std::vector<ParamSpec> roundingParameters(std::int64_t steps);
    /// What the network's prediction counts beside the block's output; 0: nothing.
    [[nodiscard]] virtual double predictionFactor(const ParamValues&) const { return 0; }
};

[[nodiscard]] std::unique_ptr<QuantMethod> makeAdaroundBlock();
[[nodiscard]] std::unique_ptr<QuantMethod> makePdQuant();

} // namespace qscope::engine
