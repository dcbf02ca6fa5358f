// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/plan/calibrate.h"
#include "engine/plan/evaluate.h"
#include "engine/plan/plan_inputs.h"
#include "engine/quant/element_stream.h"

#include <algorithm>
#include <chrono>

namespace qscope::engine {

namespace {

/// A method of the plan with what it has done so far.
struct Task {
    ReadyMethod ready;
    MethodResult result;
    ErrorSums sums;
    std::uint64_t bits = 0;
};

/// Errors that speak about one tensor: the others can still be treated.
bool concernsTensorAlone(ErrorCode code) {
    return code == ErrorCode::Unsupported || code == ErrorCode::OutOfRange || code == ErrorCode::Malformed;
}

/// "rtn bits=4 group=128".
std::string labelOf(const MethodSpec& spec) {
    std::string label = spec.id;
    for (const auto& [key, value] : spec.parameters) label += fmt::format(" {}={}", key, value);
    return label;
}

/// The backend that a method runs on: the run's own, or the CPU where that does not do the method.
ComputeBackend& backendFor(const ReadyMethod& ready, ComputeBackend& cpu, const RunContext& context) {
    return ready.method->runsOn(context.backend, ready.parameters) ? context.backend : cpu;
}

/// The methods of the plan, checked.
Result<std::vector<Task>> makeTasks(const Plan& plan, const PlanInputs& inputs, const Registries& registries,
                                    ComputeBackend& cpu, const RunContext& context) {
    std::vector<Task> tasks;
    for (const MethodSpec& spec : plan.methods) {
        Task task;
        QSCOPE_TRY(task.ready, inputs.ready(spec, registries));
        ComputeBackend& backend = backendFor(task.ready, cpu, context);
        if (&backend != &context.backend)
            context.notes.note(fmt::format("runs on {}: {} does not do this method", cpu.name(), context.backend.name()),
                               labelOf(spec));
        task.result.spec = spec;
        task.result.label = labelOf(spec);
        const auto equal = std::count_if(tasks.begin(), tasks.end(), [&](const Task& t) { return t.result.spec == spec; });
        if (equal > 0) task.result.label += fmt::format(" #{}", equal + 1);
        task.result.device = backend.name();
        task.result.importance = inputs.importanceFacts();
        tasks.push_back(std::move(task));
    }
    return tasks;
}

/// A tensor of one step is decoded once and handed to every method in single precision; a larger one stays in the file
/// and passes through in steps, so that memory does not grow with it.
Result<TensorView> sharedDecode(const TensorView& view, const RunContext& context) {
    const std::int64_t count = elementCount(view.shape);
    if (count == 0) return fail(ErrorCode::Unsupported, "the tensor is empty");
    if (!canDecode(view.dtype)) return fail(ErrorCode::Unsupported, "{} cannot be decoded", info(view.dtype).name);
    if (view.dtype == DType::F32 || count > kStreamElements) return view;
    std::vector<float> values(static_cast<std::size_t>(count));
    QSCOPE_CHECK(decodeParallel(view, 0, values, context));
    return makeTensor(view.shape, std::move(values));
}

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
            return dequantize(quantized, first + begin,
                              std::span(result).subspan(static_cast<std::size_t>(begin),
                                                        static_cast<std::size_t>(end - begin)));
        }));
        QSCOPE_TRY(const ErrorSums step, backend.errorSums(values, result, quiet));
        sums += step;
    }
    return sums;
}

/// One method on one tensor; what comes back is added to the task's totals.
Result<void> treat(Task& task, const ReadyMethod& chosen, std::size_t index, const QuantInput& input, ComputeBackend& cpu,
                   ComputeBackend& measuring, std::uint64_t seed, const RunContext& context) {
    const RunContext own{context.stop, context.progress, context.notes, backendFor(chosen, cpu, context)};
    const auto start = std::chrono::steady_clock::now();
    QSCOPE_TRY(auto quantized, chosen.method->quantize(input, chosen.parameters, seed, own));
    task.result.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

    QSCOPE_TRY(const ErrorSums sums, measure(input.weight, quantized, measuring, context));
    const std::uint64_t bits = storedBits(quantized);
    task.sums += sums;
    task.bits += bits;
    task.result.bytes += ceilDiv(bits, std::uint64_t{8});
    task.result.tensors.push_back({index, input.subject.name, input.subject.layer,
                                   static_cast<double>(bits) / static_cast<double>(sums.count), metricsOf(sums), sums,
                                   std::make_shared<const QuantizedTensor>(std::move(quantized))});
    return {};
}

/// The checkpoint as a model that runs, for as long as the caller holds the checkpoint.
Result<Model> modelOf(const Checkpoint& checkpoint, const Plan& plan, const RunContext& context) {
    // A length that nobody states is the model's own, whatever the other one is.
    const std::int64_t asked = std::max(plan.evaluation.context, plan.calibration.length);
    const bool own = (!plan.calibration.text.empty() && plan.calibration.length == 0) ||
                     (!plan.evaluation.text.empty() && plan.evaluation.context == 0);
    ModelOptions options;
    options.context = own && asked <= kUsualContext ? 0 : asked;
    return loadModel(std::shared_ptr<const Checkpoint>(std::shared_ptr<void>(), &checkpoint), options, context.notes);
}

