// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/level_fit.h"
#include "engine/quant/named_grids.h"
#include "tests/support/random_values.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

std::vector<Grid> everyGrid() {
    std::vector<Grid> grids{abnormalFloatGrid(),
                            bitsandbytesGrid(),
                            dynamicGrid(true),
                            dynamicGrid(false),
                            e8m0Grid(),
                            e4m3Grid(),
                            ue5m3Grid(),
                            minifloatGrid({5, 2, 15, SmallFloat::Special::Ieee}),
                            minifloatGrid({4, 3, 8, SmallFloat::Special::MinusZeroNan})};
    for (int bits = 2; bits <= 8; ++bits) {
        for (const auto range : {IntegerRange::Symmetric, IntegerRange::Full, IntegerRange::Unsigned})
            grids.push_back(integerGrid(bits, range));
        for (const int perOctave : {1, 2}) {
            if (bits == 8) continue; // their smallest are below single precision
            grids.push_back(powersGrid(bits, perOctave));
            grids.push_back(logGrid(bits, perOctave));
        }
        grids.push_back(additivePowersGrid(bits));
        grids.push_back(normalFloatGrid(bits));
        for (int fraction = 0; fraction <= bits - 2; ++fraction)
            grids.push_back(minifloatGrid(bits - 1 - fraction, fraction));
    }
    return grids;
}

/// Relative squared error of normal values in groups scaled to their largest magnitude.
double relativeError(const Grid& grid, std::size_t group, std::size_t groups = 4000) {
    const auto values = normalValues(group * groups, 7);
    double error = 0, energy = 0;
    for (std::size_t g = 0; g < groups; ++g) {
        float largest = 0;
        for (std::size_t i = 0; i < group; ++i) largest = std::max(largest, std::abs(values[g * group + i]));
        const float scale = largest / grid.largest();
        for (std::size_t i = 0; i < group; ++i) {
            const double w = static_cast<double>(values[g * group + i]);
            error +=
                std::pow(w - static_cast<double>(grid.value(grid.nearest(values[g * group + i] / scale)) * scale), 2);
            energy += w * w;
        }
    }
    return error / energy;
}

void expectMagnitudes(const Grid& grid, const std::vector<double>& meant, double margin = 2e-5) {
    std::vector<float> found;
    for (const float level : grid.ascending())
        if (level >= 0) found.push_back(level);
    REQUIRE(found.size() == meant.size());
    for (std::size_t i = 0; i < meant.size(); ++i)
        CHECK(static_cast<double>(found[i]) == Approx(meant[i]).margin(margin));
}

} // namespace

TEST_CASE("every grid takes the nearest level, its own levels are fixed points, and directions bracket") {
    for (const Grid& grid : everyGrid()) {
        INFO(grid.name());
        const bool logarithmic = grid.name().find("log") != std::string::npos;
        std::vector<float> numbers;
        for (const float level : grid.ascending()) {
            CHECK(grid.value(grid.nearest(level)) == level);
            for (const float factor : {0.6F, 0.97F, 1.02F, 1.3F, 1.5F}) numbers.push_back(level * factor);
        }
        for (const float x : normalValues(200, 11)) numbers.push_back(x * grid.largest() * 0.4F);
        for (const float x : numbers) {
            if (!std::isfinite(x)) continue;
            double best = std::numeric_limits<double>::infinity();
            for (const float level : grid.levels())
                if (std::isfinite(level))
                    best = std::min(best, std::abs(static_cast<double>(level) - static_cast<double>(x)));
            const float nearest = grid.value(grid.nearest(x)), below = grid.value(grid.below(x)),
                        above = grid.value(grid.above(x));
            if (!logarithmic && std::abs(static_cast<double>(nearest) - static_cast<double>(x)) >
                                    best + 3e-7 * static_cast<double>(std::abs(x)))
                FAIL("nearest to " << x << " is not " << nearest);
            CHECK((below <= x || below == grid.ascending().front()));
            CHECK((above >= x || above == grid.ascending().back()));
            CHECK(std::abs(grid.value(grid.towardsZero(x))) <=
                  std::max(std::abs(x), std::abs(grid.ascending().front())));
        }
    }
}

