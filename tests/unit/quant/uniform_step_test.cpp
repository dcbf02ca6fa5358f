// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/step_error.h"
#include "engine/quant/uniform_step.h"

#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// Gaussian values with one that sticks out.
std::vector<float> values(std::size_t count, float outlier) {
    auto drawn = test::normalValues(count, 3);
    if (outlier != 0) drawn[count / 2] = outlier;
    return drawn;
}

double squares(std::span<const float> x, const UniformStep& step) {
    double sum = 0;
    for (const float value : x) sum += std::pow(static_cast<double>(value) - static_cast<double>(step.rounded(value)), 2);
    return sum;
}

} // namespace

TEST_CASE("a step covers its range, holds zero and rounds to the nearest level", "[quant]") {
    const auto x = values(64, 0);
    for (const bool symmetric : {true, false})
        for (const int bits : {2, 3, 4, 8}) {
            const UniformStep step = fitStep(x, {}, {bits, symmetric, ScaleType::F32});
            CHECK(step.rounded(0) == 0);
            for (const float value : x) {
                float best = INFINITY; // over all levels
                for (float code = step.least; code <= step.most; ++code) best = std::min(best, std::abs(value - step.value(code)));
                CHECK(std::abs(value - step.rounded(value)) <= best * 1.0001F + 1e-6F);
            }
        }
}

TEST_CASE("a range searched by squares is the best of those tried and beats the largest value's", "[quant]") {
    const auto x = values(512, 9);
    const UniformGrid grid{4, true, ScaleType::F32};
    const UniformStep searched = fitStep(x, {}, grid, {Clipping::Rule::MeanSquares});
    double best = INFINITY;
    for (int i = 0; i < 80; ++i) {
        const float reach = 9.0F * (1.0F - static_cast<float>(i) / 100);
        best = std::min(best, squares(x, UniformStep::covering(-reach, reach, 4, true)));
    }
    CHECK(squares(x, searched) == Approx(best).epsilon(1e-6));
    CHECK(squares(x, searched) < 0.6 * squares(x, fitStep(x, {}, grid)));
}

TEST_CASE("the error of a step is its definition, for every power, with weights and without", "[quant]") {
    const auto x = values(1003, 40); // no whole number of lanes
    std::vector<float> weights;
    for (std::size_t i = 0; i < x.size(); ++i) weights.push_back(0.25F + static_cast<float>(i % 7));
    const float unit = 1 / 40.0F;
    for (const bool symmetric : {true, false})
        for (const float part : {1.0F, 0.4F, 0.01F})
            for (const double power : {1.0, 2.0, 2.4, 4.0}) {
                const UniformStep step = UniformStep::covering(-40 * part, 40 * part, 3, symmetric);
                double plain = 0, weighted = 0;
                for (std::size_t i = 0; i < x.size(); ++i) {
                    const double distance = std::abs(static_cast<double>(x[i]) - static_cast<double>(step.rounded(x[i])));
                    plain += std::pow(distance / 40, power);
                    weighted += std::pow(distance / 40, power) * static_cast<double>(weights[i]);
                }
                CHECK(stepError(x, {}, step, power, unit) == Approx(plain).epsilon(0x1p-17));
                CHECK(stepError(x, weights, step, power, unit) == Approx(weighted).epsilon(0x1p-17));
            }
    const std::vector<float> far{3, -2};
    CHECK(stepError(far, {}, UniformStep{0, 5, 0, 15}, 2, 1) == 13); // no scale: everything becomes 0
    CHECK(stepError({}, {}, UniformStep{1, 0, -1, 1}, 2.4, 1) == 0);
}

TEST_CASE("weights decide what a searched range gives up", "[quant]") {
    auto x = values(256, 6);
    std::vector<float> weights(x.size(), 1);
    weights[x.size() / 2] = 1e6F;
    const UniformGrid grid{3, true, ScaleType::F32};
    const UniformStep plain = fitStep(x, {}, grid, {Clipping::Rule::MeanSquares});
    const UniformStep weighted = fitStep(x, weights, grid, {Clipping::Rule::MeanSquares});
    CHECK(std::abs(plain.rounded(6) - 6) > 1);
    CHECK(std::abs(weighted.rounded(6) - 6) < 0.3F);
}

TEST_CASE("percentile and entropy cut off what sticks out", "[quant]") {
    const auto x = values(2000, 40);
    const UniformGrid grid{8, true, ScaleType::F32};
    const float reach = fitStep(x, {}, grid).scale * 127;
    CHECK(reach == Approx(40));
    Clipping percentile{Clipping::Rule::Percentile};
    percentile.percentile = 99;
    CHECK(fitStep(x, {}, grid, percentile).scale * 127 == Approx(2.6).epsilon(0.1)); // of |N(0, 1)|
    Clipping entropy{Clipping::Rule::Entropy};
    entropy.candidates = 100;
    CHECK(fitStep(x, {}, grid, entropy).scale * 127 < 20);
}

TEST_CASE("steps of groups are those of their elements", "[quant]") {
    const auto x = values(6 * 10, 5);
    const Grouping grouping{6, 10, 2, 4};
    const UniformGrid grid{4, false, ScaleType::F16};
    test::TestRun run;
    const auto steps = fitSteps(x, {}, grouping, grid, {}, run.context);
    REQUIRE(steps);
    REQUIRE(steps->size() == 9);
    const auto rounded = roundToSteps(x, grouping, grid, *steps);
    for (std::int64_t row = 0; row < 6; ++row)
        for (std::int64_t column = 0; column < 10; ++column) {
            std::vector<float> group;
            for (std::int64_t r = row / 2 * 2; r < row / 2 * 2 + 2; ++r)
                for (std::int64_t c = column / 4 * 4; c < std::min<std::int64_t>(10, column / 4 * 4 + 4); ++c)
                    group.push_back(x[static_cast<std::size_t>(r * 10 + c)]);
            const UniformStep alone = fitStep(group, {}, grid);
            const auto element = static_cast<std::size_t>(row * 10 + column);
            CHECK(rounded.codes[element] == static_cast<std::uint8_t>(alone.code(x[element])));
            CHECK(rounded.scales[static_cast<std::size_t>(grouping.indexOf(row, column))] == alone.scale);
        }
}
