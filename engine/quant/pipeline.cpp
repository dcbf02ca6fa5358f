// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/pipeline.h"

#include "engine/quant/element_stream.h"
#include "engine/quant/forms.h"
#include "engine/quant/model_access.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace qscope::engine {

namespace {

/// The weight with every column multiplied.
Result<TensorView> scaledColumns(const TensorView& weight, std::span<const float> factors, const RunContext& context) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(weight.shape)));
    QSCOPE_CHECK(decodeParallel(weight, 0, values, context));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factors[i % factors.size()];
    return makeTensor(weight.shape, std::move(values));
}

/// A tensor's input while transforms change it; owns what it points to.
struct Prepared {
    QuantInput input;
    std::vector<float> factors; ///< of all transforms together; empty: none
    int factorBits = 0;
    InputStatistics calibration, full;
    std::vector<float> importance, gradient, fisher;
    std::vector<double> crossMoments;
    std::vector<TensorView> sharing;

    explicit Prepared(const QuantInput& given) : input(given) {}

    Result<void> apply(const InputTransform& transform, const RunContext& context) {
        const auto& by = transform.factors;
        if (by.empty()) return {};
        if (static_cast<std::int64_t>(by.size()) != asMatrix(input.weight.shape).columns)
            return fail(ErrorCode::OutOfRange, "a transform has {} factors for {} columns", by.size(), asMatrix(input.weight.shape).columns);
        factorBits = std::max(factorBits, transform.factorBits);
        if (factors.empty()) factors.assign(by.size(), 1.0F);
        for (std::size_t c = 0; c < by.size(); ++c) factors[c] *= by[c];
        QSCOPE_TRY(input.weight, scaledColumns(input.weight, by, context));
        std::vector<TensorView> others;
        for (const TensorView& other : input.sharing) {
            QSCOPE_TRY(auto scaled, scaledColumns(other, by, context));
            others.push_back(std::move(scaled));
        }
        sharing = std::move(others);
        input.sharing = sharing;
        scaleStatistics(by);
        return {};
    }

private:
    void scaleStatistics(const std::vector<float>& by) {
        const std::size_t columns = by.size();
        if (input.calibration) {
            calibration = transformed(*input.calibration, by);
            input.calibration = &calibration;
        }
        if (input.fullInputs) {
            full = transformed(*input.fullInputs, by);
            input.fullInputs = &full;
        }
        const auto scaled = [&](std::span<const float>& values, std::vector<float>& own, float power) {
            if (values.empty()) return;
            own.assign(values.begin(), values.end());
            for (std::size_t i = 0; i < own.size(); ++i) own[i] /= std::pow(by[i % columns], power);
            values = own;
        };
        scaled(input.importance, importance, 2); // mean squares of inputs
        scaled(input.gradient, gradient, 1);     // dL/dW' = dL/dW / factor
        scaled(input.fisher, fisher, 2);
        if (!input.crossMoments.empty()) {
            crossMoments.assign(input.crossMoments.begin(), input.crossMoments.end());
            for (std::size_t i = 0; i < crossMoments.size(); ++i)
                crossMoments[i] /= static_cast<double>(by[i / columns]) * static_cast<double>(by[i % columns]);
            input.crossMoments = crossMoments;
        }
    }
};

QuantizedTensor undone(QuantizedTensor base, const std::vector<float>& factors, int factorBits) {
    if (factors.empty()) return base;
    ColumnTransformed form;
    Shape shape = base.shape;
    form.base = std::make_shared<const QuantizedTensor>(std::move(base));
    form.factorBits = factorBits;
    for (const float factor : factors) form.factors.push_back(1.0F / factor);
    return tensorOf(std::move(shape), std::move(form));
}

} // namespace

InputStatistics transformed(const InputStatistics& inputs, std::span<const float> factors) {
    InputStatistics scaled = inputs;
    const std::size_t columns = factors.size();
    for (std::size_t c = 0; c < columns; ++c) {
        const float by = factors[c];
        for (auto* list : {&scaled.channelMax, &scaled.channelLow, &scaled.channelHigh, &scaled.means})
            if (c < list->size()) (*list)[c] /= by;
        if (c < scaled.meanSquares.size()) scaled.meanSquares[c] /= by * by;
    }
    for (std::size_t i = 0; i < scaled.samples.size(); ++i) scaled.samples[i] /= factors[i % columns];
    for (std::size_t i = 0; i < scaled.secondMoments.size(); ++i)
        scaled.secondMoments[i] /= static_cast<double>(factors[i / columns]) * static_cast<double>(factors[i % columns]);
    scaled.tokenMax.clear(); // of other values; samples tell what they would be
    return scaled;
}

