// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/rounding_method.h"

#include "engine/quant/activation_parameters.h"
#include "plugins/search_and_learning/grid_choice.h"
#include "plugins/search_and_learning/learned_rounding.h"
#include "plugins/search_and_learning/mixed_bits.h"

namespace qscope::engine {

namespace {

RoundingPenalty penaltyOf(const ParamValues& parameters) {
    return {valueOf<double>(parameters, "lambda"), valueOf<double>(parameters, "warm-up"),
            valueOf<double>(parameters, "beta-first"), valueOf<double>(parameters, "beta-last")};
}

Result<std::unique_ptr<LearnedWeight>> beginRounding(const QuantMethod& method, const ModelWeight& weight,
                                                     const ParamValues& parameters, const RunContext& context) {
    QSCOPE_TRY(auto outline, method.outline(weight.subject, parameters));
    const auto& form = std::get<GridCodes>(outline.codes);
    QSCOPE_TRY(const auto values, finiteValues(weight.weight, context));
    QSCOPE_TRY(auto steps, fitSteps(values, {}, form.grouping, form.grid, clippingOf(parameters), context));
    return std::make_unique<LearnedRounding>(weight.name, std::move(outline), values, std::move(steps),
                                             penaltyOf(parameters));
}

} // namespace

std::vector<ParamSpec> RoundingMethod::roundingParameters(std::int64_t steps) {
    return joined(
        {gridParameters(),
         rangeParameters("mse"),
         trainingParameters(steps, 0.02),
         {{"lambda",
           "Penalty",
           ParamType::Real,
           0.01,
           0,
           1e6,
           {},
           "What an undecided rounding costs, beside the squared error summed over the channels of a token.",
           ""},
          {"warm-up", "Warm-up", ParamType::Real, 0.2, 0, 0.99, {}, "Part of the training without penalty.", ""},
          {"beta-first",
           "First exponent",
           ParamType::Real,
           20.0,
           1,
           100,
           {},
           "Of the penalty: high ones leave choices near the middle alone.",
           ""},
          {"beta-last", "Last exponent", ParamType::Real, 2.0, 1, 100, {}, "Of the penalty.", ""},
          {"mixed",
           "Inputs in full precision",
           ParamType::Real,
           0.5,
           0,
           1,
           {},
           "Chance with which an element of a block's input comes from the network in full precision (QDrop); 0: "
           "BRECQ.",
           ""},
          {"mixed-bits",
           "Mixed precision",
           ParamType::Flag,
           false,
           0,
           0,
           {},
           "Widths from bits - 1 to bits + 2 by importance, bits on average over the blocks.",
           ""}},
         activationParameters()});
}

Result<QuantizedTensor> RoundingMethod::outline(const Subject& subject, const ParamValues& parameters) const {
    return outlineOnGrid(subject, parameters);
}

std::optional<ActivationQuantization> RoundingMethod::activations(const ParamValues& parameters,
                                                                  const Calibration* calibration) const {
    return activationsFrom(parameters, calibration);
}

Result<void> RoundingMethod::quantizeModel(ModelAccess& model, const ParamValues& parameters, std::uint64_t seed,
                                           const RunContext& context) const {
    const auto activations = activationsFrom(parameters, &model.calibration());
    model.quantizeActivations(activations ? &*activations : nullptr);
    std::vector<int> bits;
    if (valueOf<bool>(parameters, "mixed-bits")) {
        QSCOPE_TRY(bits, importanceBits(model, *this, parameters, 16, context));
    }
    const BeginBlock begin = [&](int, std::span<const std::size_t> weights,
                                 const RunContext& run) -> Result<LearnedWeights> {
        LearnedWeights learned;
        for (const std::size_t index : weights) {
            ParamValues own = parameters;
            if (!bits.empty()) own["bits"] = std::int64_t{bits[index]};
            auto begun = beginRounding(*this, model.weights()[index], own, run);
            if (begun)
                learned.emplace(index, *std::move(begun));
            else if (!leftOut(begun.error(), model.weights()[index], run))
                return tl::unexpected<Error>(std::move(begun).error());
        }
        return learned;
    };
    const std::int64_t steps = valueOf<std::int64_t>(parameters, "steps");
    const double prediction = predictionFactor(parameters);
    const TrainBlock how = [&](int block) -> Result<Training> {
        Training training;
        training.steps = steps;
        training.batch = valueOf<std::int64_t>(parameters, "batch");
        training.lossName = "squared error per token";
        training.seed = seed + static_cast<std::uint64_t>(block) * 0x9E3779B9U;
        LossTerm output;
        output.request.first = block;
        output.request.last = block;
        output.request.mixed = valueOf<double>(parameters, "mixed");
        output.factor = static_cast<double>(widthOf(model, block)); // the papers add the channels' errors up
        training.terms.push_back(output);
        if (prediction > 0) {
            LossTerm logits;
            logits.request.first = block;
            logits.request.criterion = LossRequest::Criterion::KullbackLeibler;
            logits.factor = prediction;
            training.terms.push_back(logits);
            training.lossName += fmt::format(" + {:.3g} KL (nat)", prediction);
        }
        optimize::Schedule schedule;
        schedule.rate = valueOf<double>(parameters, "rate");
        training.rates.push_back({std::make_shared<optimize::Adam>(), schedule});
        return training;
    };
    return reconstructBlocks(model, steps, begin, how, context);
}

} // namespace qscope::engine
