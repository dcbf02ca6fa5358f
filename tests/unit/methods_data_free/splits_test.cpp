// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "plugins/data_free/methods.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

double squaredError(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    return sum;
}

} // namespace

TEST_CASE("SplitQuant gives back three clusters of as many values as a part has levels", "[data-free]") {
    test::TestRun run;
    std::vector<float> values;
    for (const float centre : {-64.0F, 2.0F, 128.0F})
        for (const float step : {0.0F, 0.5F, 1.0F, 1.5F})
            values.push_back(centre + step * (centre > 100 ? 2.0F : 1.0F));
    const auto result =
        test::quantized(*makeSplitQuant(), inputOf(makeTensor({3, 4}, values)), "splitquant:bits=2", run);
    CHECK(test::valuesOf(result) == values);
    CHECK(storedBits(result) == 12 * (2 + 2) + 3 * 32);
    const auto zero =
        test::quantized(*makeSplitQuant(), inputOf(makeTensor({3, 4}, values)), "splitquant:bits=2,range=zero", run);
    CHECK(storedBits(zero) == 12 * (2 + 2) + 3 * (16 + 2));
    CHECK(squaredError(values, test::valuesOf(zero)) > 1); // ranges from 0 are too wide for them
}

TEST_CASE("SplitQuant with outliers beats one grid of as many bits for the tensor", "[data-free]") {
    test::TestRun run;
    auto values = test::normalValues(64 * 64, 12);
    for (std::size_t i = 0; i < values.size(); i += 97) values[i] *= 30;
    const auto weight = makeTensor({64, 64}, values);
    for (const char* range : {"cluster", "zero"}) {
        const auto split = test::valuesOf(
            test::quantized(*makeSplitQuant(), inputOf(weight), std::string("splitquant:bits=4,range=") + range, run));
        const auto single = test::valuesOf(test::quantized(
            *makeRoundToNearest(), inputOf(weight), "rtn:bits=4,granularity=tensor,symmetric=false,scale=f16", run));
        CHECK(squaredError(values, split) < 0.5 * squaredError(values, single));
    }
}

TEST_CASE("Double rounding gives multiples of the step exactly and clips the last eight codes", "[data-free]") {
    test::TestRun run;
    // The largest magnitude is 127: the stored scale is 1.
    const std::vector<float> values{127, 120, 119, 112, 16, -16, -96, 0, 8, 24, -8, 23.4F};
    const auto weight = makeTensor({1, 12}, values);
    const auto result =
        test::quantized(*makeDoubleRounding(), inputOf(weight), "double_rounding:bits=4,range=largest", run);
    // 120 / 16 is 7.5, to 8, clipped to 7; 8 / 16 and -8 / 16 go to the even 0; 24 / 16 to 2; 23.4 to 23, then to 1.
    CHECK(test::valuesOf(result) == std::vector<float>{112, 112, 112, 112, 16, -16, -96, 0, 0, 32, 0, 16});
    CHECK(storedBits(result) == 12 * 4 + 16 + 4);
    const auto cut = test::quantized(*makeDoubleRounding(), inputOf(weight),
                                     "double_rounding:bits=4,range=largest,rounding=truncate", run);
    CHECK(test::valuesOf(cut) == std::vector<float>{112, 112, 112, 112, 16, -16, -96, 0, 0, 16, -16, 16});
    const auto whole =
        test::quantized(*makeDoubleRounding(), inputOf(weight), "double_rounding:bits=8,range=largest", run);
    CHECK(test::valuesOf(whole)[11] == 23);
    CHECK_FALSE(makeDoubleRounding()->outline(
        Subject{Shape{1, 12}}, test::parametersFor(*makeDoubleRounding(), "double_rounding:stored=3,lowest=2,bits=4")));
}

TEST_CASE(
    "Double rounding errs by half a step of each width at most, little more than one rounding, far less than a cut",
    "[data-free]") {
    test::TestRun run;
    const auto values = test::normalValues(4096, 13);
    const auto weight = makeTensor({1, 4096}, values);
    const auto of = [&](const std::string& text) {
        return test::valuesOf(
            test::quantized(*makeDoubleRounding(), inputOf(weight), "double_rounding:bits=4," + text, run));
    };
    const auto loose = of("range=largest");
    float largest = 0;
    for (const float w : values) largest = std::max(largest, std::abs(w));
    const float scale = roundedTo(ScaleType::F16, largest / 127);
    for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] < 119 * scale) CHECK(std::abs(loose[i] - values[i]) <= scale * 8.51F);
    const double twice = squaredError(values, of("range=fitted")),
                 once = squaredError(values, of("range=fitted,stored=4"));
    CHECK(twice < 1.1 * once);
    CHECK(twice < squaredError(values, loose));
    CHECK(squaredError(values, of("range=fitted,rounding=truncate")) > 1.5 * twice);
}
