// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// Several methods as one: at most some transforms, one rounding, then repairs. Its id is "smooth+gptq+lorc", its
/// parameters are those of its steps with the step's id in front ("gptq.bits").
/// What its steps cannot do on their own tensor, the plan does for the pipeline as for a single method.
class Pipeline final : public QuantMethod {
public:
    /// OutOfRange when the steps do not follow one another in that order, none rounds, or one comes twice. The methods
    /// must outlive the pipeline.
    [[nodiscard]] static Result<std::shared_ptr<const Pipeline>> of(std::vector<const QuantMethod*> steps);

    [[nodiscard]] const std::vector<const QuantMethod*>& steps() const { return m_steps; }
    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues& parameters) const override;
    [[nodiscard]] bool runsOn(const ComputeBackend& backend, const ParamValues& parameters) const override;
    [[nodiscard]] bool readsBothStreams(const ParamValues& parameters) const override;
    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override;
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t seed, const RunContext& context) const override;
    /// The steps before the first that looks at the whole model together, then each by itself.
    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed,
                                             const RunContext& context) const override;

private:
    explicit Pipeline(std::vector<const QuantMethod*> steps);
    [[nodiscard]] Result<QuantizedTensor> rounded(std::size_t end, const QuantInput& input, const ParamValues& parameters,
                                                  std::uint64_t seed, const RunContext& context) const;

    std::vector<const QuantMethod*> m_steps;
    MethodInfo m_info;
};

/// The parameters of one step of a pipeline, under their own keys.
[[nodiscard]] ParamValues parametersOf(const QuantMethod& step, const ParamValues& parameters);

/// What the inputs of a layer look like behind a transform: divided by the factors. Samples and moments included.
[[nodiscard]] InputStatistics transformed(const InputStatistics& inputs, std::span<const float> factors);

} // namespace qscope::engine
