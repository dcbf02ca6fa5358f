// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan_task.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/plan/weight_orientation.h"
#include "engine/quant/element_stream.h"

#include <algorithm>
#include <chrono>

namespace qscope::engine {

namespace {

/// Sums over all elements, step by step; the steps are the same on any number of threads.
Result<ErrorSums> measure(const TensorView& reference, const QuantizedTensor& quantized, ComputeBackend& backend,
                          const RunContext& context) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, backend};
    const std::int64_t count = elementCount(reference.shape);
    ErrorSums sums;
    ElementStream stream(reference);
    std::vector<float> result;
    for (std::int64_t first = 0; first < count; first += kStreamElements) {
        const std::int64_t taken = std::min(kStreamElements, count - first);
        QSCOPE_TRY(const auto values, stream.read(first, taken, quiet));
        result.resize(static_cast<std::size_t>(taken));
        QSCOPE_CHECK(parallelChunks(taken, 1 << 16, quiet, [&](std::int64_t begin, std::int64_t end) {
            return dequantize(
                quantized, first + begin,
                std::span(result).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
        }));
        QSCOPE_TRY(const ErrorSums step, backend.errorSums(values, result, quiet));
        sums += step;
    }
    return sums;
}

} // namespace

ComputeBackend& backendFor(const ReadyMethod& ready, ComputeBackend& cpu, const RunContext& context) {
    return ready.method->runsOn(context.backend, ready.parameters) ? context.backend : cpu;
}

Result<TensorView> sharedDecode(const TensorView& view, const RunContext& context) {
    const std::int64_t count = elementCount(view.shape);
    if (count == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
    if (!canDecode(view.dtype)) return fail(ErrorCode::Unsupported, "{} cannot be decoded", info(view.dtype).name);
    if (view.dtype == DType::F32 || count > kStreamElements) return view;
    std::vector<float> values(static_cast<std::size_t>(count));
    QSCOPE_CHECK(decodeParallel(view, 0, values, context));
    return makeTensor(view.shape, std::move(values));
}

Result<void> addResult(PlanTask& task, const Checkpoint& checkpoint, std::size_t index, const Subject& subject,
                       const TensorView& weight, std::shared_ptr<const QuantizedTensor> made, std::vector<Trace> traces,
                       ComputeBackend& measuring, const RunContext& context) {
    QSCOPE_TRY(const ErrorSums sums, measure(weight, *made, measuring, context));
    const std::uint64_t bits = storedBits(*made);
    task.sums += sums;
    task.bits += bits;
    task.result.bytes += ceilDiv(bits, std::uint64_t{8});
    task.result.tensors.push_back({index, subject.name, subject.layer,
                                   static_cast<double>(bits) / static_cast<double>(sums.count), metricsOf(sums), sums,
                                   asStored(checkpoint, index, std::move(made)), std::move(traces)});
    return {};
}

Result<void> treat(PlanTask& task, const ReadyMethod& chosen, const Checkpoint& checkpoint, std::size_t index,
                   QuantInput input, ComputeBackend& cpu, ComputeBackend& measuring, std::uint64_t seed,
                   const RunContext& context) {
    const RunContext own{context.stop, context.progress, context.notes, backendFor(chosen, cpu, context)};
    std::vector<Trace> traces;
    input.traces = &traces;
    const auto start = std::chrono::steady_clock::now();
    QSCOPE_TRY(auto quantized, chosen.method->quantize(input, chosen.parameters, seed, own));
    task.result.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    return addResult(task, checkpoint, index, input.subject, input.weight,
                     std::make_shared<const QuantizedTensor>(std::move(quantized)), std::move(traces), measuring,
                     context);
}

} // namespace qscope::engine
