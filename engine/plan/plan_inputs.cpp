// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan_inputs.h"

#include <algorithm>

namespace qscope::engine {

Result<PlanInputs> PlanInputs::load(const Plan& plan, const Checkpoint& checkpoint, const Registries& registries) {
    PlanInputs inputs(checkpoint);
    inputs.m_selected = selectTensors(plan, checkpoint);
    if (inputs.m_selected.empty())
        return fail(ErrorCode::OutOfRange, "the plan selects none of the {} tensors", checkpoint.tensors.size());
    if (!plan.importance.empty()) {
        auto matrix = readImportance(plan.importance);
        if (!matrix) return during(std::move(matrix).error(), "importance matrix " + plan.importance);
        inputs.m_importance = *std::move(matrix);
        bool any = false;
        for (const std::size_t index : inputs.m_selected)
            if (const auto* entry = inputs.entry(index)) {
                QSCOPE_CHECK(checkImportance(*entry, checkpoint.tensors[index].shape));
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
        }
        inputs.m_rules.push_back(std::move(made));
    }
    return inputs;
}

Result<ReadyMethod> PlanInputs::ready(const MethodSpec& spec, const Registries& registries) const {
    ReadyMethod made{registries.methods.find(spec.id), {}};
    if (!made.method) {
        std::vector<std::string> known;
        for (const auto& method : registries.methods.items()) known.push_back(method->info().id);
        return fail(ErrorCode::OutOfRange, "method '{}' is unknown, there are {}", spec.id, fmt::join(known, ", "));
    }
    QSCOPE_TRY(made.parameters, resolveParameters(made.method->info().parameters, spec));
    if (made.method->info().needsImportance && !m_importance)
        return fail(ErrorCode::OutOfRange, "method '{}' needs an importance matrix, and the plan has none", spec.id);
    return made;
}

const ImportanceEntry* PlanInputs::entry(std::size_t tensor) const {
    return m_importance ? importanceOf(*m_importance, *m_checkpoint, tensor) : nullptr;
}

Subject PlanInputs::subject(std::size_t tensor) const {
    Subject subject = subjectOf(*m_checkpoint, tensor);
    subject.hasImportance = entry(tensor) != nullptr;
    return subject;
}

const ReadyMethod* PlanInputs::chosen(std::size_t tensor, const ReadyMethod& otherwise) const {
    const auto rule = std::ranges::find_if(m_rules, [&](const Rule& candidate) {
        return matchesGlob(m_checkpoint->tensors[tensor].name, candidate.tensors);
    });
    if (rule == m_rules.end()) return &otherwise;
    return rule->method ? &*rule->method : nullptr;
}

std::vector<float> PlanInputs::importance(std::size_t tensor) const {
    const auto* found = entry(tensor);
    return found ? meanSquares(*found) : std::vector<float>();
}

std::optional<ImportanceFacts> PlanInputs::importanceFacts() const {
    if (!m_importance) return std::nullopt;
    return ImportanceFacts{m_importance->path.string(), m_importance->datasets.empty() ? "" : m_importance->datasets.front(),
                           m_importance->entries.size(), m_importance->chunks};
}

} // namespace qscope::engine