ParamValues parametersOf(const QuantMethod& step, const ParamValues& parameters) {
    ParamValues own;
    const std::string prefix = step.info().id + ".";
    for (const auto& [key, value] : parameters)
        if (key.starts_with(prefix)) own.emplace(key.substr(prefix.size()), value);
    return own;
}

Result<std::shared_ptr<const Pipeline>> Pipeline::of(std::vector<const QuantMethod*> steps) {
    std::size_t roundings = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const MethodInfo& info = steps[i]->info();
        roundings += info.stage == Stage::Rounding ? 1 : 0;
        if (i > 0 && info.stage < steps[i - 1]->info().stage)
            return fail(ErrorCode::OutOfRange, "'{}' cannot follow '{}': transforms come first, then one rounding, then repairs", info.id, steps[i - 1]->info().id);
        for (std::size_t j = 0; j < i; ++j)
            if (steps[j] == steps[i]) return fail(ErrorCode::OutOfRange, "'{}' is there twice", info.id);
        if (info.stage == Stage::Transform && info.wholeModel)
            return fail(ErrorCode::OutOfRange, "'{}' works on the whole model and cannot be part of a chain", info.id);
    }
    if (roundings != 1) return fail(ErrorCode::OutOfRange, "a chain of methods has one that rounds, not {}", roundings);
    return std::shared_ptr<const Pipeline>(new Pipeline(std::move(steps)));
}

Pipeline::Pipeline(std::vector<const QuantMethod*> steps) : m_steps(std::move(steps)) {
    std::vector<std::string> ids, names, papers, summaries;
    for (const QuantMethod* step : m_steps) {
        const MethodInfo& info = step->info();
        ids.push_back(info.id);
        names.push_back(info.name);
        papers.push_back(info.paper);
        summaries.push_back(info.summary);
        for (ParamSpec row : info.parameters) {
            row.key = info.id + "." + row.key;
            row.label = info.name + ": " + row.label;
            m_info.parameters.push_back(std::move(row));
        }
        if (info.stage == Stage::Rounding) m_info.group = info.group;
        m_info.needsCalibration |= info.needsCalibration;
        m_info.quantizesActivations |= info.quantizesActivations;
        m_info.needsImportance |= info.needsImportance;
        m_info.sequential |= info.sequential;
        m_info.needsGradients |= info.needsGradients;
        m_info.needsBothStreams |= info.needsBothStreams;
        m_info.wholeModel |= info.wholeModel;
        m_info.help.steps.push_back(fmt::format("{}: {}", info.name, info.summary));
    }
    m_info.id = fmt::format("{}", fmt::join(ids, "+"));
    m_info.name = fmt::format("{}", fmt::join(names, " + "));
    m_info.paper = fmt::format("{}", fmt::join(papers, "; "));
    m_info.summary = fmt::format("{}", fmt::join(summaries, " Then: "));
}

Result<QuantizedTensor> Pipeline::outline(const Subject& subject, const ParamValues& parameters) const {
    std::optional<QuantizedTensor> made;
    ColumnTransformed columns; // what the transforms together do
    for (const QuantMethod* step : m_steps) {
        const ParamValues values = parametersOf(*step, parameters);
        if (made) {
            QSCOPE_TRY(made, step->outlineRepair(*std::move(made), subject, values));
            continue;
        }
        QSCOPE_TRY(auto outlined, step->outline(subject, values));
        if (step->info().stage == Stage::Transform) {
            const auto* own = formOf<ColumnTransformed>(outlined);
            columns.outlineHasFactors |= !own || own->outlineHasFactors;
            if (own) columns.factorBits = std::max(columns.factorBits, own->factorBits);
            continue;
        }
        made = std::move(outlined);
        if (!columns.outlineHasFactors) continue;
        columns.base = std::make_shared<const QuantizedTensor>(*std::move(made));
        made = tensorOf(subject.shape, columns);
    }
    return *std::move(made);
}

bool Pipeline::runsOn(const ComputeBackend& backend, const ParamValues& parameters) const {
    return std::ranges::all_of(m_steps, [&](const QuantMethod* step) { return step->runsOn(backend, parametersOf(*step, parameters)); });
}

bool Pipeline::readsBothStreams(const ParamValues& parameters) const {
    return std::ranges::any_of(m_steps, [&](const QuantMethod* step) { return step->readsBothStreams(parametersOf(*step, parameters)); });
}

