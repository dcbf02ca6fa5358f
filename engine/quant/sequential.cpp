// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/model_access.h"

#include <algorithm>

namespace qscope::engine {

namespace {

/// Weights of one block in groups that read the same inputs, in the order of execution.
std::vector<std::vector<std::size_t>> stagesOf(const ModelAccess& model, std::span<const std::size_t> block, bool apart) {
    std::vector<std::vector<std::size_t>> stages;
    if (!apart) return {{block.begin(), block.end()}};
    std::vector<bool> done(model.weights().size());
    for (const std::size_t weight : block) {
        if (done[weight]) continue;
        std::vector<std::size_t> stage;
        const auto& sharing = model.weights()[weight].sharing;
        for (const std::size_t other : block)
            if (other == weight || std::ranges::find(sharing, other) != sharing.end()) stage.push_back(other);
        for (const std::size_t other : stage) done[other] = true;
        stages.push_back(std::move(stage));
    }
    return stages;
}

class Walk {
public:
    Walk(const QuantMethod& method, ModelAccess& model, const ParamValues& parameters, std::uint64_t seed, const RunContext& context)
        : m_method(method), m_model(model), m_parameters(parameters), m_seed(seed), m_context(context),
          m_quiet{context.stop, m_unseen, context.notes, context.backend} {}

    Result<void> block(int number, bool trueSequential) {
        const auto weights = m_model.weightsOf(number);
        for (const auto& stage : stagesOf(m_model, weights, trueSequential)) {
            QSCOPE_TRY(const auto inputs, m_model.inputs(number, stage, m_method.readsBothStreams(m_parameters), m_quiet));
            for (const std::size_t weight : stage) {
                const auto found = inputs.find(weight);
                QSCOPE_CHECK(treat(weight, found == inputs.end() ? nullptr : &found->second));
            }
        }
        return {};
    }

    Result<void> outside() {
        std::vector<bool> inside(m_model.weights().size());
        for (int b = 0; b < m_model.blocks(); ++b)
            for (const std::size_t weight : m_model.weightsOf(b)) inside[weight] = true;
        for (std::size_t weight = 0; weight < inside.size(); ++weight)
            if (!inside[weight]) QSCOPE_CHECK(treat(weight, nullptr));
        return {};
    }

private:
    Result<void> treat(std::size_t index, const StreamInputs* seen) {
        const ModelWeight& weight = m_model.weights()[index];
        QuantInput input = inputOf(weight, m_model.calibration());
        std::vector<TensorView> sharing;
        for (const std::size_t other : weight.sharing) sharing.push_back(m_model.weights()[other].weight);
        input.sharing = sharing;
        if (seen) {
            input.calibration = seen->quantized.get();
            input.fullInputs = seen->full.get();
            input.crossMoments = seen->crossMoments;
        }
        std::vector<Trace> traces;
        input.traces = &traces;
        auto result = m_method.quantize(input, m_parameters, m_seed, m_context);
        if (!result && !concernsTensorAlone(result.error().code)) return during(std::move(result).error(), fmt::format("tensor '{}'", weight.subject.name));
        if (!result) m_context.notes.warn(fmt::format("left out: {}", describe(result.error())), weight.subject.name);
        else m_model.install(index, std::make_shared<const QuantizedTensor>(*std::move(result)));
        for (Trace& trace : traces) m_model.addTrace(index, std::move(trace));
        return {};
    }

    const QuantMethod& m_method;
    ModelAccess& m_model;
    const ParamValues& m_parameters;
    std::uint64_t m_seed;
    const RunContext& m_context;
    Progress m_unseen;
    RunContext m_quiet;
};

} // namespace

QuantInput inputOf(const ModelWeight& weight, const Calibration& calibration) {
    QuantInput input{weight.subject, weight.weight, weight.importance};
    if (weight.gradients) {
        input.gradient = weight.gradients->mean;
        input.fisher = weight.gradients->meanSquares;
    }
    if (weight.subject.hasCalibration) input.calibration = calibration.find(weight.name);
    return input;
}

Result<void> quantizeSequentially(const QuantMethod& method, ModelAccess& model, const ParamValues& parameters,
                                  std::uint64_t seed, bool trueSequential, const RunContext& context) {
    Walk walk(method, model, parameters, seed, context);
    for (int block = 0; block < model.blocks(); ++block) QSCOPE_CHECK(walk.block(block, trueSequential));
    return walk.outside();
}

} // namespace qscope::engine
