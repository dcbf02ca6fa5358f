// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/learned_rounding.h"
#include "plugins/number_formats/methods.h"
#include "tests/support/random_values.h"
#include "tests/unit/methods_formats/method_run.h"

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

/// What calibration would say about these tokens [tokens, channels].
InputStatistics statisticsOf(const std::vector<float>& tokens, std::size_t channels) {
    InputStatistics made;
    made.channels = static_cast<std::int64_t>(channels);
    made.tokens = made.sampleRows = static_cast<std::int64_t>(tokens.size() / channels);
    made.samples = tokens;
    made.channelMax.assign(channels, 0);
    made.channelLow = made.channelHigh = made.meanSquares = made.means = made.channelMax;
    made.secondMoments.assign(channels * channels, 0);
    for (std::size_t t = 0; t < tokens.size(); t += channels)
        for (std::size_t a = 0; a < channels; ++a) {
            const float x = tokens[t + a];
            made.channelMax[a] = std::max(made.channelMax[a], std::abs(x));
            made.channelLow[a] = std::min(made.channelLow[a], x);
            made.channelHigh[a] = std::max(made.channelHigh[a], x);
            made.meanSquares[a] += x * x / static_cast<float>(made.tokens);
            for (std::size_t b = 0; b < channels; ++b)
                made.secondMoments[a * channels + b] += static_cast<double>(x) * static_cast<double>(tokens[t + b]);
        }
    return made;
}

QuantInput inputOf(const TensorView& weight, const InputStatistics& statistics) {
    QuantInput input = engine::inputOf(weight);
    input.calibration = &statistics;
    return input;
}

/// |X (W - Ŵ)ᵀ|² / |X Wᵀ|²
double outputError(const std::vector<float>& weights, const std::vector<float>& rounded,
                   const std::vector<float>& tokens, std::size_t channels,
                   const std::vector<float>* roundedTokens = nullptr) {
    double error = 0, energy = 0;
    for (std::size_t t = 0; t < tokens.size(); t += channels)
        for (std::size_t r = 0; r < weights.size(); r += channels) {
            double full = 0, other = 0;
            for (std::size_t c = 0; c < channels; ++c) {
                full += static_cast<double>(tokens[t + c]) * static_cast<double>(weights[r + c]);
                other += static_cast<double>((roundedTokens ? *roundedTokens : tokens)[t + c]) *
                         static_cast<double>(rounded[r + c]);
            }
            error += (full - other) * (full - other);
            energy += full * full;
        }
    return error / energy;
}

/// Inputs whose channels go together, so that learned rounding has something to trade.
std::vector<float> correlatedTokens(std::size_t tokens, std::size_t channels, unsigned seed) {
    auto values = normalValues(tokens * channels, seed);
    const auto common = normalValues(tokens * 4, seed + 1), mix = normalValues(4 * channels, seed + 2);
    for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t k = 0; k < 4; ++k) values[t * channels + c] += common[t * 4 + k] * mix[k * channels + c];
    return values;
}

} // namespace

TEST_CASE("learned rounding starts at the weights themselves and ends at neighbours") {
    const auto weights = normalValues(4 * 32, 1);
    const Grid grid = minifloatGrid(2, 1);
    LevelCodes codes;
    codes.grouping = {4, 32, 1, 32};
    for (std::size_t r = 0; r < 4; ++r) {
        float most = 0;
        for (std::size_t c = 0; c < 32; ++c) most = std::max(most, std::abs(weights[r * 32 + c]));
        codes.scales.push_back(most / 6);
    }
    for (const bool aware : {false, true}) {
        const auto soft = softRounding(std::get<Minifloat>(grid.closedForm()), weights, codes, aware);
        for (std::size_t i = 0; i < weights.size(); ++i)
            CHECK(static_cast<double>(soft.steps[i] * (soft.down[i] + soft.share(i))) ==
                  Approx(static_cast<double>(weights[i])).margin(1e-5));
    }
    const auto tokens = correlatedTokens(200, 32, 5);
    const auto statistics = statisticsOf(tokens, 32);
    const auto method = makeFp4Dit();
    const auto result = quantizedBy(*method, inputOf(makeTensor({4, 32}, weights), statistics),
                                    {{"iterations", "200"}, {"granularity", "output-channel"}});
    REQUIRE(result);
    const auto values = valuesOf(*result);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const float scale = codes.scales[i / 32];
        const float x = weights[i] / scale, below = grid.value(grid.below(x)), above = grid.value(grid.above(x));
        CHECK((std::abs(values[i] / scale - below) < 1e-5F || std::abs(values[i] / scale - above) < 1e-5F));
    }
}

