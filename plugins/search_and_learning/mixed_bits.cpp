// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/search_and_learning/mixed_bits.h"

#include "plugins/search_and_learning/grid_choice.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

std::vector<int> spendBits(std::span<const WidthCosts> weights, int least, int mean) {
    std::vector<int> bits(weights.size(), least);
    std::int64_t left = 0;
    for (const WidthCosts& weight : weights) left += weight.weights * (mean - least);
    for (;;) {
        double most = 0;
        std::size_t best = weights.size();
        for (std::size_t i = 0; i < weights.size(); ++i) {
            const auto next = static_cast<std::size_t>(bits[i] - least + 1);
            if (next >= weights[i].costs.size() || weights[i].weights > left || weights[i].weights == 0) continue;
            const double saved =
                (weights[i].costs[next - 1] - weights[i].costs[next]) / static_cast<double>(weights[i].weights);
            if (saved <= most) continue;
            most = saved;
            best = i;
        }
        if (best == weights.size()) return bits;
        ++bits[best];
        left -= weights[best].weights;
    }
}

Result<std::vector<int>> importanceBits(ModelAccess& model, const QuantMethod& method, const ParamValues& parameters,
                                        std::int64_t sequences, const RunContext& context) {
    const int mean = static_cast<int>(valueOf<std::int64_t>(parameters, "bits"));
    const int least = std::max(2, mean - 1), most = std::min(8, mean + 2);
    LossRequest request;
    request.inputs = Stream::Full;
    request.criterion = LossRequest::Criterion::CrossEntropy;
    std::vector<std::size_t> taken; // weights that the method takes
    for (int block = 0; block < model.blocks(); ++block)
        for (const std::size_t weight : model.weightsOf(block))
            if (method.outline(model.weights()[weight].subject, parameters)) taken.push_back(weight);
    request.wanted = taken;
    std::map<std::size_t, std::vector<float>> slopes;
    for (std::int64_t s = 0; s < std::min(sequences, model.sequences()); ++s) {
        const std::array one{s};
        request.sequences = one;
        QSCOPE_TRY(const auto found, model.loss(request, context));
        for (const auto& [weight, gradient] : found.gradients) {
            auto& sum = slopes[weight];
            sum.resize(gradient.size());
            for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += std::abs(gradient[i]);
        }
    }
    std::vector<WidthCosts> costs;
    for (const std::size_t index : taken) {
        const ModelWeight& weight = model.weights()[index];
        QSCOPE_TRY(const auto values, finiteValues(weight.weight, context));
        WidthCosts cost{static_cast<std::int64_t>(values.size()), {}};
        for (int bits = least; bits <= most; ++bits) {
            ParamValues own = parameters;
            own["bits"] = std::int64_t{bits};
            QSCOPE_TRY(const auto outline, method.outline(weight.subject, own));
            const auto& form = std::get<GridCodes>(outline.codes);
            QSCOPE_TRY(const auto steps, fitSteps(values, {}, form.grouping, form.grid, clippingOf(own), context));
            double sum = 0;
            for (std::size_t i = 0; i < values.size(); ++i) {
                const auto at = static_cast<std::int64_t>(i);
                const UniformStep& step = steps[static_cast<std::size_t>(
                    form.grouping.indexOf(at / form.grouping.columns, at % form.grouping.columns))];
                sum += static_cast<double>(slopes[index][i] * std::abs(values[i] - step.rounded(values[i])));
            }
            cost.costs.push_back(sum);
        }
        costs.push_back(std::move(cost));
    }
    std::vector<int> bits(model.weights().size(), mean);
    const auto spent = spendBits(costs, least, mean);
    for (std::size_t i = 0; i < taken.size(); ++i) bits[taken[i]] = spent[i];
    return bits;
}

} // namespace qscope::engine
