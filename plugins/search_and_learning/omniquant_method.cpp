// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/omniquant_method.h"

#include "engine/quant/activation_parameters.h"
#include "engine/quant/forms.h"
#include "plugins/search_and_learning/grid_choice.h"
#include "plugins/search_and_learning/learned_clipping.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr float kFloor = 1e-5F; // of magnitudes, where factors begin

const MethodInfo& describeOmniquant() {
    static const MethodInfo info = [] {
        MethodInfo made{
            "omniquant",
            "OmniQuant",
            "Search and learning",
            "Shao et al., OmniQuant: omnidirectionally calibrated quantization for large language models, 2024",
            "Learns, block by block, how far the range of every group of weights is cut (LWC) and, where asked, a "
            "factor for every input channel "
            "that moves difficulty from activations into weights (LET). LET has no shifts and no factors between "
            "queries and keys.",
            joined(
                {gridParameters(false),
                 trainingParameters(150, 0.05),
                 {{"lwc", "Learn clipping", ParamType::Flag, true, 0, 0, {}, "Two strengths per group.", ""},
                  {"let",
                   "Learn channel factors",
                   ParamType::Flag,
                   false,
                   0,
                   0,
                   {},
                   "For layers behind a norm, and for the output projection when heads do not share values.",
                   ""},
                  {"let-rate",
                   "Rate of factors",
                   ParamType::Real,
                   0.005,
                   0,
                   10,
                   {},
                   "Learning rate of the channel factors.",
                   ""},
                  {"alpha",
                   "Start of factors",
                   ParamType::Real,
                   0.5,
                   0,
                   1,
                   {},
                   "Factors begin at max|x|^alpha / max|w|^(1 - alpha).",
                   ""},
                  {"start",
                   "Start of strengths",
                   ParamType::Real,
                   4.0,
                   -20,
                   20,
                   {},
                   "Ranges begin at sigmoid of this: 4 is 0.982.",
                   ""},
                  {"augment",
                   "Second target",
                   ParamType::Flag,
                   false,
                   0,
                   0,
                   {},
                   "Adds the distance to the full-precision block on the quantized inputs; the paper does at 2 bits.",
                   ""},
                  {"patience",
                   "Patience",
                   ParamType::Integer,
                   std::int64_t{0},
                   0,
                   1'000'000,
                   {},
                   "Stops a block when the mean loss of so many steps no longer falls by 0.1 %; 0: never.",
                   "steps"}},
                 activationParameters()})};
        made.needsCalibration = true;
        made.quantizesActivations = true;
        made.wholeModel = true;
        made.help.objective = "per block: min over strengths and factors of E (B(x_full; W) - B(x; Q(W diag(a)) "
                              "diag(a)^-1))^2; Q rounds on [sigmoid(low) min, sigmoid(high) max].";
        made.help.steps = {"Strengths start at 4, factors (where learned) at max|x|^alpha / max|w|^(1 - alpha).",
                           "Each step: round with the ranges at hand, the block's error on a sequence, gradients "
                           "straight through the rounding; Adam.",
                           "Round with the last ranges; the next block sees what this one gives."};
        made.help.cost = "steps x batch x three passes through a block; two numbers per group.";
        made.help.differences = "The paper trains 20 epochs of 128 sequences at rate 0.01 (set steps to 2560 and rate "
                                "to 0.01); the default is 150 steps at 0.05, for small models. "
                                "Ranges include zero and zero points stay inside the codes. LET: no shifts (the paper "
                                "has none for Llama with weights alone), no factors between queries and "
                                "keys (they change nothing for groups along rows), and gradients of factors come "
                                "through the weights only, not through the rounding of activations.";
        return made;
    }();
    return info;
}

bool takesFactors(const Subject& subject, const ParamValues& parameters) {
    return valueOf<bool>(parameters, "let") && subject.layer && foldingOf(subject) == Folding::Free &&
           subject.commonName.find("down_proj") == std::string::npos;
}

/// One run of the method over a model.
class Work {
public:
    Work(const QuantMethod& method, ModelAccess& model, const ParamValues& parameters, std::uint64_t seed)
        : m_method(method)
        , m_model(model)
        , m_parameters(parameters)
        , m_seed(seed)
        , m_activations(activationsFrom(parameters, &model.calibration())) {
        model.quantizeActivations(activations());
    }

    Result<LearnedWeights> begin(std::span<const std::size_t> weights, const RunContext& context) {
        // Activations of the blocks behind are rounded with the factors that these learned.
        if (activations() && refreshFactors()) m_model.quantizeActivations(activations());
        LearnedWeights learned;
        std::map<std::size_t, std::shared_ptr<ChannelFactors>> factors;
        for (const std::size_t index : weights) {
            auto begun = beginWeight(index, factors, context);
            if (begun)
                learned.emplace(index, *std::move(begun));
            else if (!leftOut(begun.error(), m_model.weights()[index], context))
                return tl::unexpected<Error>(std::move(begun).error());
        }
        return learned;
    }

