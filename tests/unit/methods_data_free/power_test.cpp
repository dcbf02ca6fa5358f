// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/power_levels.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// PowerQuant by its definition, in double: the error of one row.
double errorOf(const std::vector<float>& values, double exponent, int top) {
    double largest = 0, sum = 0;
    for (const float w : values) largest = std::max(largest, std::abs(static_cast<double>(w)));
    for (const float w : values) {
        const double u = std::pow(std::abs(static_cast<double>(w)) / largest, exponent);
        const double level = std::pow(std::nearbyint(u * top) / top, 1 / exponent) * largest;
        sum += std::pow(std::abs(static_cast<double>(w)) - level, 2);
    }
    return sum;
}

double squaredError(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    return sum;
}

} // namespace

TEST_CASE("Levels of a square root are squares, and slopes are the levels' derivative", "[data-free]") {
    const PowerLevels half{4, 0.5F, false};
    const auto table = half.table();
    REQUIRE(table.size() == 16);
    for (int q = -7; q <= 7; ++q)
        CHECK(table[static_cast<std::size_t>(q + 7)] == Approx(std::copysign(q * q / 49.0, q)));
    CHECK(table[15] == table[14]);
    CHECK(half.borders()[2] == Approx(2.5 * 2.5 / 49));
    CHECK(PowerLevels{4, 0.5F, true}.borders()[2] == Approx((4 + 9) / 2.0 / 49));
    const auto slopes = half.slopes(), more = PowerLevels{4, 0.501F, false}.table();
    for (std::size_t code = 0; code < 16; ++code)
        CHECK(slopes[code] == Approx((more[code] - table[code]) / 0.001F).epsilon(0.01).margin(1e-3));
}

TEST_CASE("PowerQuant with the exponent 1 is a uniform grid", "[data-free]") {
    test::TestRun run;
    auto values = test::normalValues(64, 9);
    values[10] = 3.5F; // the largest, which half precision holds
    for (float& w : values) w = std::clamp(w, -3.4F, 3.5F);
    values[10] = 3.5F;
    const auto result =
        test::quantized(*makePowerQuant(), inputOf(makeTensor({1, 64}, values)), "powerquant:exponent=1", run);
    const auto found = test::valuesOf(result);
    for (std::size_t i = 0; i < values.size(); ++i)
        CHECK(found[i] == Approx(std::rint(values[i] * 2) / 2).margin(1e-6));
    CHECK(storedBits(result) == 64 * 4 + 32 + 16);
    CHECK_FALSE(makePowerQuant()->outline(Subject{Shape{1, 64}},
                                          test::parametersFor(*makePowerQuant(), "powerquant:exponent=0.01")));
}

TEST_CASE("PowerQuant finds the exponent of least error, below 1 for a bell curve and near 1 for a flat one",
          "[data-free]") {
    test::TestRun run;
    auto bell = test::normalValues(1024, 10);
    bell[0] = 4;
    QuantInput input = inputOf(makeTensor({1, 1024}, bell));
    std::vector<Trace> traces;
    input.traces = &traces;
    const auto found = test::valuesOf(test::quantized(*makePowerQuant(), input, "powerquant", run));
    double best = 1e9, at = 0;
    for (int i = 20; i <= 200; ++i)
        if (const double error = errorOf(bell, i * 0.01, 7); error < best) best = error, at = i * 0.01;
    CHECK(squaredError(bell, found) <= best * 1.001);
    CHECK(squaredError(bell, found) < 0.95 * errorOf(bell, 1, 7));
    CHECK(at < 0.95);
    REQUIRE(traces.size() == 2); // the error over exponents, and the choice
    double squares = 0;
    for (const float w : bell) squares += static_cast<double>(w) * static_cast<double>(w);
    CHECK(traces[0].x[18] == Approx(1));
    CHECK(traces[0].y[18] == Approx(errorOf(bell, 1, 7) / squares).epsilon(1e-3));
    CHECK(traces[1].x[0] == Approx(at).margin(0.03));
    CHECK(traces[1].y[0] == Approx(squaredError(bell, found) / squares).epsilon(1e-3));

    std::vector<float> flat, ones(2001, 1);
    for (int i = 0; i <= 2000; ++i) flat.push_back(static_cast<float>(i) / 2000);
    const auto error = PowerError::measure(flat, ones, run.context);
    REQUIRE(error);
    CHECK(error->bestExponent({4, 1, false}) == Approx(1).margin(0.06));
    CHECK(error->of({4, 0.7F, false}) == Approx(errorOf(flat, static_cast<double>(0.7F), 7)).epsilon(1e-3));
}

TEST_CASE("PowerQuant treats both signs alike on any number of threads", "[data-free]") {
    test::TestRun run;
    auto values = test::normalValues(40 * 32, 11);
    const auto found = test::valuesOf(
        test::quantized(*makePowerQuant(), inputOf(makeTensor({40, 32}, values)), "powerquant:bits=3,group=16", run));
    for (float& w : values) w = -w;
    const ThreadLimit one(1);
    auto mirrored = test::valuesOf(
        test::quantized(*makePowerQuant(), inputOf(makeTensor({40, 32}, values)), "powerquant:bits=3,group=16", run));
    for (float& w : mirrored) w = -w;
    CHECK(mirrored == found);
}
