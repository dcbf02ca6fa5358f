// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan_inputs.h"

namespace qscope::engine {

/// A method of the plan with what it has done so far.
struct PlanTask {
    ReadyMethod ready;
    MethodResult result;
    ErrorSums sums;
    std::uint64_t bits = 0;
};

/// The backend that a method runs on: the run's own, or the CPU where that does not do the method.
[[nodiscard]] ComputeBackend& backendFor(const ReadyMethod& ready, ComputeBackend& cpu, const RunContext& context);

/// A tensor of one step is decoded once and handed to every method in single precision; a larger one stays in the file
/// and passes through in steps, so that memory does not grow with it.
[[nodiscard]] Result<TensorView> sharedDecode(const TensorView& view, const RunContext& context);

/// What came of one tensor, measured and added to the task's totals.
[[nodiscard]] Result<void> addResult(PlanTask& task, const Checkpoint& checkpoint, std::size_t index,
                                     const Subject& subject, const TensorView& weight,
                                     std::shared_ptr<const QuantizedTensor> made, std::vector<Trace> traces,
                                     ComputeBackend& measuring, const RunContext& context);

/// One method on one tensor.
[[nodiscard]] Result<void> treat(PlanTask& task, const ReadyMethod& chosen, const Checkpoint& checkpoint,
                                 std::size_t index, QuantInput input, ComputeBackend& cpu, ComputeBackend& measuring,
                                 std::uint64_t seed, const RunContext& context);

} // namespace qscope::engine
