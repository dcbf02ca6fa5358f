// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/importance_matrix.h"
#include "engine/plan/plan.h"

#include <optional>

namespace qscope::engine {

/// A method with its parameters checked.
struct ReadyMethod {
    std::shared_ptr<const QuantMethod> method;
    ParamValues parameters;
};

/// Whether a method cannot do without a calibration text, and whether its parameters ask for ranges measured on one.
[[nodiscard]] bool needsCalibrationText(const MethodInfo& info);
[[nodiscard]] bool wantsStaticRanges(const ParamValues& parameters);

/// What a plan comes to on one checkpoint, before any work: the tensors, the importance of their columns, the rules.
class PlanInputs {
public:
    /// OutOfRange when nothing is selected, a rule matches no selected tensor or names an unknown method, or the
    /// importance matrix is another model's; errors of the importance file as those of its reader.
    [[nodiscard]] static Result<PlanInputs> load(const Plan& plan, const Checkpoint& checkpoint, const Registries& registries);

    /// OutOfRange when the method is unknown, its parameters are bad, or it needs a calibration text or an importance matrix
    /// and the plan has neither (calibration measures importance too).
    [[nodiscard]] Result<ReadyMethod> ready(const MethodSpec& spec, const Registries& registries) const;

    /// The plan's calibration, once it has been made: importance comes from it where no file gives it.
    void setCalibration(std::shared_ptr<const Calibration> calibration) { m_calibration = std::move(calibration); }
    [[nodiscard]] const Calibration* calibration() const { return m_calibration.get(); }
    /// What the plan asks of a calibration: second moments of the selected weights when a method needs them.
    [[nodiscard]] CalibrationSettings calibrationSettings(std::span<const ReadyMethod> methods) const;
    /// Whether anything that these methods and the rules do depends on the calibration text.
    [[nodiscard]] bool usesCalibration(std::span<const ReadyMethod> methods) const;
    /// From now on the plan has no calibration text.
    void leaveOutCalibration() { m_settings.text.clear(); }

    [[nodiscard]] const std::vector<std::size_t>& selected() const { return m_selected; }
    [[nodiscard]] Subject subject(std::size_t tensor) const;
    /// The method that treats a tensor: a rule's, or `otherwise`; null: it is kept as it is.
    [[nodiscard]] const ReadyMethod* chosen(std::size_t tensor, const ReadyMethod& otherwise) const;
    /// What the calibration text sent into the tensor, or null.
    [[nodiscard]] const InputStatistics* inputsOf(std::size_t tensor) const;
    /// Mean squares of the tensor's inputs, or nothing.
    [[nodiscard]] std::vector<float> importance(std::size_t tensor) const;
    [[nodiscard]] std::optional<ImportanceFacts> importanceFacts() const;

private:
    PlanInputs(const Checkpoint& checkpoint) : m_checkpoint(&checkpoint) {}
    [[nodiscard]] std::string commonName(std::size_t tensor) const;
    [[nodiscard]] const ImportanceEntry* entry(std::size_t tensor) const;

    struct Rule {
        std::string tensors;
        std::optional<ReadyMethod> method; ///< nothing: keep
    };

    const Checkpoint* m_checkpoint;
    std::vector<std::size_t> m_selected;
    bool m_selectsAll = true;
    CalibrationSettings m_settings;
    std::shared_ptr<const Calibration> m_calibration;
    std::optional<ImportanceMatrix> m_importance;
    std::vector<Rule> m_rules;
};

/// What a run of the plan will ask of its calibration. Errors as those of `PlanInputs`.
[[nodiscard]] Result<CalibrationSettings> calibrationSettings(const Plan& plan, const Checkpoint& checkpoint,
                                                              const Registries& registries);

} // namespace qscope::engine