TEST_CASE("tables and closed forms round alike, at ties too") {
    int closed = 0;
    for (const Grid& grid : everyGrid()) {
        if (std::holds_alternative<std::monostate>(grid.closedForm())) continue;
        INFO(grid.name());
        ++closed;
        std::vector<float> numbers{0.0F, grid.largest() * 3, -grid.largest() * 3};
        const auto levels = grid.ascending();
        for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
            // Half-way where that is a number in single precision whose double is exact; and just beside it.
            const float middle = (levels[i] + levels[i + 1]) / 2;
            if (grid.name().find("log") == std::string::npos && grid.name().find("POST") == std::string::npos)
                numbers.push_back(middle);
            numbers.push_back(middle + (levels[i + 1] - levels[i]) * 1e-3F);
            numbers.push_back(middle - (levels[i + 1] - levels[i]) * 1e-3F);
            numbers.push_back(levels[i]);
        }
        for (const float x : normalValues(2000, 3)) numbers.push_back(x * grid.largest() * 0.3F);
        for (const float x : numbers)
            if (grid.rounded(x) != grid.value(grid.nearest(x)))
                FAIL(x << " becomes " << grid.rounded(x) << " and by the table " << grid.value(grid.nearest(x)));
    }
    CHECK(closed > 60);
}

TEST_CASE("grids have the levels of their papers") {
    expectMagnitudes(minifloatGrid(2, 1), {0, .5, 1, 1.5, 2, 3, 4, 6});
    expectMagnitudes(minifloatGrid(3, 0), {0, .25, .5, 1, 2, 4, 8, 16});
    expectMagnitudes(minifloatGrid(1, 2), {0, .5, 1, 1.5, 2, 2.5, 3, 3.5});
    CHECK(minifloatGrid(4, 3).largest() == 480);
    CHECK(e4m3Grid().largest() == 448);
    CHECK(minifloatGrid({5, 2, 15, SmallFloat::Special::Ieee}).largest() == 57344);
    CHECK(ue5m3Grid().largest() == 122880);
    CHECK(ue5m3Grid().ascending()[1] == 0x1p-17F);
    expectMagnitudes(bitsandbytesGrid(), {0, 1.0 / 192, 1.0 / 6, .25, 1.0 / 3, .5, 2.0 / 3, 1});
    expectMagnitudes(normalFloatGrid(4), {0, .07958, .16093, .24611, .33792, .44071, .56262, .72296, 1});
    CHECK(normalFloatGrid(4).ascending()[1] == Approx(-.69619).margin(1e-5));
    CHECK(normalFloatGrid(4).ascending()[6] == Approx(-.09105).margin(1e-5));
    expectMagnitudes(normalFloatGrid(2), {0, .3379, 1}, 5e-5);
    expectMagnitudes(normalFloatGrid(3), {0, .1609, .3379, .5626, 1}, 5e-5);
    expectMagnitudes(additivePowersGrid(3), {0, .25, .5, 1});
    expectMagnitudes(additivePowersGrid(4), {0, .1, .2, .3, .4, .6, .8, 1});
    expectMagnitudes(additivePowersGrid(5), {0, .02083, .04167, .0625, .08333, .125, .16667, .1875, .25, .33333, .375,
                                             .5, .66667, .6875, .75, 1});
    expectMagnitudes(powersGrid(4, 1), {0, 1.0 / 64, 1.0 / 32, 1.0 / 16, .125, .25, .5, 1});
    const auto post = powersGrid(4, 2);
    for (std::size_t i = 9; i < post.ascending().size(); ++i)
        CHECK(static_cast<double>(post.ascending()[i] / post.ascending()[i - 1]) == Approx(std::sqrt(2.0)));
    const auto dynamic = dynamicGrid(true), positive = dynamicGrid(false);
    CHECK(std::set<float>(dynamic.ascending().begin(), dynamic.ascending().end()).size() == 256);
    CHECK(std::set<float>(positive.ascending().begin(), positive.ascending().end()).size() == 256);
    CHECK(dynamic.ascending().back() == 1);
    CHECK(dynamic.ascending().front() == Approx(-.99297).margin(1e-5));
    CHECK(positive.ascending()[1] == Approx(3.25e-7));
}

TEST_CASE("errors on normal values are those that were computed independently") {
    struct Known {
        Grid grid;
        double at32, at128;
    };
    // Relative mean squares on N(0, 1), scaled to the largest magnitude, from another program on other samples.
    const std::vector<Known> known{{integerGrid(4, IntegerRange::Symmetric), .00943, .01377},
                                   {minifloatGrid(2, 1), .01027, .01184},
                                   {minifloatGrid(3, 0), .0328, .0373},
                                   {powersGrid(4, 1), .0328, .0373},
                                   {normalFloatGrid(4), .00764, .00908},
                                   {powersGrid(4, 2), .00992, .01214},
                                   {additivePowersGrid(4), .00886, .01147},
                                   {integerGrid(3, IntegerRange::Symmetric), .0514, .0741}};
    for (const Known& row : known) {
        INFO(row.grid.name());
        CHECK(relativeError(row.grid, 32) == Approx(row.at32).epsilon(0.03));
        CHECK(relativeError(row.grid, 128, 6000) == Approx(row.at128).epsilon(0.03));
    }
}

