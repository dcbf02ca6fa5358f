// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"

#include <algorithm>
#include <unordered_map>

namespace qscope::engine::nn {

namespace {

bool isReal(DType type) { return info(type).kind == DTypeKind::Float; }

} // namespace

const Gradient* gradientOf(std::string_view op) {
    static const auto table = [] {
        using namespace backward;
        std::unordered_map<std::string_view, const Gradient*> found;
        for (const auto family :
             {attentionGradients(), binaryGradients(), convolutionGradients(), linearGradients(), movementGradients(),
              normalizationGradients(), poolingGradients(), recurrentGradients(), reductionGradients(),
              rotaryGradients(), softmaxGradients(), unaryGradients()})
            for (const Gradient& gradient : family) found.emplace(gradient.op, &gradient);
        return found;
    }();
    const auto found = table.find(op);
    return found == table.end() ? nullptr : found->second;
}

Result<InputGradients> inputGradients(const BackwardStep& step) {
    const Gradient* gradient = gradientOf(step.node.op->name);
    if (!gradient) return fail(ErrorCode::Unsupported, "operator {} has no gradient", step.node.op->name);
    const DType type =
        (*std::ranges::find_if(step.outputGradients, [](const Value* value) { return value != nullptr; }))->dtype();

    // Operators mix real types by calculating in the widest; so do their gradients.
    std::vector<Value> held(step.inputs.size());
    std::vector<const Value*> inputs(step.inputs.begin(), step.inputs.end());
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i] && isReal(inputs[i]->dtype()) && inputs[i]->dtype() != type) {
            QSCOPE_TRY(held[i], converted(*inputs[i], type));
            inputs[i] = &held[i];
        }
    const BackwardStep same{step.node, inputs, step.outputs, step.outputGradients, step.wanted, step.run};
    QSCOPE_TRY(InputGradients result, type == DType::F64 ? gradient->wide(same) : gradient->single(same));
    for (std::size_t i = 0; i < result.size(); ++i)
        if (result[i] && result[i]->dtype() != step.inputs[i]->dtype()) {
            QSCOPE_TRY(result[i], converted(*result[i], step.inputs[i]->dtype()));
        }
    return result;
}

} // namespace qscope::engine::nn