    Training training(int block) {
        Training made;
        made.steps = valueOf<std::int64_t>(m_parameters, "steps");
        made.batch = valueOf<std::int64_t>(m_parameters, "batch");
        made.lossName = "mean square error of the block";
        made.patience = valueOf<std::int64_t>(m_parameters, "patience");
        made.seed = m_seed + static_cast<std::uint64_t>(block) * 0x9E3779B9U;
        LossTerm output;
        output.request.first = block;
        output.request.last = block;
        made.terms.push_back(output);
        output.request.target = Stream::Quantized;
        if (valueOf<bool>(m_parameters, "augment")) {
            made.terms.push_back(output);
            made.lossName += ", to both targets";
        }
        for (const char* rate : {"rate", "let-rate"}) {
            optimize::Schedule schedule;
            schedule.rate = valueOf<double>(m_parameters, rate);
            made.rates.push_back({std::make_shared<optimize::Adam>(), schedule});
        }
        if (activations())
            made.activations = [this] {
                refreshFactors();
                return activations();
            };
        return made;
    }

private:
    const ActivationQuantization* activations() const { return m_activations ? &*m_activations : nullptr; }

    bool refreshFactors() {
        for (const auto& [name, factors] : m_factorsOf) m_activations->factors[name] = factors->values;
        return !m_factorsOf.empty();
    }

    Result<std::unique_ptr<LearnedWeight>> beginWeight(std::size_t index,
                                                       std::map<std::size_t, std::shared_ptr<ChannelFactors>>& factors,
                                                       const RunContext& context) {
        const ModelWeight& weight = m_model.weights()[index];
        QSCOPE_TRY(auto outline, m_method.outline(weight.subject, m_parameters));
        std::shared_ptr<ChannelFactors> own;
        if (const auto* form = formOf<ColumnTransformed>(outline)) {
            auto& shared = factors[weight.sharing.empty() ? index : weight.sharing.front()];
            if (!shared) {
                QSCOPE_TRY(shared, beginFactors(index, context));
            }
            own = shared;
            m_factorsOf[weight.name] = own;
            QuantizedTensor base = *form->base;
            outline = std::move(base);
        }
        QSCOPE_TRY(auto values, finiteValues(weight.weight, context));
        return std::make_unique<LearnedClipping>(weight.name, std::move(outline), std::move(values), own,
                                                 valueOf<bool>(m_parameters, "lwc"),
                                                 static_cast<float>(valueOf<double>(m_parameters, "start")));
    }

    Result<std::shared_ptr<ChannelFactors>> beginFactors(std::size_t index, const RunContext& context) const {
        const ModelWeight& weight = m_model.weights()[index];
        const InputStatistics* seen = m_model.calibration().find(weight.name);
        const std::int64_t columns = asMatrix(weight.subject.shape).columns;
        if (!seen || seen->channels != columns)
            return fail(ErrorCode::Unsupported, "the calibration text did not reach this weight");
        std::vector<float> largest(static_cast<std::size_t>(columns), kFloor);
        for (const std::size_t other : weight.sharing.empty() ? std::vector<std::size_t>{index} : weight.sharing) {
            QSCOPE_TRY(const auto values, finiteValues(m_model.weights()[other].weight, context));
            for (std::size_t i = 0; i < values.size(); ++i)
                largest[i % largest.size()] = std::max(largest[i % largest.size()], std::abs(values[i]));
        }
        const auto alpha = static_cast<float>(valueOf<double>(m_parameters, "alpha"));
        auto made = std::make_shared<ChannelFactors>();
        made->name = weight.name + ".factors";
        for (std::size_t c = 0; c < largest.size(); ++c)
            made->values.push_back(std::pow(std::max(seen->channelMax[c], kFloor), alpha) /
                                   std::pow(largest[c], 1 - alpha));
        return made;
    }

    const QuantMethod& m_method;
    ModelAccess& m_model;
    const ParamValues& m_parameters;
    std::uint64_t m_seed;
    std::optional<ActivationQuantization> m_activations;
    std::map<std::string, std::shared_ptr<ChannelFactors>> m_factorsOf; ///< by weight
};

class Omniquant final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeOmniquant(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        QSCOPE_TRY(auto codes, outlineOnGrid(subject, parameters));
        if (!takesFactors(subject, parameters)) return codes;
        ColumnTransformed form;
        form.base = std::make_shared<const QuantizedTensor>(std::move(codes));
        form.outlineHasFactors = true;
        return tensorOf(subject.shape, std::move(form));
    }

    [[nodiscard]] std::optional<ActivationQuantization> activations(const ParamValues& parameters,
                                                                    const Calibration* calibration) const override {
        return activationsFrom(parameters, calibration);
    }

    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed,
                                             const RunContext& context) const override {
        Work work(*this, model, parameters, seed);
        return reconstructBlocks(
            model, valueOf<std::int64_t>(parameters, "steps"),
            [&](int, std::span<const std::size_t> weights, const RunContext& run) { return work.begin(weights, run); },
            [&](int block) -> Result<Training> { return work.training(block); }, context);
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeOmniquant() { return std::make_unique<Omniquant>(); }

} // namespace qscope::engine
