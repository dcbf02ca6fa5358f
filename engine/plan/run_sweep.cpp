// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/run_sweep.h"

#include "engine/plan/calibrate.h"
#include "engine/plan/plan_inputs.h"
#include "engine/quant/model_access.h"

#include <algorithm>

namespace qscope::engine {

namespace {

/// With a text to be measured on, the reference runs once for each slice: several methods share it.
constexpr std::size_t kMeasuredTogether = 4;

std::uint64_t codesOf(const MethodResult& method) {
    std::uint64_t weights = 0;
    for (const TensorResult& tensor : method.tensors)
        if (tensor.quantized) weights += static_cast<std::uint64_t>(elementCount(tensor.quantized->shape));
    return weights;
}

void dropCodes(MethodResult& method) {
    for (TensorResult& tensor : method.tensors) {
        tensor.quantized.reset();
        tensor.traces.clear();
    }
}

/// Adds what a slice gave; the plan's own methods keep their codes.
void adopt(CompareReport& report, const CompareReport& slice, const Plan& plan, std::uint64_t keptBytes,
           std::uint64_t& held) {
    for (MethodResult method : slice.methods) {
        const bool own = std::ranges::find(plan.methods, method.spec) != plan.methods.end();
        const std::uint64_t codes = codesOf(method);
        if (!own && held + codes > keptBytes)
            dropCodes(method);
        else
            held += codes;
        const auto equal = std::ranges::count(report.methods, method.spec, &MethodResult::spec);
        if (equal > 0) method.label += fmt::format(" #{}", equal + 1);
        report.methods.push_back(std::move(method));
    }
    if (!report.text) report.text = slice.text;
    if (!report.calibration) report.calibration = slice.calibration;
}

} // namespace

Result<std::shared_ptr<const CompareReport>> runSweeps(const Plan& plan, const Checkpoint& checkpoint,
                                                       const Registries& registries, const RunContext& context,
                                                       CalibrationCache* cache, std::uint64_t keptBytes) {
    QSCOPE_TRY(const auto methods, planMethods(plan, registries));
    CalibrationCache own;
    Plan slice = plan;
    slice.sweeps.clear();
    slice.methods = methods;
    // What is wrong with the plan is said before any work, and one calibration serves all slices.
    QSCOPE_TRY(slice.calibration, calibrationSettings(slice, checkpoint, registries));
    const std::size_t together = plan.evaluation.text.empty() ? 1 : kMeasuredTogether;
    auto report = std::make_shared<CompareReport>();
    report->source = checkpoint.path.string();
    std::uint64_t held = 0;
    std::optional<Error> firstReason;
    context.progress.done = 0;
    context.progress.total = static_cast<std::int64_t>(methods.size());
    const auto run = [&](std::size_t first, std::size_t last) -> Result<void> {
        slice.methods.assign(methods.begin() + static_cast<std::ptrdiff_t>(first),
                             methods.begin() + static_cast<std::ptrdiff_t>(last));
        Progress unseen;
        const RunContext inner{context.stop, unseen, context.notes, context.backend};
        QSCOPE_TRY(const auto outcome, runPlan(slice, checkpoint, registries, inner, cache ? cache : &own));
        adopt(*report, *outcome, plan, keptBytes, held);
        return {};
    };
    for (std::size_t first = 0; first < methods.size(); first += together) {
        const std::size_t last = std::min(first + together, methods.size());
        auto outcome = run(first, last);
        // One that fails must not take its neighbours with it.
        for (std::size_t one = first; !outcome && one < last; ++one) {
            if (!concernsTensorAlone(outcome.error().code)) return tl::unexpected<Error>(std::move(outcome).error());
            auto alone = last - first > 1 ? run(one, one + 1) : outcome;
            if (alone) continue;
            if (!concernsTensorAlone(alone.error().code)) return tl::unexpected<Error>(std::move(alone).error());
            context.notes.warn(fmt::format("left out: {}", describe(alone.error())), toText(methods[one]));
            if (!firstReason) firstReason = std::move(alone).error();
        }
        context.progress.done = static_cast<std::int64_t>(last);
    }
    if (report->methods.empty()) return tl::unexpected<Error>(*std::move(firstReason));
    report->notes = context.notes.entries();
    return report;
}

} // namespace qscope::engine
