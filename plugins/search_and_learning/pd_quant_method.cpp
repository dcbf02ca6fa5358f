// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/rounding_method.h"

namespace qscope::engine {

namespace {

class PdQuant final : public RoundingMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override {
        static const MethodInfo info = [] {
            auto parameters = roundingParameters(60);
            parameters.push_back({"lambda-r",
                                  "Prediction divisor",
                                  ParamType::Real,
                                  0.1,
                                  1e-6,
                                  1e6,
                                  {},
                                  "What the divergence of the network's prediction is divided by before it is added to "
                                  "the block's error.",
                                  ""});
            MethodInfo made{
                "pd_quant",
                "PD-Quant",
                "Search and learning",
                "Liu et al., PD-Quant: post-training quantization based on prediction difference metric, 2023",
                "Learns the rounding of a block like AdaRound on blocks, and looks also at what the block does to the "
                "prediction of the "
                "network whose later blocks are in full precision. Without the paper's correction of activations, "
                "which needs batch norms.",
                std::move(parameters)};
            made.needsCalibration = true;
            made.quantizesActivations = true;
            made.wholeModel = true;
            made.help.objective = "per block: the objective of adaround_block + KL(p_full || p) / lambda_r, p the "
                                  "prediction when this block is soft, those before are "
                                  "quantized and those behind are in full precision.";
            made.help.steps = {"As adaround_block, with two losses a step: the block's output on mixed inputs, and the "
                               "logits' divergence on quantized inputs."};
            made.help.cost =
                "That of adaround_block, and a pass both ways through all later blocks and the head each step.";
            made.help.differences = "Distribution correction moves inputs until batch norms see their recorded "
                                    "statistics; transformers have none, so it is left out. Temperature 1 "
                                    "(the paper: 4, 1 for mobile nets). 20,000 steps in the paper; the default fits a "
                                    "small model into about a minute. Otherwise as adaround_block.";
            return made;
        }();
        return info;
    }

protected:
    [[nodiscard]] double predictionFactor(const ParamValues& parameters) const override {
        return 1 / valueOf<double>(parameters, "lambda-r");
    }
};

} // namespace

std::unique_ptr<QuantMethod> makePdQuant() { return std::make_unique<PdQuant>(); }

} // namespace qscope::engine