TEST_CASE("logarithmic grids round the logarithm") {
    const Grid pot = powersGrid(4, 1, Grid::Border::Geometric);
    CHECK(pot.value(pot.nearest(.72F)) == 1);   // log2 is -0.474, nearer to 0, though 0.72 is nearer to 0.5 than to 1
    CHECK(pot.value(pot.nearest(.70F)) == .5F); // -0.515
    const Grid log = logGrid(3, 1);
    for (int q = 0; q < 7; ++q) CHECK(log.nearest(std::exp2(-static_cast<float>(q) + 0.4F)) == q);
    CHECK(log.value(log.nearest(std::exp2(-6.6F))) == 0);
    const Grid half = logGrid(4, 2);
    CHECK(static_cast<double>(half.value(3)) == Approx(std::exp2(-1.5)));
}

TEST_CASE("stochastic rounding has the number as its mean inside the levels") {
    const Grid grid = minifloatGrid(2, 1);
    for (const float x : {0.1F, -0.7F, 2.2F, 5.9F, -3.5F}) {
        double sum = 0;
        for (int i = 0; i < 1000; ++i) sum += static_cast<double>(grid.value(grid.stochastic(x, (i + 0.5) / 1000)));
        CHECK(sum / 1000 == Approx(static_cast<double>(x)).margin(2e-3));
    }
    CHECK(grid.value(grid.stochastic(9, 0.5)) == 6);
    CHECK(grid.value(grid.stochastic(-9, 0.5)) == -6);
    CHECK(grid.value(grid.stochastic(4, 0.0)) == 4);
}

TEST_CASE("floats with one bit of exponent are integers") {
    for (int bits = 3; bits <= 8; ++bits) {
        const Grid small = minifloatGrid(1, bits - 2), whole = integerGrid(bits, IntegerRange::Symmetric);
        const float unit = small.ascending()[small.ascending().size() / 2 + 1];
        REQUIRE(small.ascending().size() == whole.ascending().size());
        for (std::size_t i = 0; i < whole.ascending().size(); ++i)
            CHECK(small.ascending()[i] == whole.ascending()[i] * unit);
    }
}

TEST_CASE("optimal levels are those of an exhaustive search") {
    const std::vector<float> values{-3, -2.5F, 0, 0.25F, 1, 4, 4.5F, 9}, weights{1, 2, 1, 4, 1, 1, 3, 0.5F};
    const auto costOf = [&](std::size_t begin, std::size_t end) {
        double w = 0, sum = 0, squares = 0;
        for (std::size_t i = begin; i < end; ++i) {
            const double x = static_cast<double>(values[i]), weight = static_cast<double>(weights[i]);
            w += weight, sum += weight * x, squares += weight * x * x;
        }
        return squares - sum * sum / w;
    };
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t a = 1; a < 7; ++a)
        for (std::size_t b = a + 1; b < 8; ++b) best = std::min(best, costOf(0, a) + costOf(a, b) + costOf(b, 8));
    const auto levels = optimalLevels(values, weights, 3);
    REQUIRE(levels.size() == 3);
    double error = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        double nearest = std::numeric_limits<double>::infinity();
        for (const float level : levels)
            nearest = std::min(nearest, std::pow(static_cast<double>(values[i]) - static_cast<double>(level), 2));
        error += nearest * static_cast<double>(weights[i]);
    }
    CHECK(error == Approx(best));
    CHECK(optimalLevels(values, {}, 16).size() == 8);
    CHECK(optimalLevels({}, {}, 4) == std::vector<float>{0});
}

TEST_CASE("the error of a group follows from its sorted values as from the definition") {
    const auto values = normalValues(300, 5), other = normalValues(300, 6);
    std::vector<float> weights;
    for (const float x : other) weights.push_back(x * x);
    const GroupError group(values, weights);
    for (const Grid& grid : {minifloatGrid(2, 1), normalFloatGrid(3), integerGrid(8, IntegerRange::Full)})
        for (const float scale : {0.01F, 0.3F, 2.0F}) {
            double meant = 0;
            for (std::size_t i = 0; i < values.size(); ++i)
                meant += static_cast<double>(weights[i]) *
                         std::pow(static_cast<double>(values[i]) -
                                      static_cast<double>(grid.value(grid.nearest(values[i] / scale))) *
                                          static_cast<double>(scale),
                                  2);
            CHECK(group.of(grid, scale) == Approx(meant).epsilon(1e-5));
        }
    // Values on a scaled grid: the search finds them without error, whatever its candidates.
    const Grid e2m1 = minifloatGrid(2, 1);
    std::vector<float> exact;
    for (const float level : e2m1.ascending()) exact.push_back(level * 0.75F);
    const auto found = fitScale(GroupError(exact), e2m1, {0.4, 1.1, 7}, ScaleType::F16);
    CHECK(found.scale == 0.75F);
    CHECK(found.error == Approx(0).margin(1e-12));
}
