// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/plan.h"

#include "engine/plan/block_walk.h"
#include "engine/plan/evaluate.h"
#include "engine/plan/loss_gradients.h"
#include "engine/plan/plan_inputs.h"
#include "engine/plan/plan_task.h"
#include "engine/plan/run_sweep.h"
#include "engine/plan/weight_orientation.h"

#include <algorithm>
#include <chrono>

namespace qscope::engine {

namespace {

/// "rtn bits=4 group=128"; of a path, its end.
std::string labelOf(const MethodSpec& spec) {
    std::string label = spec.id;
    for (const auto& [key, value] : spec.parameters) label += fmt::format(" {}={}", key, value.substr(value.rfind('/') + 1));
    return label;
}

/// The methods of the plan, checked.
Result<std::vector<PlanTask>> makeTasks(const Plan& plan, const PlanInputs& inputs, const Registries& registries,
                                    ComputeBackend& cpu, const RunContext& context) {
    std::vector<PlanTask> tasks;
    for (const MethodSpec& spec : plan.methods) {
        PlanTask task;
        QSCOPE_TRY(task.ready, inputs.ready(spec, registries));
        ComputeBackend& backend = backendFor(task.ready, cpu, context);
        if (&backend != &context.backend)
            context.notes.note(fmt::format("runs on {}: {} does not do this method", cpu.name(), context.backend.name()),
                               labelOf(spec));
        task.result.spec = spec;
        task.result.label = labelOf(spec);
        const auto equal = std::count_if(tasks.begin(), tasks.end(), [&](const PlanTask& t) { return t.result.spec == spec; });
        if (equal > 0) task.result.label += fmt::format(" #{}", equal + 1);
        task.result.device = backend.name();
        task.result.importance = inputs.importanceFacts();
        tasks.push_back(std::move(task));
    }
    return tasks;
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

/// Whether the method walks the network instead of treating tensors one by one.
bool treatsModel(const ReadyMethod& ready) { return ready.method->info().sequential || ready.method->info().wholeModel; }

/// One plan on its way to a report.
class PlanRun {
public:
    PlanRun(const Plan& plan, const Checkpoint& checkpoint, PlanInputs inputs, const RunContext& context, CalibrationCache* cache)
        : m_plan(plan), m_checkpoint(checkpoint), m_inputs(std::move(inputs)), m_context(context), m_cache(cache), m_cpu(makeCpuBackend()),
          m_measuring(context.backend.supports(Capability::ErrorSums) ? context.backend : *m_cpu) {}

    Result<std::shared_ptr<const CompareReport>> run(const Registries& registries) {
        QSCOPE_TRY(m_tasks, makeTasks(m_plan, m_inputs, registries, *m_cpu, m_context));
        if (&m_measuring == m_cpu.get() && m_context.backend.kind() != "cpu")
            m_context.notes.note(fmt::format("errors are measured on {}", m_cpu->name()));
        if (!m_plan.calibration.text.empty() || !m_plan.evaluation.text.empty()) { // else no text goes through the model
            QSCOPE_TRY(m_model, modelOf(m_checkpoint, m_plan, m_context));
        }
        if (!m_plan.calibration.text.empty()) QSCOPE_CHECK(calibrateInputs());
        for (PlanTask& task : m_tasks) task.result.activations = task.ready.method->activations(task.ready.parameters, m_inputs.calibration());
        QSCOPE_CHECK(treatTensors());
        for (PlanTask& task : m_tasks)
            if (treatsModel(task.ready)) QSCOPE_CHECK(treatModel(task));
        return report();
    }

private:
    /// The plan's calibration, if a method looks at it, and gradients where one asks for them, made before any method runs.
    Result<void> calibrateInputs() {
        std::vector<ReadyMethod> methods;
        for (const PlanTask& task : m_tasks) methods.push_back(task.ready);
        if (!m_inputs.usesCalibration(methods)) {
            m_context.notes.note("not run: every method looks at the weights alone", "calibration text");
            m_inputs.leaveOutCalibration();
            for (PlanTask& task : m_tasks) task.result.importance = m_inputs.importanceFacts();
            return {};
        }
        QSCOPE_TRY(m_calibration, calibrate(*m_model, m_inputs.calibrationSettings(methods), m_context, m_cache));
        m_inputs.setCalibration(m_calibration);
        for (PlanTask& task : m_tasks) task.result.importance = m_inputs.importanceFacts();
        if (std::ranges::any_of(methods, [](const ReadyMethod& ready) { return ready.method->info().needsGradients; })) {
            QSCOPE_TRY(const auto text, readCalibrationText(*m_model, m_plan.calibration, m_context));
            QSCOPE_TRY(m_gradients, lossGradients(*m_model, text, m_inputs.selected(), m_context));
        }
        return {};
    }

    /// A weight as methods see it.
    Result<TensorView> decodedWeight(std::size_t index) const {
        QSCOPE_TRY(const TensorView view, asMethodsSee(m_checkpoint, index));
        return sharedDecode(view, m_context);
    }

    /// Selected weights that read the same inputs; empty: not known.
    Result<std::vector<TensorView>> sharing(std::size_t index) const {
        std::vector<TensorView> views;
        const InputStatistics* inputs = m_inputs.inputsOf(index);
        for (const std::size_t other : m_inputs.selected())
            if (inputs && m_inputs.inputsOf(other) == inputs) {
                QSCOPE_TRY(views.emplace_back(), asMethodsSee(m_checkpoint, other));
            }
        return views;
    }

    std::shared_ptr<const WeightGradients> gradientsOf(std::size_t index) const {
        const auto found = m_gradients.find(index);
        return found == m_gradients.end() ? nullptr : found->second;
    }

    void leaveOut(const Error& error, const std::string& tensor, const std::string& subject) {
        m_context.notes.warn(fmt::format("left out: {}", describe(error)), subject);
        if (m_firstReason.empty()) m_firstReason = fmt::format("tensor '{}': {}", tensor, describe(error));
    }

    /// All methods that treat tensors one by one, and what rules put in place of the others.
    Result<void> treatTensors() {
        std::int64_t total = 0, done = 0;
        for (const std::size_t index : m_inputs.selected())
            total += elementCount(m_checkpoint.tensors[index].shape) * static_cast<std::int64_t>(m_tasks.size());
        m_context.progress.done = 0;
        m_context.progress.total = total;
        for (const std::size_t index : m_inputs.selected()) {
            const TensorInfo& tensor = m_checkpoint.tensors[index];
            auto view = decodedWeight(index);
            if (!view && !concernsTensorAlone(view.error().code)) return tl::unexpected<Error>(std::move(view).error());
            if (!view) leaveOut(view.error(), tensor.name, tensor.name);
            const std::vector<float> importance = m_inputs.importance(index);
            QSCOPE_TRY(const std::vector<TensorView> others, sharing(index));
            QuantInput input{m_inputs.subject(index), view.value_or(TensorView{}), importance, m_inputs.inputsOf(index), others};
            const auto gradients = gradientsOf(index);
            if (gradients) input.gradient = gradients->mean;
            if (gradients) input.fisher = gradients->meanSquares;
            for (PlanTask& task : m_tasks) {
                const ReadyMethod* chosen = m_inputs.chosen(index, task.ready);
                if (view && chosen && !treatsModel(*chosen)) {
                    auto outcome = treat(task, *chosen, m_checkpoint, index, input, *m_cpu, m_measuring, m_plan.seed, m_context);
                    if (!outcome && !concernsTensorAlone(outcome.error().code))
                        return during(std::move(outcome).error(), fmt::format("tensor '{}'", tensor.name));
                    if (!outcome) leaveOut(outcome.error(), tensor.name, fmt::format("{}, {}", tensor.name, task.result.label));
                }
                done += elementCount(tensor.shape);
                m_context.progress.done = done;
            }
        }
        return {};
    }

    /// A method that walks the network, behind what rules did to other tensors.
    Result<void> treatModel(PlanTask& task) {
        const auto start = std::chrono::steady_clock::now();
        std::vector<ModelWeight> weights;
        std::vector<std::size_t> tensors;
        std::map<std::size_t, std::shared_ptr<const QuantizedTensor>> byRule;
        for (const TensorResult& tensor : task.result.tensors) byRule.emplace(tensor.tensor, asMethodsSee(tensor.quantized));
        std::int64_t total = 0;
        for (const std::size_t index : m_inputs.selected()) {
            if (m_inputs.chosen(index, task.ready) != &task.ready && !byRule.contains(index)) continue; // kept as it is
            QSCOPE_TRY(auto view, decodedWeight(index));
            total += elementCount(view.shape);
            weights.push_back({m_inputs.subject(index), m_model->weights->nameOf(index), std::move(view), m_inputs.importance(index), gradientsOf(index)});
            tensors.push_back(index);
        }
        QSCOPE_TRY(auto text, readCalibrationText(*m_model, m_plan.calibration, m_context));
        std::map<std::string, std::size_t> tensorOf;
        for (const std::size_t index : tensors) tensorOf.emplace(m_checkpoint.tensors[index].name, index);
        std::map<std::size_t, std::vector<Trace>> traces;
        QSCOPE_TRY(const auto access, makeModelAccess(*m_model, std::move(text), m_calibration, std::move(weights), std::move(tensors), &traces));
        m_context.progress.done = 0;
        m_context.progress.total = total;
        const ReadyMethod& ready = task.ready;
        const RunContext own{m_context.stop, m_context.progress, m_context.notes, backendFor(ready, *m_cpu, m_context)};
        for (std::size_t w = 0; w < access->weights().size(); ++w)
            if (const auto fixed = byRule.find(tensorOf.at(access->weights()[w].subject.name)); fixed != byRule.end()) access->install(w, fixed->second);
        if (ready.method->info().wholeModel || stepsOf(ready.method->info().id).size() > 1) {
            QSCOPE_CHECK(ready.method->quantizeModel(*access, ready.parameters, m_plan.seed, own));
        } else {
            const auto found = ready.parameters.find("true_sequential");
            const bool trueSequential = found != ready.parameters.end() && std::get<bool>(found->second);
            if (task.result.activations) access->quantizeActivations(&*task.result.activations);
            QSCOPE_CHECK(quantizeSequentially(*ready.method, *access, ready.parameters, m_plan.seed, trueSequential, own));
        }
        task.result.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        for (std::size_t w = 0; w < access->weights().size(); ++w) {
            const ModelWeight& weight = access->weights()[w];
            const std::size_t index = tensorOf.at(weight.subject.name);
            const auto result = access->installed(w);
            if (result && !byRule.contains(index)) QSCOPE_CHECK(addResult(task, m_checkpoint, index, weight.subject, weight.weight, result, std::move(traces[index]), m_measuring, m_context));
        }
        std::ranges::sort(task.result.tensors, {}, &TensorResult::tensor);
        return {};
    }

    Result<std::shared_ptr<const CompareReport>> report() {
        auto report = std::make_shared<CompareReport>();
        report->source = m_checkpoint.path.string();
        for (PlanTask& task : m_tasks) {
            if (task.result.tensors.empty()) {
                m_context.notes.warn("takes none of the selected tensors", task.result.label);
                continue;
            }
            task.result.bitsPerWeight = static_cast<double>(task.bits) / static_cast<double>(task.sums.count);
            task.result.metrics = metricsOf(task.sums);
            report->methods.push_back(std::move(task.result));
        }
        if (report->methods.empty()) return fail(ErrorCode::OutOfRange, "no method takes a selected tensor; {}", m_firstReason);
        if (m_calibration) report->calibration = factsOf(*m_calibration);
        if (!m_plan.evaluation.text.empty()) QSCOPE_CHECK(measureOnText(*report, *m_model, m_plan.evaluation, m_context));
        report->notes = m_context.notes.entries();
        return report;
    }

    const Plan& m_plan;
    const Checkpoint& m_checkpoint;
    PlanInputs m_inputs;
    const RunContext& m_context;
    CalibrationCache* m_cache;
    std::unique_ptr<ComputeBackend> m_cpu;
    ComputeBackend& m_measuring;
    std::vector<PlanTask> m_tasks;
    std::optional<Model> m_model; ///< only when a text goes through it
    std::shared_ptr<const Calibration> m_calibration;
    std::map<std::size_t, std::shared_ptr<const WeightGradients>> m_gradients; ///< by tensor
    std::string m_firstReason; ///< why the first tensor was left out
};

} // namespace

Result<std::shared_ptr<const CompareReport>> runPlan(const Plan& plan, const Checkpoint& checkpoint, const Registries& registries,
                                                     const RunContext& context, CalibrationCache* cache) {
    if (!plan.sweeps.empty()) return runSweeps(plan, checkpoint, registries, context, cache);
    if (plan.methods.empty()) return fail(ErrorCode::OutOfRange, "the plan has no method");
    QSCOPE_TRY(PlanInputs inputs, PlanInputs::load(plan, checkpoint, registries));
    return PlanRun(plan, checkpoint, std::move(inputs), context, cache).run(registries);
}

} // namespace qscope::engine
