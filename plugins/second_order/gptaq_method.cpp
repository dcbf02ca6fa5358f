// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/compensated_rounding.h"
#include "plugins/second_order/methods.h"

namespace qscope::engine {

namespace {

MethodInfo describeGptaq() {
    MethodInfo info{"gptaq",
                    "GPTAQ",
                    "Second order",
                    "Li, Yin, Lee, Xiao, Panda, GPTAQ: Efficient Finetuning-Free Quantization for Asymmetric "
                    "Calibration, ICML 2025",
                    "GPTQ that aims at the outputs of the full-precision network: what earlier layers did to a layer's "
                    "inputs is made up for by "
                    "the columns behind, along with the error of rounding.",
                    compensatedParameters({
                        {"alpha",
                         "Mismatch carried",
                         ParamType::Real,
                         0.25,
                         0,
                         1,
                         {},
                         "Part of the correction for changed inputs that is applied: 0 is GPTQ, 1 the whole, which "
                         "learns the text by heart.",
                         ""},
                    })};
    info.needsCalibration = true;
    info.quantizesActivations = true;
    info.sequential = true;
    info.needsBothStreams = true;
    info.help.objective = "Least |Ŵ X - W X_full|² with Ŵ on the grid: X is what the quantized layers before send into "
                          "the layer, X_full what they sent "
                          "in full precision.";
    info.help.steps = {
        "As GPTQ, and D = (X_full - X) Xᵀ is summed over the same tokens.",
        "P = alpha striu(D Uᵀ) U: row i says how the columns behind i make up for the mismatch of channel i.",
        "When column i is rounded, w_i P_ij is added to every column j behind it.",
    };
    info.help.cost = "As GPTQ, and both networks run on the calibration text, D takes as much memory as H, and P two "
                     "more products of columns³ / 2.";
    info.help.differences = "Weights before rounding are carried both within a block and behind it, so that the block "
                            "size changes nothing; the authors' code "
                            "carries rounded ones behind it. The mean of alpha is theirs (0.25 in the code). Layers "
                            "that read the same inputs are damped alike; their code "
                            "damps the second and third twice and three times. Layers outside of blocks are rounded as "
                            "GPTQ does. The differences of GPTQ here apply too.";
    return info;
}

} // namespace

std::unique_ptr<QuantMethod> makeGptaq() { return std::make_unique<CompensatedRounding>(describeGptaq()); }

} // namespace qscope::engine
