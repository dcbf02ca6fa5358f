// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/compensated_rounding.h"
#include "plugins/second_order/methods.h"

namespace qscope::engine {

namespace {

MethodInfo describeFoem() {
    MethodInfo info{
        "foem",
        "FOEM",
        "Second order",
        "Zheng, Qin, Li, Chu, Wang, Guo, Liu, First-Order Error Matters: Accurate Compensation for Quantized Large "
        "Language Models, AAAI 2026",
        "GPTQ that also counts the first-order term which corrections leave behind: every column is drawn back a "
        "little towards its "
        "weights in full precision before it is rounded. With alpha it carries the mismatch of inputs as GPTAQ does.",
        compensatedParameters({
            {"beta",
             "First-order pull",
             ParamType::Real,
             0.2,
             0,
             1,
             {},
             "How far columns are drawn back towards their weights in full precision: 0 is GPTQ, 1 forgets all "
             "corrections.",
             ""},
            {"alpha",
             "Mismatch carried",
             ParamType::Real,
             0.0,
             0,
             1,
             {},
             "Part of GPTAQ's correction that is added; 0: none, 0.25 as GPTAQ.",
             ""},
        })};
    info.needsCalibration = true;
    info.quantizesActivations = true;
    info.sequential = true;
    info.help.objective =
        "Each step minimises g δ + ½ δ H δᵀ over the columns that are still free, where rounding fixes δ of the column "
        "at hand and "
        "the gradient g is taken as β (w - w⁰) H: corrections have moved the weights off w⁰, where the loss was flat.";
    info.help.steps = {
        "As GPTQ, with a copy of the weights as they were, w⁰.",
        "Before its turn column i is drawn back, w_i -= β (w_i - w⁰_i).",
        "Its error is e = ((w_i - ŵ_i) - β (w_i - w⁰_i)) / U_ii, and e U_ij is taken off every column j behind it.",
        "With alpha, what GPTAQ carries is added.",
    };
    info.help.cost =
        "As GPTQ; with alpha, the inputs of both networks are measured and two more products of columns³ are formed.";
    info.help.differences = "The second version of the method, as GPTQModel has it, in which only the next column is "
                            "drawn back at a time. There the first column of "
                            "every block is left out, which looks like an oversight; here it is drawn back like all "
                            "others. The differences of GPTQ here apply too.";
    return info;
}

} // namespace

std::unique_ptr<QuantMethod> makeFoem() { return std::make_unique<CompensatedRounding>(describeFoem()); }

} // namespace qscope::engine
