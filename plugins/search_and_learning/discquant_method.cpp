// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/discquant_method.h"

#include "engine/core/random.h"
#include "plugins/search_and_learning/grid_choice.h"
#include "plugins/search_and_learning/neighbour_choice.h"

namespace qscope::engine {

namespace {

const MethodInfo& describeDiscquant() {
    static const MethodInfo info = [] {
        MethodInfo made{
            "discquant",
            "DiscQuant",
            "Search and learning",
            "Chee et al., DiscQuant: a quantization method for neural networks inspired by discrepancy theory, 2025",
            "Learns for every weight of the network at once which of its two neighbours on a fixed grid it takes: the "
            "nearer one, unless the "
            "divergence of the network's prediction objects.",
            joined({gridParameters(),
                    rangeParameters("max"),
                    trainingParameters(200, 0.1),
                    {{"strength",
                      "Strength of the divergence",
                      ParamType::Real,
                      200.0,
                      0,
                      1e9,
                      {},
                      "rho: its gradient is multiplied by this ...",
                      ""},
                     {"limit",
                      "Limit of the divergence",
                      ParamType::Real,
                      0.5,
                      0,
                      1e9,
                      {},
                      "c: ... and cut to this, before the pull to the nearer neighbour, at most 1, is added.",
                      ""},
                     {"start",
                      "Start",
                      ParamType::Choice,
                      std::string("random"),
                      0,
                      0,
                      {"random", "weight"},
                      "Where choices begin: anywhere between the neighbours, or where the weight is.",
                      ""}}})};
        made.needsCalibration = true;
        made.wholeModel = true;
        made.help.objective = "min over x in [0, 1] of KL(p_full || p_x) / delta^2 - mu sum (2 y - 1) x, w(x) = (1 - "
                              "x) lo + x hi, w(y) = w, delta^2 the mean over layers of 12 times the "
                              "squared error of round to nearest.";
        made.help.steps = {"Freeze the grid; lo and hi of every weight.",
                           "Each step: logits with soft weights and with the weights themselves on a few sequences; "
                           "gradient -(2 y - 1) + clip(rho dKL/dx / delta^2, ±c); AdamW with a cosine "
                           "rate after an eighth of warm-up; cut x to [0, 1].",
                           "Round x."};
        made.help.cost = "steps x batch x four passes through the network; 24 bytes per weight of the network.";
        made.help.differences =
            "The paper trains 1024 iterations on 8 sequences of 2048 tokens each (steps, batch); the default fits a "
            "small model into a minute. No weight decay, which in the published code "
            "pulls every choice down. The divergence comes from log-softmax, without 1e-10 added. Weights outside of "
            "the network's blocks are rounded to nearest.";
        return made;
    }();
    return info;
}

class Discquant final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeDiscquant(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        return outlineOnGrid(subject, parameters);
    }

    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed,
                                             const RunContext& context) const override {
        auto settings = std::make_shared<DiscrepancySettings>();
        settings->strength = valueOf<double>(parameters, "strength");
        settings->limit = valueOf<double>(parameters, "limit");
        LearnedWeights inside, outside;
        double errors = 0;
        const auto begin = [&](std::size_t index, LearnedWeights& among) -> Result<void> {
            auto begun = beginWeight(model.weights()[index], parameters, settings, context);
            if (!begun && leftOut(begun.error(), model.weights()[index], context)) return {};
            if (!begun) return tl::unexpected<Error>(std::move(begun).error());
            NeighbourChoice& choice = **begun;
            errors += &among == &inside ? choice.meanSquareError() : 0;
            std::vector<float> start = choice.exact();
            if (&among == &inside && valueOf<std::string>(parameters, "start") == "random")
                for (std::size_t i = 0; i < start.size(); ++i) start[i] = static_cast<float>(uniform(seed, index, i));
            choice.begin(std::move(start));
            among.emplace(index, *std::move(begun));
            return {};
        };
        for (int block = 0; block < model.blocks(); ++block)
            for (const std::size_t weight : model.weightsOf(block)) QSCOPE_CHECK(begin(weight, inside));
        for (const std::size_t weight : weightsOutside(model)) QSCOPE_CHECK(begin(weight, outside));
        QSCOPE_CHECK(installFinished(model, outside, context));
        if (inside.empty()) return {};
        settings->errorScale = std::max(1e-30, 12 * errors / static_cast<double>(inside.size()));

        const std::int64_t steps = valueOf<std::int64_t>(parameters, "steps");
        context.progress.done = 0;
        context.progress.total = steps;
        Training training;
        training.steps = steps;
        training.batch = valueOf<std::int64_t>(parameters, "batch");
        training.seed = seed;
        LossTerm logits;
        logits.request.criterion = LossRequest::Criterion::KullbackLeibler;
        training.terms.push_back(logits);
        training.rates.push_back(
            {std::make_shared<optimize::Adam>(),
             {optimize::Schedule::Shape::Cosine, valueOf<double>(parameters, "rate"), 0, steps, steps / 8}});
        QSCOPE_TRY(const LossCurve curve, train(model, inside, training, context));
        QSCOPE_CHECK(installFinished(model, inside, context));
        traceLoss(model, inside, curve, "KL divergence (nat per token)", "whole network");
        context.notes.note(fmt::format("divergence of the soft network: {:.3g} at first, {:.3g} at last; {:.1f} % of "
                                       "the choices were made before the last rounding",
                                       curve.first(), curve.last(), 100 * decided(inside)));
        return {};
    }

private:
    Result<std::unique_ptr<NeighbourChoice>> beginWeight(const ModelWeight& weight, const ParamValues& parameters,
                                                         std::shared_ptr<const DiscrepancySettings> settings,
                                                         const RunContext& context) const {
        QSCOPE_TRY(auto outline, this->outline(weight.subject, parameters));
        const auto& form = std::get<GridCodes>(outline.codes);
        QSCOPE_TRY(const auto values, finiteValues(weight.weight, context));
        QSCOPE_TRY(auto steps, fitSteps(values, {}, form.grouping, form.grid, clippingOf(parameters), context));
        return std::make_unique<NeighbourChoice>(weight.name, std::move(outline), values, std::move(steps),
                                                 std::vector<float>(values.size()), std::move(settings));
    }

    static double decided(const LearnedWeights& weights) {
        double sum = 0;
        for (const auto& [index, weight] : weights) sum += static_cast<const NeighbourChoice&>(*weight).decided();
        return sum / static_cast<double>(weights.size());
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeDiscquant() { return std::make_unique<Discquant>(); }

} // namespace qscope::engine
