// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan.h"

#include "engine/checkpoint/canonical.h"
#include "engine/plan/plan_inputs.h"
#include "engine/plan/weight_orientation.h"

#include <algorithm>

namespace qscope::engine {

namespace {

bool isNumeric(DType type) {
    const DTypeKind kind = info(type).kind;
    return (kind == DTypeKind::Float || kind == DTypeKind::Block || kind == DTypeKind::Coded) && canDecode(type);
}

bool isLayerWeight(const TensorInfo& tensor) {
    return tensor.shape.size() >= 2 && asMatrix(tensor.shape).columns >= 2 && isNumeric(tensor.dtype) &&
           tensor.name.find("norm") == std::string::npos;
}

} // namespace

Result<std::vector<MethodSpec>> planMethods(const Plan& plan, const Registries& registries) {
    std::vector<MethodSpec> methods = plan.methods;
    for (const Sweep& sweep : plan.sweeps) {
        QSCOPE_TRY(const auto swept, sweptMethods(sweep, registries));
        for (const MethodSpec& spec : swept)
            if (std::ranges::find(methods, spec) == methods.end()) methods.push_back(spec);
    }
    return methods;
}

std::vector<std::size_t> selectTensors(const Plan& plan, const Checkpoint& checkpoint) {
    std::vector<std::size_t> selected;
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        const TensorInfo& tensor = checkpoint.tensors[i];
        if (!tensor.isWhole()) continue;
        const bool wanted = plan.selectors.empty()
                                ? isLayerWeight(tensor)
                                : std::any_of(plan.selectors.begin(), plan.selectors.end(), [&](const auto& pattern) {
                                      return matchesGlob(tensor.name, pattern);
                                  });
        if (wanted) selected.push_back(i);
    }
    return selected;
}

Subject subjectOf(const Checkpoint& checkpoint, std::size_t tensor) {
    const TensorInfo& entry = checkpoint.tensors[tensor];
    Subject subject{entry.shape, entry.name, canonicalName(checkpoint, entry.name), layerIndex(entry.name), {}, false};
    if (isStoredTransposed(checkpoint, tensor)) std::swap(subject.shape[0], subject.shape[1]);
    subject.model.architecture = checkpoint.architecture;
    if (checkpoint.config) {
        subject.model.layers = checkpoint.config->layers;
        subject.model.heads = checkpoint.config->heads;
        subject.model.kvHeads = checkpoint.config->kvHeads;
        subject.model.experts = checkpoint.config->experts;
        subject.model.tiedOutput = checkpoint.config->tiedOutput;
    }
    return subject;
}

Result<MethodResult> outlineResult(const Plan& plan, std::size_t method, const Checkpoint& checkpoint,
                                   const Registries& registries) {
    const MethodSpec& spec = plan.methods.at(method);
    QSCOPE_TRY(const PlanInputs inputs, PlanInputs::load(plan, checkpoint, registries));
    QSCOPE_TRY(const ReadyMethod ready, inputs.ready(spec, registries));
    MethodResult result;
    result.spec = spec;
    result.label = toText(spec);
    result.importance = inputs.importanceFacts();
    std::optional<Error> firstReason;
    for (const std::size_t index : inputs.selected()) {
        const Subject subject = inputs.subject(index);
        const ReadyMethod* chosen = inputs.chosen(index, ready);
        if (!chosen) continue;
        auto outline = chosen->method->outline(subject, chosen->parameters);
        if (!outline) { // such a tensor stays as it is, as in a run
            if (!firstReason) firstReason = outline.error();
            continue;
        }
        result.tensors.push_back({index, subject.name, subject.layer, bitsPerWeight(*outline), {}, {},
                                  asStored(checkpoint, index, std::make_shared<const QuantizedTensor>(*std::move(outline)))});
    }
    if (result.tensors.empty())
        return fail(ErrorCode::OutOfRange, "{} takes no selected tensor{}", result.label,
                    firstReason ? "; " + describe(*firstReason) : std::string());
    return result;
}

} // namespace qscope::engine
