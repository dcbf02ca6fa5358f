// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/taps/quantize_activations.h"
#include "engine/quant/forms.h"
#include "plugins/outliers/kept_columns.h"
#include "plugins/outliers/outlier_methods.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeLlmInt8();

double squaresBetween(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i] - b[i]), 2);
    return sum;
}

} // namespace

TEST_CASE("LLM.int8() leaves outlying channels of the inputs alone and rounds the others as if those were not there",
          "[outliers]") {
    const auto what = kMethod->activations(test::parametersFor(*kMethod, "llm_int8"), nullptr);
    REQUIRE(what);
    CHECK(what->linearInputs);
    constexpr std::size_t tokens = 16, channels = 10;
    auto x = test::normalValues(tokens * channels, 3);
    for (std::size_t t = 0; t < tokens; ++t) x[t * channels + 4] *= 100; // some of its entries stay below 6
    std::vector<float> rounded = x;
    nn::roundActivations(rounded, channels, what->inputGrid, nullptr);
    for (std::size_t t = 0; t < tokens; ++t) {
        double largest = 0;
        for (std::size_t c = 0; c < channels; ++c)
            if (c != 4) largest = std::max(largest, static_cast<double>(std::abs(x[t * channels + c])));
        const double scale = largest / 127;
        for (std::size_t c = 0; c < channels; ++c) {
            const double exact = static_cast<double>(x[t * channels + c]);
            if (c == 4)
                CHECK(rounded[t * channels + c] == x[t * channels + c]);
            else
                CHECK(static_cast<double>(rounded[t * channels + c]) ==
                      Approx(std::nearbyint(exact / scale) * scale).margin(1e-6));
        }
    }
    // Above every value the threshold changes nothing, and the outlier spoils the others.
    auto plain = x, high = x;
    nn::roundActivations(plain, channels, {8, true, ActivationScope::Token, 0}, nullptr);
    nn::roundActivations(
        high, channels,
        kMethod->activations(test::parametersFor(*kMethod, "llm_int8:threshold=1000"), nullptr)->inputGrid, nullptr);
    CHECK(plain == high);
    CHECK(squaresBetween(x, rounded) * 100 < squaresBetween(x, plain));
}

TEST_CASE("LLM.int8() has a scale per row over the columns that it does not keep, and counts those it keeps",
          "[outliers]") {
    test::TestRun run;
    constexpr std::int64_t rows = 5, columns = 12;
    auto values = test::normalValues(rows * columns, 9);
    for (std::size_t row = 0; row < rows; ++row) values[row * columns + 7] *= 50;
    const TensorView weight = makeTensor({rows, columns}, values);
    const auto plain = test::quantized(*kMethod, inputOf(weight), "llm_int8", run);
    CHECK(storedBits(plain) == rows * columns * 8 + rows * 32);
    REQUIRE(std::holds_alternative<GridCodes>(plain.codes));

    InputStatistics seen;
    seen.channelMax.assign(columns, 1);
    seen.channelMax[7] = 6; // the threshold itself
    seen.channelMax[0] = 40;
    QuantInput input = inputOf(weight);
    input.subject.hasCalibration = true;
    input.calibration = &seen;
    const auto result =
        kMethod->quantize(input, test::parametersFor(*kMethod, "llm_int8:columns16=true"), 0, run.context);
    REQUIRE(result);
    CHECK(storedBits(*result) == rows * columns * 8 + rows * 32 + 2 * (16 * rows + 32));
    const auto found = test::valuesOf(*result);
    for (std::size_t row = 0; row < rows; ++row) {
        double largest = 0;
        for (std::size_t c = 0; c < columns; ++c)
            if (c != 7 && c != 0) largest = std::max(largest, static_cast<double>(std::abs(values[row * columns + c])));
        for (std::size_t c = 0; c < columns; ++c) {
            const float w = values[row * columns + c];
            const double error = std::abs(static_cast<double>(found[row * columns + c] - w));
            if (c == 7 || c == 0)
                CHECK(error <= std::abs(static_cast<double>(w)) * 0x1p-11);
            else
                CHECK(error <= largest / 127 / 2 * 1.0001);
        }
    }
    for (std::int64_t first = 0; first < rows * columns; ++first) // any part of it is the same
        for (const std::int64_t count : {1, 3, 12, 20}) {
            if (first + count > rows * columns) continue;
            std::vector<float> part(static_cast<std::size_t>(count));
            REQUIRE(dequantize(*result, first, part));
            CHECK(std::equal(part.begin(), part.end(), found.begin() + first));
        }
    const auto without = test::quantized(*kMethod, input, "llm_int8", run);
    CHECK(test::valuesOf(without) == test::valuesOf(plain));
}
