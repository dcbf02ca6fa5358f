// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/method_fit.h"

#include "engine/plan/bound_method.h"
#include "engine/plan/plan_inputs.h"
#include "engine/plan/weight_orientation.h"

namespace qscope::engine {

MethodFit fitOf(const MethodSpec& spec, const Plan& plan, const Checkpoint& checkpoint, const Registries& registries, std::size_t most) {
    MethodFit fit;
    auto method = findMethod(registries, spec.id);
    const auto parameters = method ? resolveParameters((*method)->info().parameters, spec) : Result<ParamValues>(tl::unexpected(method.error()));
    if (!parameters) {
        fit.refusal = parameters.error().message;
        return fit;
    }
    method = boundMethod(*std::move(method), checkpoint, *parameters, registries);
    if (!method) {
        fit.refusal = describe(method.error());
        return fit;
    }
    const auto tensors = selectTensors(plan, checkpoint);
    MethodResult result;
    result.spec = spec;
    const std::size_t step = std::max<std::size_t>(1, tensors.size() / std::max<std::size_t>(1, most));
    std::string firstReason;
    for (std::size_t i = 0; i < tensors.size(); i += step) {
        ++fit.asked;
        Subject subject = subjectOf(checkpoint, tensors[i]);
        subject.hasCalibration = subject.hasImportance = true;
        auto outline = (*method)->outline(subject, *parameters);
        if (!outline) {
            if (firstReason.empty()) {
                firstReason = describe(outline.error());
                fit.firstLeftOut = subject.name + ": " + firstReason;
            }
            continue;
        }
        ++fit.taken;
        result.tensors.push_back({tensors[i], subject.name, subject.layer, bitsPerWeight(*outline), {}, {},
                                  asStored(checkpoint, tensors[i], std::make_shared<const QuantizedTensor>(*std::move(outline))), {}});
    }
    if (fit.taken == 0) {
        fit.refusal = tensors.empty() ? "the plan selects no tensor" : firstReason;
        return fit;
    }
    for (const auto& exporter : registries.exporters.items())
        if (exporter->accepts(checkpoint, &result)) fit.formats.push_back(exporter->info().id);
    return fit;
}

} // namespace qscope::engine
