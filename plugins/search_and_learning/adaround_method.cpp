// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/rounding_method.h"

namespace qscope::engine {

namespace {

class AdaroundBlock final : public RoundingMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override {
        static const MethodInfo info = [] {
            MethodInfo made{"adaround_block",
                            "AdaRound on blocks",
                            "Search and learning",
                            "Yvinec et al., Gradient-based post-training quantization: challenging the status quo, "
                            "2023; Nagel et al., "
                            "Up or down? Adaptive rounding for post-training quantization, 2020; Li et al., BRECQ, "
                            "2021; Wei et al., QDrop, 2022",
                            "Learns for every weight of a block whether it rounds up or down, so that the block's "
                            "output stays what it was. Blocks "
                            "as in BRECQ, inputs mixed as in QDrop; mixed precision by importance is our own rule, not "
                            "the 2023 paper's.",
                            roundingParameters(150)};
            made.needsCalibration = true;
            made.quantizesActivations = true;
            made.wholeModel = true;
            made.help.objective = "per block: min over V of E sum over channels (B(x; s (clamp(floor(W/s) + z + h(V)) "
                                  "- z)) - B(x_full; W))^2 + lambda sum (1 - |2 h - 1|^beta), "
                                  "h = clamp(1.2 sigmoid(V) - 0.1, 0, 1).";
            made.help.steps = {"Grid of every group by range; V so that the soft weight is the weight.",
                               "Each step: a calibration sequence, its block input mixed element by element from the "
                               "quantized and the full network; gradient of the "
                               "block's error; Adam on V.",
                               "After the warm-up the penalty, whose exponent falls from the first to the last, drives "
                               "every h to 0 or 1.",
                               "Round up where V >= 0; the next block sees what this one gives."};
            made.help.cost = "steps x batch x three passes through a block; 28 bytes per weight of a block.";
            made.help.differences =
                "The papers run 20,000 steps at rate 0.001 with batches of 32; the defaults here fit a small model "
                "into a minute (set steps, rate and batch). "
                "Activations inside the block are rounded always, not with a chance, and have no learned scales; no "
                "weighting by the Fisher information. "
                "The 2023 paper publishes no code: which loss and optimizer it recommends is not known to us. Its "
                "mixed precision is replaced by: "
                "importance of a width = sum E|dL/dw| |w - rounded w|, bits given where they take off most per weight.";
            return made;
        }();
        return info;
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeAdaroundBlock() { return std::make_unique<AdaroundBlock>(); }

} // namespace qscope::engine
