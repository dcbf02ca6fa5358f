// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/trace_points.h"
#include "engine/quant/uniform_step.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

TEST_CASE("A short course is kept step by step, a long one as means of runs that add up to it") {
    const std::vector<double> few{4, 2, 1};
    const Trace kept = courseOf("Loss: block 1", "step", "loss", few);
    CHECK(kept.x == std::vector<double>{1, 2, 3});
    CHECK(kept.y == few);
    std::vector<double> many(1500);
    std::iota(many.begin(), many.end(), 1.0); // the value at step n is n, so means lie on the diagonal
    const Trace reduced = courseOf("Loss", "step", "loss", many);
    CHECK(reduced.y.size() == 500);
    CHECK(reduced.x == reduced.y);
    CHECK(reduced.yLabel == "loss, mean of 3 steps");
}

TEST_CASE("Ranks begin one by one, end at the last, and never come twice") {
    CHECK(drawnRanks(3) == std::vector<std::size_t>{0, 1, 2});
    for (const std::size_t count : {std::size_t{512}, std::size_t{513}, std::size_t{4096}, std::size_t{1000003}}) {
        const auto ranks = drawnRanks(count);
        CHECK(ranks.size() == 512);
        CHECK(ranks[1] == 1);
        CHECK(ranks.back() == count - 1);
        CHECK(std::ranges::adjacent_find(ranks, std::greater_equal<>()) == ranks.end());
    }
    const Trace ranked = rankedOf("Values", "rank", "value", {1, std::nan(""), 3, 2});
    CHECK(ranked.x == std::vector<double>{1, 2, 3});
    CHECK(ranked.y == std::vector<double>{3, 2, 1});
}

TEST_CASE("What the largest values hold is a share of the sum of magnitudes") {
    const std::vector<float> values{-6, 1, 2, 1}; // the largest holds 60 %, the two largest 80 %
    const Trace held = heldByLargest("Held", "x", "y", values);
    CHECK(held.x == std::vector<double>{25, 50, 75, 100});
    CHECK(held.y == std::vector<double>{60, 80, 90, 100});
    CHECK(heldByLargest("Held", "x", "y", std::vector<float>(8)).y.empty());
}

TEST_CASE("Decisions are counted by place, and against round to nearest") {
    RoundingDecisions decisions;
    CHECK(decisions.traces().empty());
    decisions.add(0.12F, false);
    decisions.add(0.13F, true); // away from the nearest
    decisions.add(0.98F, true);
    decisions.add(1.0F, true);
    const auto traces = decisions.traces();
    REQUIRE(traces.size() == 2);
    CHECK(traces[0].title == "Rounded up, by place between two levels: learned, 25.0 % against nearest");
    REQUIRE(traces[0].x.size() == 2);
    CHECK(traces[0].x[0] == Approx(0.125));
    CHECK(traces[0].x[1] == Approx(0.975));
    CHECK(traces[0].y == std::vector<double>{50, 100});
}

TEST_CASE("The error over ranges is what rounding on each makes, and the chosen steps lie below it") {
    TestRun run;
    const Grouping grouping{8, 64, 1, 32};
    const UniformGrid grid{3, true, ScaleType::F32};
    const auto matrix = normalValues(8 * 64, 5);
    const auto steps = fitSteps(matrix, {}, grouping, grid, {Clipping::Rule::MeanSquares}, run.context);
    REQUIRE(steps);
    std::vector<Trace> traces;
    REQUIRE(traceRanges(&traces, matrix, grouping, grid, *steps, run.context));
    REQUIRE(traces.size() == 2);
    REQUIRE(traces[0].x.size() == 17);
    // By definition, in double: the grid from -3 s to 3 s with 3 s = part * max|w| of the group.
    double squares = 0;
    for (const float w : matrix) squares += static_cast<double>(w) * static_cast<double>(w);
    for (const std::size_t at : {std::size_t{0}, std::size_t{8}, std::size_t{16}}) {
        double error = 0;
        for (std::size_t group = 0; group < 16; ++group) {
            double peak = 0;
            for (std::size_t i = 0; i < 32; ++i)
                peak = std::max(peak, std::abs(static_cast<double>(matrix[group * 32 + i])));
            const double step = peak * traces[0].x[at] / 3;
            for (std::size_t i = 0; i < 32; ++i) {
                const auto w = static_cast<double>(matrix[group * 32 + i]);
                const double off = w - step * std::clamp(std::nearbyint(w / step), -3.0, 3.0);
                error += off * off;
            }
        }
        CHECK(traces[0].y[at] == Approx(error / squares).epsilon(1e-4));
    }
    CHECK(traces[1].y[0] <= *std::ranges::min_element(traces[0].y));
    CHECK(traces[1].x[0] > 0.5);
    CHECK(traces[1].x[0] < 1);
    REQUIRE(traceRanges(nullptr, matrix, grouping, grid, *steps, run.context));
}
