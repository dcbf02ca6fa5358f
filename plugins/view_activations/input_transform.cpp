// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_activations/input_transform.h"

#include "engine/nn/taps/quantize_activations.h"
#include "engine/quant/forms.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope {

namespace {

constexpr int kBins = 121; // odd: zero lies in the middle of one

void count(const std::vector<float>& values, double unit, const std::vector<double>& edges,
           std::vector<double>& counts) {
    counts.assign(edges.size() - 1, 0);
    const double low = edges.front(), width = (edges.back() - low) / static_cast<double>(counts.size());
    for (const float value : values) {
        const double bin = std::floor((static_cast<double>(value) / unit - low) / width);
        ++counts[static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(counts.size() - 1)))];
    }
}

Spread spreadOf(const std::vector<float>& values, std::size_t channels) {
    Spread spread;
    spread.channelMax.assign(channels, 0);
    double sum = 0, magnitudes = 0, squares = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        sum += static_cast<double>(values[i]);
        magnitudes += std::abs(static_cast<double>(values[i]));
        squares += static_cast<double>(values[i]) * static_cast<double>(values[i]);
        float& most = spread.channelMax[i % channels];
        most = std::max(most, std::abs(values[i]));
    }
    const auto all = static_cast<double>(values.size());
    const double mean = sum / all;
    double second = 0, fourth = 0;
    for (const float value : values) {
        const double square = (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
        second += square / all;
        fourth += square * square / all;
    }
    spread.rootMeanSquare = std::sqrt(squares / all);
    spread.largest = static_cast<double>(*std::ranges::max_element(spread.channelMax));
    spread.maxToMean = magnitudes > 0 ? spread.largest * all / magnitudes : 0;
    spread.kurtosis = second > 0 ? fourth / (second * second) : 0;
    return spread;
}

double sqnrDb(const std::vector<float>& values, const std::vector<float>& rounded) {
    double signal = 0, noise = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double value = static_cast<double>(values[i]), off = static_cast<double>(rounded[i]) - value;
        signal += value * value;
        noise += off * off;
    }
    return -10 * std::log10(noise / signal);
}

} // namespace

std::vector<float> inputFactors(const engine::QuantizedTensor& result) {
    const auto channels = static_cast<std::size_t>(engine::asMatrix(result.shape).columns);
    std::vector<float> factors(channels, 1.0F);
    std::vector<std::size_t> place(channels); // of each input among the columns of the form at hand
    std::iota(place.begin(), place.end(), std::size_t{0});
    bool scales = false;
    for (const engine::QuantizedTensor* tensor = &result;;) {
        if (const auto* columns = engine::formOf<engine::ColumnTransformed>(*tensor)) {
            for (std::size_t c = 0; c < channels; ++c) {
                if (!columns->factors.empty()) factors[c] *= columns->factors[place[c]];
                if (!columns->order.empty()) place[c] = static_cast<std::size_t>(columns->order[place[c]]);
            }
            scales |= !columns->factors.empty();
            tensor = columns->base.get();
        } else if (const auto* sum = engine::formOf<engine::LowRankSum>(*tensor)) {
            tensor = sum->base.get();
        } else if (const auto* outliers = engine::formOf<engine::WithOutliers>(*tensor)) {
            tensor = outliers->base.get();
        } else {
            return scales ? factors : std::vector<float>();
        }
    }
}

Result<TransformedInputs> transformedInputs(const engine::InputStatistics& inputs, const std::vector<float>& factors,
                                            const engine::ActivationGrid* grid, const engine::ActivationRange* range,
                                            bool perRms) {
    const auto channels = static_cast<std::size_t>(inputs.channels);
    if (inputs.samples.empty()) return fail(ErrorCode::Unsupported, "the calibration kept no tokens of this layer");
    if (factors.size() != channels)
        return fail(ErrorCode::Unsupported, "{} channels flow in and {} are transformed", channels, factors.size());
    std::vector<float> after = inputs.samples;
    for (std::size_t i = 0; i < after.size(); ++i) after[i] *= factors[i % channels];
    TransformedInputs made{{}, spreadOf(inputs.samples, channels), spreadOf(after, channels), {}};
    const double ofBefore = perRms ? std::max(made.before.rootMeanSquare, 1e-30) : 1,
                 ofAfter = perRms ? std::max(made.after.rootMeanSquare, 1e-30) : 1;
    const double reach = std::max({made.before.largest / ofBefore, made.after.largest / ofAfter, 1e-30});
    for (int i = 0; i <= kBins; ++i) made.edges.push_back(reach * (2.0 * i / kBins - 1));
    count(inputs.samples, ofBefore, made.edges, made.before.counts);
    count(after, ofAfter, made.edges, made.after.counts);
    if (!grid) return made;
    std::vector<float> rounded = after;
    engine::nn::roundActivations(rounded, inputs.channels, *grid, range);
    made.after.sqnrDb = sqnrDb(after, rounded);
    count(rounded, ofAfter, made.edges, made.rounded);
    if (range) return made; // a static range is that of the transformed inputs
    rounded = inputs.samples;
    engine::nn::roundActivations(rounded, inputs.channels, *grid, nullptr);
    made.before.sqnrDb = sqnrDb(inputs.samples, rounded);
    return made;
}

} // namespace qscope