TEST_CASE("of two inputs that are the same, learned rounding takes one weight up and one down") {
    // E1M2 is an integer grid, here with steps of 1: by themselves both weights would become 1.
    std::vector<float> tokens;
    for (const float x : normalValues(64, 3)) tokens.insert(tokens.end(), {x, x, 0.0F});
    const auto statistics = statisticsOf(tokens, 3);
    const std::vector<float> weights{0.52F, 0.55F, 7.0F};
    const auto method = makeFp4Dit();
    const auto result = quantizedBy(*method, inputOf(makeTensor({1, 3}, weights), statistics),
                                    {{"exponent", "1"},
                                     {"scale-aware", "false"},
                                     {"rate", "0.02"},
                                     {"granularity", "output-channel"},
                                     {"iterations", "400"}});
    REQUIRE(result);
    const auto values = valuesOf(*result);
    CHECK(values[0] + values[1] == Approx(1.0F));
    CHECK(values[2] == 7);
}

TEST_CASE(
    "learned rounding lowers the error of the output, and with diagonal moments hardly departs from the nearest") {
    const std::size_t channels = 64;
    const auto tokens = correlatedTokens(300, channels, 17);
    const auto statistics = statisticsOf(tokens, channels);
    const auto weights = normalValues(24 * channels, 2, 0.05F);
    const auto weight = makeTensor({24, static_cast<std::int64_t>(channels)}, weights);
    for (const bool dit : {true, false}) {
        const auto method = dit ? makeFp4Dit() : makeFpDiffusion();
        const auto nearest = quantizedBy(*method, inputOf(weight, statistics), {{"iterations", "0"}}),
                   learned = quantizedBy(*method, inputOf(weight, statistics), {});
        REQUIRE((nearest && learned));
        CHECK(outputError(weights, valuesOf(*learned), tokens, channels) <
              0.6 * outputError(weights, valuesOf(*nearest), tokens, channels));
        CHECK(storedBits(*learned) == 24 * channels * 4 + 24 * 32);
    }
    auto diagonal = statistics;
    for (std::size_t a = 0; a < channels; ++a)
        for (std::size_t b = 0; b < channels; ++b)
            if (a != b) diagonal.secondMoments[a * channels + b] = 0;
    const auto method = makeFp4Dit();
    const auto nearest = quantizedBy(*method, inputOf(weight, diagonal), {{"iterations", "0"}}),
               learned = quantizedBy(*method, inputOf(weight, diagonal), {{"iterations", "300"}});
    REQUIRE((nearest && learned));
    // Except where both neighbours are about as good.
    const auto one = valuesOf(*nearest), other = valuesOf(*learned);
    int moved = 0;
    for (std::size_t i = 0; i < one.size(); ++i) moved += one[i] == other[i] ? 0 : 1;
    CHECK(moved < static_cast<int>(one.size()) / 25);
    CHECK(relativeErrorOf(weights, *learned) < 1.01 * relativeErrorOf(weights, *nearest));
}

