// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "plugins/extreme/extreme_methods.h"
#include "plugins/extreme/pvq_method.h"
#include "plugins/extreme/pyramid.h"
#include "tests/unit/methods_extreme/extreme_runs.h"

#include <cstdlib>
#include <functional>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makePvq();

/// All integer points of `dimensions` with that sum of magnitudes, by trying every box of values.
std::vector<std::vector<std::int8_t>> allPoints(int dimensions, int pulses) {
    std::vector<std::vector<std::int8_t>> found;
    std::vector<std::int8_t> point(static_cast<std::size_t>(dimensions));
    const std::function<void(std::size_t, int)> fill = [&](std::size_t i, int left) {
        if (i == point.size()) {
            if (left == 0) found.push_back(point);
            return;
        }
        for (int value = -left; value <= left; ++value) {
            point[i] = static_cast<std::int8_t>(value);
            fill(i + 1, left - std::abs(value));
        }
    };
    fill(0, pulses);
    return found;
}

double cosine(std::span<const float> w, std::span<const std::int8_t> y) {
    double along = 0, square = 0;
    for (std::size_t i = 0; i < w.size(); ++i) {
        along += static_cast<double>(w[i]) * y[i];
        square += static_cast<double>(y[i]) * y[i];
    }
    return along / std::sqrt(square);
}

} // namespace

TEST_CASE("Points of pyramids are as many as are known, beyond 64 bits too", "[extreme]") {
    CHECK(Pyramid(2, 2).points(2, 2) == WideCount(8));
    CHECK(Pyramid(3, 2).points(3, 2) == WideCount(18));
    CHECK(Pyramid(4, 3).points(4, 3) == WideCount(88));
    CHECK(Pyramid(8, 4).points(8, 4) == WideCount(2816));
    CHECK(Pyramid(16, 16).points(16, 16) == WideCount(148348809216));
    CHECK(Pyramid(16, 16).indexBits() == 38);
    CHECK(Pyramid(2, 2).indexBits() == 3); // eight points
    CHECK(Pyramid(1, 100).indexBits() == 1);
    CHECK(Pyramid(2, 127).indexBits() == 9); // 508
    // k N(d, k) = d N(k, d); here by adding up.
    const Pyramid large(128, 127);
    WideCount one, other;
    for (int i = 0; i < 96; ++i) one += large.points(127, 96);
    CHECK(large.indexBits() > 256);
    for (int i = 0; i < 127; ++i) other += large.points(96, 127);
    CHECK(one == other);
}

TEST_CASE("Numbers of points and points are each other's inverse", "[extreme]") {
    for (const auto& [dimensions, pulses] : {std::pair{1, 3}, {2, 2}, {3, 4}, {4, 3}, {5, 2}}) {
        const Pyramid pyramid(dimensions, pulses);
        const auto points = allPoints(dimensions, pulses);
        CHECK(pyramid.points(dimensions, pulses) == WideCount(points.size()));
        std::vector<bool> seen(points.size());
        for (std::size_t i = 0; i < points.size(); ++i) {
            const auto point = pyramid.pointAt(WideCount(i));
            CHECK(pyramid.indexOf(point) == WideCount(i));
            const auto found = std::ranges::find(points, point);
            REQUIRE(found != points.end());
            seen[static_cast<std::size_t>(found - points.begin())] = true;
        }
        CHECK(std::ranges::count(seen, true) == static_cast<std::ptrdiff_t>(points.size()));
    }
    // One far beyond 64 bits.
    const Pyramid large(64, 100);
    std::vector<std::int8_t> point(64, 1);
    point[7] = -20, point[63] = -18;
    CHECK(large.pointAt(large.indexOf(point)) == point);
    CHECK(large.indexOf(point).bitWidth() > 64);
}

