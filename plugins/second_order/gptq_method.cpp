// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/compensated_rounding.h"
#include "plugins/second_order/methods.h"

namespace qscope::engine {

namespace {

MethodInfo describeGptq() {
    MethodInfo info{"gptq",
                    "GPTQ",
                    "Second order",
                    "Frantar, Ashkboos, Hoefler, Alistarh, GPTQ: Accurate Post-Training Quantization for Generative "
                    "Pre-trained Transformers, 2022",
                    "Rounds a matrix column by column and lets the columns that are still to come make up for each "
                    "error, as far as the "
                    "layer's inputs are correlated. Integer codes that GPTQ files hold.",
                    compensatedParameters()};
    info.needsCalibration = true;
    info.quantizesActivations = true;
    info.sequential = true;
    info.help.objective =
        "Least tr((W - Ŵ) H (W - Ŵ)ᵀ) with Ŵ on the grid, H = XᵀX of the layer's inputs as the quantized layers before "
        "send them: the squared error of the layer's output on the calibration text.";
    info.help.steps = {
        "Add percdamp times the mean of H's diagonal to it; channels in which nothing arrived count as uncorrelated.",
        "Order the columns: as they lie, or by falling diagonal of H, over all or within groups.",
        "Factor: U upper triangular with UᵀU = H⁻¹.",
        "For each column i: fit the scale where a group begins, round, e = (w_i - ŵ_i) / U_ii, and take e U_ij off "
        "every column j behind it.",
        "Within a block of columns this happens at once; what lies behind the block is corrected in one product.",
        "Go on to the next layer with inputs measured behind the layers that are done.",
    };
    info.help.cost = "tokens x columns² to measure H, columns³ / 3 to factor it, rows x columns² / 2 to correct; "
                     "memory for H twice in double "
                     "precision and for the weight in single.";
    info.help.differences = "The symmetric grid is that of round-to-nearest here, from -Q to Q, one level less than "
                            "the reference implementation has. A group's scale is "
                            "always fitted to weights with all corrections (blocks end where groups end). Weights of "
                            "channels in which nothing arrived are "
                            "rounded to nearest, not set to zero. Where H is singular in spite of the damping, the "
                            "damping grows, and the report says so.";
    return info;
}

} // namespace

std::unique_ptr<QuantMethod> makeGptq() { return std::make_unique<CompensatedRounding>(describeGptq()); }

} // namespace qscope::engine
