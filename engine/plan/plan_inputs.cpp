// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan_inputs.h"

#include "engine/plan/bound_method.h"
#include "engine/plan/common_names.h"
#include "engine/quant/weights_alone.h"

#include <algorithm>

namespace qscope::engine {

bool needsCalibrationText(const MethodInfo& info) {
    return info.needsCalibration || info.sequential || info.needsGradients || info.wholeModel;
}

bool wantsStaticRanges(const ParamValues& parameters) {
    return std::ranges::any_of(parameters, [](const auto& entry) {
        return (entry.first == "static" || entry.first.ends_with(".static")) && entry.second == ParamValue(true);
    });
}

Result<PlanInputs> PlanInputs::load(const Plan& plan, const Checkpoint& checkpoint, const Registries& registries) {
    PlanInputs inputs(checkpoint);
    inputs.m_selected = selectTensors(plan, checkpoint);
    inputs.m_selectsAll = plan.selectors.empty();
    inputs.m_settings = plan.calibration;
    if (inputs.m_selected.empty())
        return fail(ErrorCode::OutOfRange, "the plan selects none of the {} tensors", checkpoint.tensors.size());
    if (!plan.importance.empty()) {
        auto matrix = readImportance(plan.importance);
        if (!matrix) return during(std::move(matrix).error(), "importance matrix " + plan.importance);
        inputs.m_importance = *std::move(matrix);
        bool any = false;
        for (const std::size_t index : inputs.m_selected)
            if (const auto* entry = inputs.entry(index)) {
                QSCOPE_CHECK(checkImportance(*entry, subjectOf(checkpoint, index).shape));
                any = true;
            }
        if (!any)
            return fail(ErrorCode::OutOfRange, "the importance matrix {} knows none of the selected tensors", plan.importance);
    }
    for (const TensorRule& rule : plan.rules) {
        const bool used = std::ranges::any_of(inputs.m_selected, [&](std::size_t index) {
            return matchesGlob(checkpoint.tensors[index].name, rule.tensors);
        });
        if (!used) return fail(ErrorCode::OutOfRange, "the rule '{}' matches none of the selected tensors", rule.tensors);
        Rule made{rule.tensors, {}};
        if (rule.method.id != "keep") {
            QSCOPE_TRY(made.method, inputs.ready(rule.method, registries));
            const MethodInfo& info = made.method->method->info();
            if (info.sequential || info.wholeModel)
                return fail(ErrorCode::OutOfRange, "the rule '{}': method '{}' walks the whole model and cannot treat single tensors", rule.tensors, info.id);
        }
        inputs.m_rules.push_back(std::move(made));
    }
    return inputs;
}

Result<ReadyMethod> PlanInputs::ready(const MethodSpec& spec, const Registries& registries) const {
    ReadyMethod made;
    QSCOPE_TRY(made.method, findMethod(registries, spec.id));
    QSCOPE_TRY(made.parameters, resolveParameters(made.method->info().parameters, spec));
    QSCOPE_TRY(made.method, boundMethod(std::move(made.method), *m_checkpoint, made.parameters, registries));
    const MethodInfo& info = made.method->info();
    const bool isStatic = wantsStaticRanges(made.parameters);
    if ((needsCalibrationText(info) || isStatic) && m_settings.text.empty())
        return fail(ErrorCode::OutOfRange, "method '{}' needs a calibration text{}, and the plan has none", spec.id,
                    isStatic && !needsCalibrationText(info) ? " for static ranges" : "");
    if (info.needsImportance && !m_importance && m_settings.text.empty())
        return fail(ErrorCode::OutOfRange,
                    "method '{}' needs an importance matrix or a calibration text, and the plan has neither", spec.id);
    return made;
}

const ImportanceEntry* PlanInputs::entry(std::size_t tensor) const {
    return m_importance ? importanceOf(*m_importance, *m_checkpoint, tensor) : nullptr;
}

Subject PlanInputs::subject(std::size_t tensor) const {
    Subject subject = subjectOf(*m_checkpoint, tensor);
    // Before the text has been seen, every weight is expected to be reached.
    const bool expected = !m_settings.text.empty() && !m_calibration;
    subject.hasCalibration = expected || inputsOf(tensor) != nullptr;
    subject.hasImportance = m_importance ? entry(tensor) != nullptr : subject.hasCalibration;
    return subject;
}

const ReadyMethod* PlanInputs::chosen(std::size_t tensor, const ReadyMethod& otherwise) const {
    const auto rule = std::ranges::find_if(m_rules, [&](const Rule& candidate) {
        return matchesGlob(m_checkpoint->tensors[tensor].name, candidate.tensors);
    });
    if (rule == m_rules.end()) return &otherwise;
    return rule->method ? &*rule->method : nullptr;
}

CalibrationSettings PlanInputs::calibrationSettings(std::span<const ReadyMethod> methods) const {
    CalibrationSettings settings = m_settings;
    const auto needs = [](const ReadyMethod& ready) { return ready.method->info().needsCalibration; };
    if (!settings.secondMoments.empty()) return settings;
    if (std::ranges::none_of(methods, needs) &&
        std::ranges::none_of(m_rules, [&](const Rule& rule) { return rule.method && needs(*rule.method); }))
        return settings;
    if (m_selectsAll) settings.secondMoments = "*";
    else
        for (const std::size_t index : m_selected)
            settings.secondMoments += (settings.secondMoments.empty() ? "" : "|") +
                                      commonName(index);
    return settings;
}

bool PlanInputs::usesCalibration(std::span<const ReadyMethod> methods) const {
    if (m_settings.text.empty()) return false;
    const auto uses = [](const ReadyMethod& ready) {
        return !dynamic_cast<const WeightsAlone*>(ready.method.get()) || needsCalibrationText(ready.method->info()) ||
               wantsStaticRanges(ready.parameters);
    };
    return std::ranges::any_of(methods, uses) ||
           std::ranges::any_of(m_rules, [&](const Rule& rule) { return rule.method && uses(*rule.method); });
}

Result<CalibrationSettings> calibrationSettings(const Plan& plan, const Checkpoint& checkpoint,
                                                const Registries& registries) {
    QSCOPE_TRY(const PlanInputs inputs, PlanInputs::load(plan, checkpoint, registries));
    std::vector<ReadyMethod> methods;
    for (const MethodSpec& spec : plan.methods) {
        QSCOPE_TRY(ReadyMethod ready, inputs.ready(spec, registries));
        methods.push_back(std::move(ready));
    }
    return inputs.calibrationSettings(methods);
}

std::string PlanInputs::commonName(std::size_t tensor) const {
    return weightName(*m_checkpoint, modelFamily(*m_checkpoint), m_checkpoint->tensors[tensor].name);
}

const InputStatistics* PlanInputs::inputsOf(std::size_t tensor) const {
    if (!m_calibration) return nullptr;
    const InputStatistics* found = m_calibration->find(commonName(tensor));
    const bool fits = found && found->channels == asMatrix(subjectOf(*m_checkpoint, tensor).shape).columns;
    return fits ? found : nullptr;
}

std::vector<float> PlanInputs::importance(std::size_t tensor) const {
    if (const auto* found = entry(tensor)) return meanSquares(*found);
    const InputStatistics* inputs = m_importance ? nullptr : inputsOf(tensor);
    return inputs ? inputs->meanSquares : std::vector<float>();
}

std::optional<ImportanceFacts> PlanInputs::importanceFacts() const {
    if (!m_importance && m_settings.text.empty()) return std::nullopt;
    if (!m_importance)
        return ImportanceFacts{m_settings.text, m_settings.text, m_calibration ? m_calibration->inputs.size() : 0,
                               m_calibration ? static_cast<std::uint32_t>(m_calibration->sequences) : 0};
    return ImportanceFacts{m_importance->path.string(), m_importance->datasets.empty() ? "" : m_importance->datasets.front(),
                           m_importance->entries.size(), m_importance->chunks};
}

} // namespace qscope::engine