std::optional<ActivationQuantization> Pipeline::activations(const ParamValues& parameters, const Calibration* calibration) const {
    std::optional<ActivationQuantization> found;
    for (const QuantMethod* step : m_steps)
        if (auto own = step->activations(parametersOf(*step, parameters), calibration)) found = std::move(own);
    return found;
}

Result<QuantizedTensor> Pipeline::rounded(std::size_t end, const QuantInput& input, const ParamValues& parameters,
                                          std::uint64_t seed, const RunContext& context) const {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    Prepared prepared(input);
    std::optional<QuantizedTensor> made;
    for (std::size_t i = 0; i < end; ++i) {
        const QuantMethod& step = *m_steps[i];
        const ParamValues own = parametersOf(step, parameters);
        if (step.info().stage == Stage::Transform) {
            QSCOPE_TRY(const auto transform, step.transform(prepared.input, own, seed, quiet));
            QSCOPE_CHECK(prepared.apply(transform, quiet));
        } else if (step.info().stage == Stage::Rounding) {
            QSCOPE_TRY(auto result, step.quantize(prepared.input, own, seed, context));
            made = std::move(result);
        } else {
            QSCOPE_TRY(made, step.repair(*std::move(made), prepared.input, own, seed, quiet));
        }
    }
    return undone(*std::move(made), prepared.factors, prepared.factorBits);
}

Result<QuantizedTensor> Pipeline::quantize(const QuantInput& input, const ParamValues& parameters, std::uint64_t seed,
                                           const RunContext& context) const {
    return rounded(m_steps.size(), input, parameters, seed, context);
}

namespace {

/// The first steps of a pipeline as a method by itself.
class FirstSteps final : public QuantMethod {
public:
    using Quantize = std::function<Result<QuantizedTensor>(const QuantInput&, std::uint64_t, const RunContext&)>;
    FirstSteps(const Pipeline& whole, Quantize quantize) : m_whole(whole), m_quantize(std::move(quantize)) {}
    [[nodiscard]] const MethodInfo& info() const override { return m_whole.info(); }
    [[nodiscard]] bool readsBothStreams(const ParamValues& parameters) const override { return m_whole.readsBothStreams(parameters); }
    [[nodiscard]] Result<QuantizedTensor> outline(const Subject&, const ParamValues&) const override {
        return fail(ErrorCode::Unsupported, "part of a chain");
    }
    [[nodiscard]] Result<QuantizedTensor> quantize(const QuantInput& input, const ParamValues&, std::uint64_t seed, const RunContext& context) const override {
        return m_quantize(input, seed, context);
    }

private:
    const Pipeline& m_whole;
    Quantize m_quantize;
};

} // namespace

Result<void> Pipeline::quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed, const RunContext& context) const {
    const auto whole = [](const QuantMethod* step) { return step->info().wholeModel; };
    const auto first = static_cast<std::size_t>(std::ranges::find_if(m_steps, whole) - m_steps.begin());
    const bool roundsWhole = first < m_steps.size() && m_steps[first]->info().stage == Stage::Rounding;
    if (roundsWhole && first > 0)
        return fail(ErrorCode::Unsupported, "'{}' works on the whole model and takes no transform before it", m_steps[first]->info().id);
    if (!roundsWhole) {
        const FirstSteps begin(*this, [&](const QuantInput& input, std::uint64_t s, const RunContext& c) {
            return rounded(first, input, parameters, s, c);
        });
        const auto key = std::ranges::find_if(parameters, [](const auto& entry) { return entry.first.ends_with(".true_sequential"); });
        const bool trueSequential = key != parameters.end() && std::get<bool>(key->second);
        QSCOPE_CHECK(quantizeSequentially(begin, model, parameters, seed, trueSequential, context));
    }
    for (std::size_t i = roundsWhole ? 0 : first; i < m_steps.size(); ++i) {
        const QuantMethod& step = *m_steps[i];
        const ParamValues own = parametersOf(step, parameters);
        if (step.info().wholeModel) {
            QSCOPE_CHECK(step.quantizeModel(model, own, seed, context));
            continue;
        }
        for (std::size_t w = 0; w < model.weights().size(); ++w) {
            const auto before = model.installed(w);
            if (!before) continue;
            QuantInput input = inputOf(model.weights()[w], model.calibration());
            std::vector<Trace> traces;
            input.traces = &traces;
            QSCOPE_TRY(auto repaired, step.repair(*before, input, own, seed, context));
            model.install(w, std::make_shared<const QuantizedTensor>(std::move(repaired)));
            for (Trace& trace : traces) model.addTrace(w, std::move(trace));
        }
    }
    return {};
}

} // namespace qscope::engine
