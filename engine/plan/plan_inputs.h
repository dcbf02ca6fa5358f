// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/importance_matrix.h"
#include "engine/plan/plan.h"

#include <optional>

namespace qscope::engine {

/// A method with its parameters checked.
struct ReadyMethod {
    const QuantMethod* method = nullptr;
    ParamValues parameters;
};

/// What a plan comes to on one checkpoint, before any work: the tensors, the importance of their columns, the rules.
class PlanInputs {
public:
    /// OutOfRange when nothing is selected, a rule matches no selected tensor or names an unknown method, or the
    /// importance matrix is another model's; errors of the importance file as those of its reader.
    [[nodiscard]] static Result<PlanInputs> load(const Plan& plan, const Checkpoint& checkpoint, const Registries& registries);

    /// OutOfRange when the method is unknown, its parameters are bad, or it needs an importance matrix that is not there.
    [[nodiscard]] Result<ReadyMethod> ready(const MethodSpec& spec, const Registries& registries) const;

    [[nodiscard]] const std::vector<std::size_t>& selected() const { return m_selected; }
    [[nodiscard]] Subject subject(std::size_t tensor) const;
    /// The method that treats a tensor: a rule's, or `otherwise`; null: it is kept as it is.
    [[nodiscard]] const ReadyMethod* chosen(std::size_t tensor, const ReadyMethod& otherwise) const;
    /// Mean squares of the tensor's inputs, or nothing.
    [[nodiscard]] std::vector<float> importance(std::size_t tensor) const;
    [[nodiscard]] std::optional<ImportanceFacts> importanceFacts() const;

private:
    PlanInputs(const Checkpoint& checkpoint) : m_checkpoint(&checkpoint) {}
    [[nodiscard]] const ImportanceEntry* entry(std::size_t tensor) const;

    struct Rule {
        std::string tensors;
        std::optional<ReadyMethod> method; ///< nothing: keep
    };

    const Checkpoint* m_checkpoint;
    std::vector<std::size_t> m_selected;
    std::optional<ImportanceMatrix> m_importance;
    std::vector<Rule> m_rules;
};

} // namespace qscope::engine
