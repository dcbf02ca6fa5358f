// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "plugins/data_free/methods.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <algorithm>
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

double meanDistance(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    return sum / static_cast<double>(a.size());
}

/// The squared error of rounding to c s - z s with c from 0 to `top`, in double.
double errorWithZero(const std::vector<float>& values, double scale, double zero, int top) {
    double sum = 0;
    for (const float w : values) {
        const double code =
            std::clamp(std::nearbyint(static_cast<double>(w) / scale + zero), 0.0, static_cast<double>(top));
        sum += std::pow(static_cast<double>(w) - (code - zero) * scale, 2);
    }
    return sum;
}

} // namespace

TEST_CASE("HQQ leaves a group that lies on its grid as it is", "[data-free]") {
    test::TestRun run;
    const std::vector<float> values{-1, -0.75F, -0.5F, -0.25F, 0, 0.25F, 0.5F, 0.75F};
    const auto method = makeHqq();
    for (const char* axis : {"input", "output"}) {
        const Shape shape = std::string(axis) == "input" ? Shape{1, 8} : Shape{8, 1};
        const auto weight = makeTensor(shape, values);
        const auto result =
            test::quantized(*method, inputOf(weight), std::string("hqq:bits=3,group=8,axis=") + axis, run);
        CHECK(test::valuesOf(result) == values);
        CHECK(storedBits(result) == 8 * 3 + 32);
    }
}

TEST_CASE("HQQ's zero point is near the best there is for its scale", "[data-free]") {
    test::TestRun run;
    const auto values =
        test::normalValues(64, 5, 0.02F); // small: the shrinkage leaves nothing over, errors count squared
    const auto weight = makeTensor({1, 64}, values);
    const auto found =
        test::valuesOf(test::quantized(*makeHqq(), inputOf(weight), "hqq:bits=2,group=64,iterations=50", run));
    const auto [low, high] = std::ranges::minmax(values);
    const double scale = static_cast<double>(high - low) / 3, start = -static_cast<double>(low) / scale;
    double best = 1e9;
    for (int i = -1000; i <= 1000; ++i) best = std::min(best, errorWithZero(values, scale, start + i * 1e-3, 3));
    CHECK(squaredError(values, found) <= 1.1 * best);
    CHECK(squaredError(values, found) <= errorWithZero(values, scale, start, 3));
}

TEST_CASE("HQQ's mean error is not above that of a range's own zero point, on any number of threads", "[data-free]") {
    test::TestRun run;
    const auto values = test::normalValues(64 * 96, 6, 0.5F);
    const auto weight = makeTensor({64, 96}, values);
    const auto still =
        test::valuesOf(test::quantized(*makeHqq(), inputOf(weight), "hqq:bits=3,group=32,iterations=0", run));
    const auto moved = test::valuesOf(test::quantized(*makeHqq(), inputOf(weight), "hqq:bits=3,group=32", run));
    CHECK(meanDistance(values, moved) < meanDistance(values, still));
    const ThreadLimit one(1);
    CHECK(test::valuesOf(test::quantized(*makeHqq(), inputOf(weight), "hqq:bits=3,group=32", run)) == moved);
}

TEST_CASE("EasyQuant keeps an outlier apart and rounds the rest as if it were not there", "[data-free]") {
    test::TestRun run;
    auto values = test::normalValues(4 * 100, 7);
    values[150] = 0;
    const auto without = test::valuesOf(
        test::quantized(*makeEasyQuant(), inputOf(makeTensor({4, 100}, values)), "easyquant:bits=4,outliers=0", run));
    values[150] = -100;
    const auto weight = makeTensor({4, 100}, values);
    const auto result =
        test::quantized(*makeEasyQuant(), inputOf(weight), "easyquant:bits=4,outliers=0.25", run); // 1 of 400
    const auto found = test::valuesOf(result);
    CHECK(found[150] == -100);
    for (std::size_t i = 0; i < values.size(); ++i)
        if (i != 150) CHECK(found[i] == without[i]);
    CHECK(storedBits(result) == 400 * 4 + 4 * 16 + 32 + 4 * 32);
}

TEST_CASE("EasyQuant leaves the error over ranges and what it chose", "[data-free]") {
    test::TestRun run;
    const auto values = test::normalValues(512, 12);
    QuantInput input = inputOf(makeTensor({2, 256}, values));
    std::vector<Trace> traces;
    input.traces = &traces;
    const auto found = test::valuesOf(test::quantized(*makeEasyQuant(), input, "easyquant:bits=3,outliers=0", run));
    double error = 0, squares = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        error += std::pow(static_cast<double>(values[i]) - static_cast<double>(found[i]), 2);
        squares += std::pow(static_cast<double>(values[i]), 2);
    }
    REQUIRE(traces.size() == 2);
    REQUIRE(traces[1].y.size() == 1);
    CHECK(traces[1].y[0] == Approx(error / squares).epsilon(1e-5));
    CHECK(traces[1].y[0] < traces[0].y[0]); // the whole range comes first
}

TEST_CASE("EasyQuant's range is as good as the best of a fine search", "[data-free]") {
    test::TestRun run;
    const auto values = test::normalValues(256, 8);
    for (const int bits : {2, 3, 4}) {
        const auto found = test::valuesOf(test::quantized(*makeEasyQuant(), inputOf(makeTensor({1, 256}, values)),
                                                          "easyquant:outliers=0,bits=" + std::to_string(bits), run));
        const double top = (1 << (bits - 1)) - 1;
        double largest = 0, best = 1e9;
        for (const float w : values) largest = std::max(largest, std::abs(static_cast<double>(w)));
        for (int i = 1; i <= 2000; ++i) {
            const double scale = largest / top * i / 2000;
            double sum = 0;
            for (const float w : values) {
                const double q = std::clamp(std::nearbyint(static_cast<double>(w) / scale), -top, top);
                sum += std::pow(static_cast<double>(w) - q * scale, 2);
            }
            best = std::min(best, sum);
        }
        CHECK(squaredError(values, found) <= 1.02 * best);
    }
}

TEST_CASE("FineQuant keeps whole rows of even range, and halves down to the least where one column stands out",
          "[data-free]") {
    test::TestRun run;
    std::vector<float> values(8 * 64);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? 1.0F : -1.0F;
    const auto even =
        makeFineQuant()->quantize(inputOf(makeTensor({8, 64}, values)),
                                  test::parametersFor(*makeFineQuant(), "finequant:smallest=8"), 0, run.context);
    REQUIRE(even);
    CHECK(storedBits(*even) == 8 * 64 * 4 + 8 * 16);
    CHECK(test::valuesOf(*even)[3] == Approx(-1).epsilon(1e-3));
    for (std::size_t row = 0; row < 8; ++row) values[row * 64 + 5] = 50;
    const auto fine =
        test::quantized(*makeFineQuant(), inputOf(makeTensor({8, 64}, values)), "finequant:smallest=8", run);
    CHECK(storedBits(fine) == 8 * 64 * 4 + 8 * 8 * 16); // what its outline says, too
    const auto rounded = test::quantized(*makeRoundToNearest(), inputOf(makeTensor({8, 64}, values)),
                                         "rtn:bits=4,group=8,scale=f16", run);
    CHECK(test::valuesOf(fine) == test::valuesOf(rounded));
}
