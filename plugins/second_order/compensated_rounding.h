// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// GPTQ and what follows from it: the loop over columns on uniform grids. A table with a row "beta" (FOEM's pull
/// towards the weights as they were) or "alpha" (GPTAQ's carry of the inputs' mismatch) does that too.
class CompensatedRounding final : public QuantMethod {
public:
    explicit CompensatedRounding(MethodInfo info)
        : m_info(std::move(info)) {}

    [[nodiscard]] const MethodInfo& info() const override { return m_info; }
    [[nodiscard]] bool readsBothStreams(const ParamValues& parameters) const override;
    /// Unsupported for what is no matrix or has no calibration; OutOfRange for orders that exclude one another.
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject, const ParamValues& parameters) const override;
    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override;
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues& parameters,
                                                   std::uint64_t seed, const RunContext& context) const override;

private:
    MethodInfo m_info;
};

/// Rows bits, symmetric, group, scale, mse, act_order, group_aware_order, static_groups, true_sequential, percdamp,
/// blocksize; `own` stands between them and the rows about activations.
[[nodiscard]] std::vector<ParamSpec> compensatedParameters(std::vector<ParamSpec> own = {});

/// Second moments of the inputs of a matrix with so many columns; Unsupported when calibration has none.
[[nodiscard]] Result<std::span<const double>> momentsFor(const QuantInput& input, std::int64_t columns);

} // namespace qscope::engine