TEST_CASE("POST: the fitted scale is the best in its neighbourhood and finds what lies on the grid") {
    const std::size_t channels = 48;
    const auto tokens = correlatedTokens(200, channels, 29);
    const auto statistics = statisticsOf(tokens, channels);
    const auto weights = normalValues(6 * channels, 30);
    const auto method = makePowerOfSqrt2();
    const auto weight = makeTensor({6, static_cast<std::int64_t>(channels)}, weights);
    const auto start = quantizedBy(*method, inputOf(weight, statistics), {{"iterations", "0"}}),
               fitted = quantizedBy(*method, inputOf(weight, statistics), {});
    REQUIRE((start && fitted));
    const double error = outputError(weights, valuesOf(*fitted), tokens, channels);
    CHECK(error < outputError(weights, valuesOf(*start), tokens, channels));
    for (const float other : {0.995F, 1.005F}) { // with the codes as they are
        auto moved = valuesOf(*fitted);
        for (float& x : moved) x *= other;
        CHECK(error < outputError(weights, moved, tokens, channels) * 1.0001);
    }
    std::vector<float> exact;
    const Grid grid = powersGrid(4, 2);
    for (std::size_t i = 0; i < channels; ++i)
        exact.push_back(0.625F * grid.ascending()[(i * 7) % grid.ascending().size()]);
    const auto found =
        quantizedBy(*method, inputOf(makeTensor({1, static_cast<std::int64_t>(channels)}, exact), statistics), {});
    REQUIRE(found);
    CHECK(relativeErrorOf(exact, *found) < 1e-12);
}

TEST_CASE("LLM-FP4: a channel that is larger by a power of two costs nothing, without the shift it does") {
    const std::size_t channels = 32;
    auto tokens = normalValues(128 * channels, 41);
    auto weights = normalValues(12 * channels, 42);
    const auto method = makeLlmFp4();
    const auto errorOf = [&](const Parameters& parameters) {
        const auto statistics = statisticsOf(tokens, channels);
        const auto result = quantizedBy(
            *method, inputOf(makeTensor({12, static_cast<std::int64_t>(channels)}, weights), statistics), parameters);
        REQUIRE(result);
        // As the model runs: inputs by the outer factors, on the static range, and back.
        const auto& factors = formOf<ColumnTransformed>(*result)->factors;
        const Grid grid = minifloatGrid(2, 1);
        const float unit = *std::ranges::max_element(statistics.channelMax) / grid.largest();
        auto rounded = tokens;
        for (std::size_t i = 0; i < rounded.size(); ++i)
            rounded[i] =
                grid.value(grid.nearest(rounded[i] * factors[i % channels] / unit)) * unit / factors[i % channels];
        return outputError(weights, valuesOf(*result), tokens, channels, &rounded);
    };
    const double plain = errorOf({{"bits", "8"}}); // weights hardly count
    for (std::size_t t = 0; t < tokens.size(); t += channels) tokens[t + 5] *= 8;
    for (std::size_t r = 0; r < weights.size(); r += channels) weights[r + 5] /= 8;
    const double shifted = errorOf({{"bits", "8"}}), single = errorOf({{"bits", "8"}, {"pre-shift", "false"}});
    CHECK(shifted < 1.25 * plain);
    CHECK(single > 2 * shifted);
}

TEST_CASE("LLM-FP4: finds rows that lie on a float's grid, and counts scales and shifts") {
    const std::size_t channels = 40;
    const auto tokens = normalValues(100 * channels, 51);
    const auto statistics = statisticsOf(tokens, channels);
    const Grid grid = minifloatGrid(2, 1);
    std::vector<float> weights;
    for (const float scale : {0.3F, 1.7F, 0.01F})
        for (std::size_t i = 0; i < channels; ++i)
            weights.push_back(scale * grid.ascending()[(i * 11) % grid.ascending().size()]);
    const auto method = makeLlmFp4();
    const auto weight = makeTensor({3, static_cast<std::int64_t>(channels)}, weights);
    const auto only = quantizedBy(*method, inputOf(weight, statistics), {{"activations", "0"}, {"rounds", "1"}});
    REQUIRE(only);
    CHECK(relativeErrorOf(weights, *only) < 1e-10);
    CHECK(storedBits(*only) == 3 * channels * 4 + 3 * 32);
    const auto both = quantizedBy(*method, inputOf(weight, statistics), {});
    REQUIRE(both);
    CHECK(storedBits(*both) == 3 * channels * 4 + 3 * 32 + channels * 2);
}
