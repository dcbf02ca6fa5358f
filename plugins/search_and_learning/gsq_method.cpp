// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/gsq_method.h"

#include "engine/quant/forms.h"
#include "plugins/search_and_learning/grid_choice.h"
#include "plugins/search_and_learning/soft_codes.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

const MethodInfo& describeGsq() {
    static const MethodInfo info = [] {
        auto grid = gridParameters(false);
        grid.front().defaultValue = std::int64_t{2};
        grid.front().maximum = 4;
        MethodInfo made{
            "gsq",
            "GSQ",
            "Search and learning",
            "Dadgarnia et al., GSQ: Gumbel-softmax scalar quantization, 2026",
            "Begins with GPTQ's codes on a grid around zero and learns, block by block, a choice of codes for every "
            "weight and the scales, with "
            "noise that cools down. Widths 2 to 4; the paper's ternary and 1-bit forms are not offered.",
            joined(
                {std::move(grid),
                 trainingParameters(100, 6.4e-4),
                 {{"scale-rate",
                   "Rate of scales",
                   ParamType::Real,
                   3.2e-4,
                   0,
                   10,
                   {},
                   "Learning rate of the scales.",
                   ""},
                  {"decay",
                   "Decay of logits",
                   ParamType::Real,
                   1.0,
                   0,
                   1000,
                   {},
                   "What each step takes off the logits, times the rate.",
                   ""},
                  {"temperature-first",
                   "First temperature",
                   ParamType::Real,
                   2.0,
                   1e-3,
                   1e3,
                   {},
                   "Of the softmax.",
                   ""},
                  {"temperature-last", "Last temperature", ParamType::Real, 0.05, 1e-3, 1e3, {}, "Of the softmax.", ""},
                  {"gain-first",
                   "First gain",
                   ParamType::Real,
                   100.0,
                   0,
                   1e6,
                   {},
                   "What logits are multiplied by beside the noise.",
                   ""},
                  {"gain-last", "Last gain", ParamType::Real, 500.0, 0, 1e6, {}, "The same at the end.", ""},
                  {"deviation",
                   "Start noise",
                   ParamType::Real,
                   0.01,
                   0,
                   10,
                   {},
                   "Deviation of the logits at first, the unit of their preference.",
                   ""},
                  {"strength",
                   "Start preference",
                   ParamType::Real,
                   6.0,
                   0,
                   1000,
                   {},
                   "For the code that the weight begins with.",
                   ""},
                  {"start",
                   "Start",
                   ParamType::Choice,
                   std::string("gptq"),
                   0,
                   0,
                   {"gptq", "nearest"},
                   "Codes and scales to begin with.",
                   ""},
                  {"damping",
                   "Damping",
                   ParamType::Real,
                   0.01,
                   0,
                   10,
                   {},
                   "Of GPTQ: what is added to the diagonal, times its mean.",
                   ""}}})};
        made.needsCalibration = true;
        made.wholeModel = true;
        made.help.objective = "per block: min over logits l and scales s of E |B(x; W^) - B(x; W)|^2, W^ = s sum p_k "
                              "v_k, p = softmax((kappa l + Gumbel) / tau), both on the quantized stream.";
        made.help.steps = {
            "Codes and scales by GPTQ on what the blocks before, quantized, give; the range that makes the group's "
            "error least.",
            "Logits prefer the code at hand: 2 bits choose among all four, more bits among those at most two away.",
            "Each step: fresh noise, soft weights, the block's error, Lion on logits (with decay) and scales; tau "
            "falls, kappa rises.",
            "Take the code with the largest logit; the next block sees what this one gives."};
        made.help.cost = "steps x batch x three passes through a block, and the draw of 4 or 5 numbers per weight each "
                         "step; 80 to 100 bytes per weight of a block.";
        made.help.differences = "The paper takes 640 steps of 64 sequences at rates 1e-4 and 5e-5 (a logit moves by "
                                "the rate each step); the default, for small models, goes as far in 100 steps. "
                                "Levels -2^(b-1) to 2^(b-1) - 1 are kept as codes with one zero point per group, which "
                                "costs b bits a group that the paper's files do not store. "
                                "No separate stage for attention.";
        return made;
    }();
    return info;
}

