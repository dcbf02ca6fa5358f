// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/optimize/minimize.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine::optimize;

namespace {

/// Rosenbrock's valley: 0 at (1, 1).
Result<double> valley(std::span<const double> x, std::span<double> gradient) {
    const double across = x[1] - x[0] * x[0];
    if (!gradient.empty()) {
        gradient[0] = -400 * x[0] * across - 2 * (1 - x[0]);
        gradient[1] = 200 * across;
    }
    return 100 * across * across + (1 - x[0]) * (1 - x[0]);
}

/// Many local minima; 0 at (0.3, 0.3).
Result<double> eggBox(std::span<const double> x, std::span<double>) {
    double sum = 0;
    for (const double value : x) {
        const double d = value - 0.3;
        sum += d * d + 0.5 * (1 - std::cos(12 * d));
    }
    return sum;
}

} // namespace

TEST_CASE("L-BFGS follows a valley to its end") {
    test::TestRun run;
    const auto minimum = minimize({valley, {-1.2, 1}}, {}, run.context);
    REQUIRE(minimum);
    CHECK(minimum->converged);
    CHECK(minimum->value < 1e-10);
    CHECK(minimum->at[0] == Approx(1).epsilon(1e-4));
    CHECK(minimum->evaluations < 100);
}

TEST_CASE("Bounds hold where the minimum lies outside of them") {
    test::TestRun run;
    for (const Algorithm algorithm : {Algorithm::Lbfgs, Algorithm::Cobyla}) {
        const Objective bowl{[](std::span<const double> x, std::span<double> gradient) -> Result<double> {
                                 if (!gradient.empty()) {
                                     gradient[0] = 2 * (x[0] - 3);
                                     gradient[1] = 2 * (x[1] + 1);
                                 }
                                 return (x[0] - 3) * (x[0] - 3) + (x[1] + 1) * (x[1] + 1);
                             },
                             {0, 0},
                             {-2, -2},
                             {2, 2}};
        const auto minimum = minimize(bowl, {algorithm}, run.context);
        REQUIRE(minimum);
        CHECK(minimum->at[0] == Approx(2).epsilon(1e-4));
        CHECK(minimum->at[1] == Approx(-1).epsilon(1e-4));
    }
}

TEST_CASE("COBYLA needs no gradients") {
    test::TestRun run;
    MinimizeOptions options{Algorithm::Cobyla, 5000};
    options.initialStep = 0.5;
    const auto minimum = minimize({eggBox, {0.35, 0.2}}, options, run.context);
    REQUIRE(minimum);
    CHECK(minimum->value < 1e-6);
}

TEST_CASE("DIRECT finds the deepest of many minima") {
    test::TestRun run;
    const auto minimum = minimize({eggBox, {-2, 2}, {-3, -3}, {4, 5}}, {Algorithm::Direct, 2000}, run.context);
    REQUIRE(minimum);
    CHECK(minimum->value < 1e-3);
    CHECK(minimum->evaluations <= 2000);
}

TEST_CASE("The evaluation limit ends a search that has not converged") {
    test::TestRun run;
    MinimizeOptions options;
    options.evaluations = 5;
    const auto minimum = minimize({valley, {-1.2, 1}}, options, run.context);
    REQUIRE(minimum);
    CHECK_FALSE(minimum->converged);
    CHECK(minimum->evaluations == 5);
    CHECK(minimum->value < 24.2); // than at the start
}

TEST_CASE("Errors of the objective, wrong bounds and a stop come out of a search") {
    test::TestRun run;
    const auto failing = [](std::span<const double>, std::span<double>) -> Result<double> {
        return fail(ErrorCode::Io, "the disk is gone");
    };
    CHECK(minimize({failing, {0}}, {}, run.context).error().message == "the disk is gone");
    const auto nowhere = [](std::span<const double>, std::span<double>) -> Result<double> {
        return std::numeric_limits<double>::quiet_NaN();
    };
    CHECK(minimize({nowhere, {0}}, {Algorithm::Cobyla}, run.context).error().code == ErrorCode::OutOfRange);
    CHECK(minimize({valley, {0, 0}, {1, 1}, {2, 2}}, {}, run.context).error().code == ErrorCode::OutOfRange);
    CHECK(minimize({valley, {0, 0}, {1}}, {}, run.context).error().code == ErrorCode::OutOfRange);
    CHECK(minimize({valley, {0, 0}}, {Algorithm::Direct}, run.context).error().code == ErrorCode::OutOfRange);
    CHECK(minimize({valley, {}}, {}, run.context).error().code == ErrorCode::OutOfRange);
    int evaluations = 0;
    const auto stopping = [&](std::span<const double> x, std::span<double> gradient) {
        if (++evaluations == 3) run.stop.request_stop();
        return valley(x, gradient);
    };
    const auto stopped = minimize({stopping, {-1.2, 1}}, {}, run.context);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == ErrorCode::Cancelled);
    CHECK(evaluations == 3);
}