TEST_CASE("The search finds the nearest of all points, save where two gains compete", "[extreme]") {
    int wrong = 0, tried = 0;
    for (const auto& [dimensions, pulses] : {std::pair{3, 4}, {4, 3}, {4, 5}, {5, 4}}) {
        const auto points = allPoints(dimensions, pulses);
        for (unsigned seed = 0; seed < 50; ++seed, ++tried) {
            const auto w = test::normalValues(static_cast<std::size_t>(dimensions), seed);
            std::vector<std::int8_t> found(w.size());
            nearestDirection(w, pulses, found);
            int sum = 0;
            for (const std::int8_t y : found) sum += std::abs(y);
            CHECK(sum == pulses);
            double best = 0;
            for (const auto& point : points) best = std::max(best, cosine(w, point));
            if (cosine(w, found) < best - 1e-9) ++wrong;
            CHECK(cosine(w, found) > 0.995 * best);
        }
    }
    CHECK(wrong * 100 <= tried * 2);
    std::vector<std::int8_t> found(4);
    nearestDirection(std::vector<float>{0, -3, 0, 0}, 7, found);
    CHECK(found == std::vector<std::int8_t>{0, -7, 0, 0});
}

TEST_CASE("Levels of gains are quantiles of the share that a group has of a random direction", "[extreme]") {
    // One group of 2 in rows of 4: the square is uniform, Beta(1, 1).
    const auto levels = gainLevels(2, 4, 3);
    for (std::size_t i = 0; i < 8; ++i)
        CHECK(levels[i] == Approx(std::sqrt((static_cast<double>(i) + 0.5) / 8)).margin(1e-4));
    // Rows of 16 from groups of 2: Beta(1, 7), whose law is 1 - (1 - t)^7.
    const auto skewed = gainLevels(2, 16, 2);
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(skewed[i] ==
              Approx(std::sqrt(1 - std::pow(1 - (static_cast<double>(i) + 0.5) / 4, 1.0 / 7))).margin(1e-4));
    CHECK(gainLevels(16, 16, 1) == std::vector<double>{1, 1});
}

TEST_CASE("PVQ has the error that is known for normal weights, at the size that its points take", "[extreme]") {
    test::TestRun run;
    const auto values = test::normalValues(256 * 64, 5);
    const TensorView weight = makeTensor({64, 256}, values);
    const auto error = [&](const std::string& text) {
        return test::relativeError(test::valuesOf(test::quantized(*kMethod, inputOf(weight), text, run)), values);
    };
    CHECK(error("pvq:group=16,pulses=8,gain_bits=0") == Approx(0.154).epsilon(0.03));
    CHECK(error("pvq:group=16,pulses=16,gain_bits=0") == Approx(0.0507).epsilon(0.03));
    CHECK(error("pvq:group=16,pulses=24,gain_bits=0") == Approx(0.0245).epsilon(0.03));
    CHECK(error("pvq:group=64,pulses=64,gain_bits=0") == Approx(0.0475).epsilon(0.03));
    CHECK(error("pvq:group=16,pulses=16") < 1.05 * 0.0507);

    const auto made = test::quantized(*kMethod, inputOf(weight), "pvq:group=16,pulses=16", run);
    CHECK(storedBits(made) == 64 * 16 * (38 + 6) + 64 * 16);
    CHECK(storedBits(test::quantized(*kMethod, inputOf(weight), "pvq:group=16,pulses=16,gain_bits=0", run)) ==
          64 * 16 * (38 + 16));
    const ThreadLimit limit(1);
    CHECK(test::valuesOf(test::quantized(*kMethod, inputOf(weight), "pvq:group=16,pulses=16", run)) ==
          test::valuesOf(made));
}

TEST_CASE("PVQ keeps zeros and single weights, and wants whole vectors", "[extreme]") {
    test::TestRun run;
    std::vector<float> values(2 * 32, 0);
    values[32 + 5] = -1.5F;
    const TensorView weight = makeTensor({2, 32}, values);
    CHECK(test::valuesOf(test::quantized(*kMethod, inputOf(weight), "pvq:gain_bits=0", run)) == values);
    CHECK_FALSE(kMethod->outline({{2, 40}}, test::parametersFor(*kMethod, "pvq")));
}