/// Levels on both sides of zero, one more below; the range that makes the squared error least.
UniformStep centredStep(std::span<const float> values, const UniformGrid& grid) {
    const auto half = static_cast<float>(1 << (grid.bits - 1));
    UniformStep best{0, half, 0, 2 * half - 1};
    float peak = 0;
    for (const float w : values) peak = std::max(peak, std::abs(w));
    if (peak == 0) return best;
    double least = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 80; ++i) {
        UniformStep step = best;
        step.scale =
            roundedTo(grid.scaleType, std::max(0x1p-24F, peak * (1 - static_cast<float>(i) / 100) / (half - 0.5F)));
        double error = 0;
        for (const float w : values) {
            const auto off = static_cast<double>(w - step.rounded(w));
            error += off * off;
        }
        if (!(error < least)) continue;
        least = error;
        best = step;
    }
    return best;
}

class Gsq final : public QuantMethod {
public:
    [[nodiscard]] const MethodInfo& info() const override { return describeGsq(); }

    [[nodiscard]] Result<QuantizedTensor> outline(const Subject& subject,
                                                  const ParamValues& parameters) const override {
        return outlineOnGrid(subject, parameters);
    }

    [[nodiscard]] Result<void> quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed,
                                             const RunContext& context) const override {
        const BeginBlock begin = [&](int block, std::span<const std::size_t> weights,
                                     const RunContext& run) -> Result<LearnedWeights> {
            LearnedWeights learned;
            std::map<std::size_t, StreamInputs> inputs;
            if (block >= 0 && valueOf<std::string>(parameters, "start") == "gptq") {
                QSCOPE_TRY(inputs, model.inputs(block, weights, false, run));
            }
            for (const std::size_t index : weights) {
                const auto seen = inputs.find(index);
                auto begun =
                    beginWeight(model.weights()[index], index,
                                seen == inputs.end() ? nullptr : seen->second.quantized.get(), parameters, seed, run);
                if (begun)
                    learned.emplace(index, *std::move(begun));
                else if (!leftOut(begun.error(), model.weights()[index], run))
                    return tl::unexpected<Error>(std::move(begun).error());
            }
            return learned;
        };
        const std::int64_t steps = valueOf<std::int64_t>(parameters, "steps");
        const TrainBlock how = [&](int block) -> Result<Training> {
            Training training;
            training.steps = steps;
            training.batch = valueOf<std::int64_t>(parameters, "batch");
            training.lossName = "mean square error of the block";
            training.seed = seed + static_cast<std::uint64_t>(block) * 0x9E3779B9U;
            LossTerm output;
            output.request.first = block;
            output.request.last = block;
            output.request.target = Stream::Quantized;
            training.terms.push_back(output);
            const auto rate = [&](const char* key, double decay) {
                const double most = valueOf<double>(parameters, key);
                training.rates.push_back({std::make_shared<optimize::Lion>(optimize::LionOptions{0.9, 0.95, decay}),
                                          {optimize::Schedule::Shape::Cosine, most, 0.1 * most, steps, 0}});
            };
            rate("rate", valueOf<double>(parameters, "decay"));
            rate("scale-rate", 0);
            return training;
        };
        return reconstructBlocks(model, steps, begin, how, context);
    }

private:
    Result<std::unique_ptr<LearnedWeight>> beginWeight(const ModelWeight& weight, std::size_t index,
                                                       const InputStatistics* seen, const ParamValues& parameters,
                                                       std::uint64_t seed, const RunContext& context) const {
        QSCOPE_TRY(auto outline, this->outline(weight.subject, parameters));
        const auto& form = std::get<GridCodes>(outline.codes);
        QSCOPE_TRY(const auto values, finiteValues(weight.weight, context));
        const FitGroup fit = [&](std::span<const float> group) { return centredStep(group, form.grid); };
        const bool knows = seen && static_cast<std::int64_t>(seen->secondMoments.size()) ==
                                       form.grouping.columns * form.grouping.columns;
        QSCOPE_TRY(auto start, knows ? secondOrderCodes(values, seen->secondMoments, form.grouping,
                                                        valueOf<double>(parameters, "damping"), fit, context)
                                     : nearestCodes(values, form.grouping, fit, context));
        Softness softness;
        softness.temperatureFirst = valueOf<double>(parameters, "temperature-first");
        softness.temperatureLast = valueOf<double>(parameters, "temperature-last");
        softness.gainFirst = valueOf<double>(parameters, "gain-first");
        softness.gainLast = valueOf<double>(parameters, "gain-last");
        softness.deviation = valueOf<double>(parameters, "deviation");
        softness.strength = valueOf<double>(parameters, "strength");
        return std::make_unique<SoftCodes>(weight.name, std::move(outline), std::move(start), softness, seed, index);
    }
};

} // namespace

std::unique_ptr<QuantMethod> makeGsq() { return std::make_unique<Gsq>(); }

} // namespace qscope::engine