/// The plan's calibration, made before any method runs.
Result<void> calibrateInputs(PlanInputs& inputs, std::span<const Task> tasks, const Model& model,
                             const RunContext& context, CalibrationCache* cache) {
    std::vector<ReadyMethod> methods;
    for (const Task& task : tasks) methods.push_back(task.ready);
    QSCOPE_TRY(auto calibration, calibrate(model, inputs.calibrationSettings(methods), context, cache));
    inputs.setCalibration(std::move(calibration));
    return {};
}

CalibrationFacts factsOf(const Calibration& calibration) {
    CalibrationFacts facts{calibration.settings.text, calibration.sequences, calibration.length,
                           calibration.distinctTokens, calibration.vocabulary, 0};
    for (const auto& [weight, seen] : calibration.inputs) facts.silentChannels += seen->silentChannels();
    return facts;
}

/// The report's methods on the text of the settings.
Result<void> measureOnText(CompareReport& report, const Model& model, const EvaluationSettings& settings,
                           const RunContext& context) {
    std::vector<const MethodResult*> methods;
    for (const MethodResult& method : report.methods) methods.push_back(&method);
    QSCOPE_TRY(TextEvaluation evaluation, evaluate(model, settings, methods, context));
    report.text = std::move(evaluation.text);
    for (std::size_t m = 0; m < methods.size(); ++m) report.methods[m].quality = std::move(evaluation.methods[m]);
    return {};
}

} // namespace

Result<std::shared_ptr<const CompareReport>> runPlan(const Plan& plan, const Checkpoint& checkpoint,
                                                     const Registries& registries, const RunContext& context,
                                                     CalibrationCache* cache) {
    if (plan.methods.empty()) return fail(ErrorCode::OutOfRange, "the plan has no method");
    QSCOPE_TRY(PlanInputs inputs, PlanInputs::load(plan, checkpoint, registries));
    const std::vector<std::size_t>& selected = inputs.selected();
    const auto cpu = makeCpuBackend();
    QSCOPE_TRY(std::vector<Task> tasks, makeTasks(plan, inputs, registries, *cpu, context));
    ComputeBackend& measuring = context.backend.supports(Capability::ErrorSums) ? context.backend : *cpu;
    if (&measuring == cpu.get() && context.backend.kind() != "cpu")
        context.notes.note(fmt::format("errors are measured on {}", cpu->name()));

    std::optional<Model> model; // only when a text goes through it
    if (!plan.calibration.text.empty() || !plan.evaluation.text.empty()) {
        QSCOPE_TRY(model, modelOf(checkpoint, plan, context));
    }
    if (!plan.calibration.text.empty()) {
        QSCOPE_CHECK(calibrateInputs(inputs, tasks, *model, context, cache));
        for (Task& task : tasks) task.result.importance = inputs.importanceFacts();
    }
    for (Task& task : tasks) task.result.activations = task.ready.method->activations(task.ready.parameters, inputs.calibration());

    std::int64_t total = 0;
    for (const std::size_t index : selected)
        total += elementCount(checkpoint.tensors[index].shape) * static_cast<std::int64_t>(tasks.size());
    context.progress.done = 0;
    context.progress.total = total;

    std::int64_t done = 0;
    std::string firstReason;
    for (const std::size_t index : selected) {
        const TensorInfo& tensor = checkpoint.tensors[index];
        const auto leaveOut = [&](const Error& error, const std::string& subject) {
            context.notes.warn(fmt::format("left out: {}", describe(error)), subject);
            if (firstReason.empty()) firstReason = fmt::format("tensor '{}': {}", tensor.name, describe(error));
        };
        auto view = sharedDecode(checkpoint.view(index), context);
        if (!view && !concernsTensorAlone(view.error().code)) return tl::unexpected<Error>(std::move(view).error());
        if (!view) leaveOut(view.error(), tensor.name);
        const std::vector<float> importance = inputs.importance(index);
        for (Task& task : tasks) {
            if (const ReadyMethod* chosen = inputs.chosen(index, task.ready); view && chosen) {
                auto outcome = treat(task, *chosen, index, {inputs.subject(index), *view, importance, inputs.inputsOf(index)}, *cpu, measuring,
                                     plan.seed, context);
                if (!outcome && !concernsTensorAlone(outcome.error().code))
                    return during(std::move(outcome).error(), fmt::format("tensor '{}'", tensor.name));
                if (!outcome) leaveOut(outcome.error(), fmt::format("{}, {}", tensor.name, task.result.label));
            }
            done += elementCount(tensor.shape);
            context.progress.done = done;
        }
    }

    auto report = std::make_shared<CompareReport>();
    report->source = checkpoint.path.string();
    for (Task& task : tasks) {
        if (task.result.tensors.empty()) {
            context.notes.warn("takes none of the selected tensors", task.result.label);
            continue;
        }
        task.result.bitsPerWeight = static_cast<double>(task.bits) / static_cast<double>(task.sums.count);
        task.result.metrics = metricsOf(task.sums);
        report->methods.push_back(std::move(task.result));
    }
    if (report->methods.empty()) return fail(ErrorCode::OutOfRange, "no method takes a selected tensor; {}", firstReason);
    if (inputs.calibration()) report->calibration = factsOf(*inputs.calibration());
    if (!plan.evaluation.text.empty()) QSCOPE_CHECK(measureOnText(*report, *model, plan.evaluation, context));
    report->notes = context.notes.entries();
    return report;
}

} // namespace qscope::engine
