// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/quant/scalar_clusters.h"
#include "plugins/outliers/outlier_methods.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeSqueezeLlm();

double costOf(const std::vector<float>& values, const std::vector<float>& weights, const std::vector<double>& centres) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        double least = std::numeric_limits<double>::infinity();
        for (const double centre : centres)
            least = std::min(least, std::pow(static_cast<double>(values[i]) - centre, 2));
        sum += static_cast<double>(weights[i]) * least;
    }
    return sum;
}

/// The least cost over every way to cut the sorted values into clusters: all of them are tried.
double leastCost(std::vector<std::pair<float, float>> points, int clusters) {
    std::ranges::sort(points);
    const auto n = points.size();
    double best = std::numeric_limits<double>::infinity();
    for (unsigned cuts = 0; cuts < 1U << (n - 1); ++cuts) {
        if (__builtin_popcount(cuts) != clusters - 1) continue;
        double total = 0;
        for (std::size_t begin = 0; begin < n;) {
            std::size_t end = begin + 1;
            while (end < n && !(cuts >> (end - 1) & 1U)) ++end;
            double mass = 0, first = 0;
            for (std::size_t i = begin; i < end; ++i) {
                mass += static_cast<double>(points[i].second);
                first += static_cast<double>(points[i].second) * static_cast<double>(points[i].first);
            }
            for (std::size_t i = begin; i < end && mass > 0; ++i)
                total += static_cast<double>(points[i].second) *
                         std::pow(static_cast<double>(points[i].first) - first / mass, 2);
            begin = end;
        }
        best = std::min(best, total);
    }
    return best;
}

double weightedError(const std::vector<float>& found, const std::vector<float>& values,
                     const std::vector<float>& weights) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        sum += static_cast<double>(weights[i]) * std::pow(static_cast<double>(found[i] - values[i]), 2);
    return sum;
}

std::vector<float> squares(std::vector<float> values) {
    for (float& value : values) value *= value;
    return values;
}

} // namespace

TEST_CASE("Clusters on a line cost as little as the best of all partitions", "[outliers]") {
    test::TestRun run;
    for (unsigned seed = 0; seed < 20; ++seed) {
        auto values = test::normalValues(11, seed);
        const auto weights = squares(test::normalValues(11, 100 + seed, 3));
        values[3] = values[8]; // twice the same
        std::vector<std::pair<float, float>> points;
        for (std::size_t i = 0; i < values.size(); ++i) points.emplace_back(values[i], weights[i]);
        for (int clusters = 1; clusters <= 5; ++clusters) {
            const auto centres = *bestCentres(values, weights, clusters, run.context);
            REQUIRE(centres.size() == static_cast<std::size_t>(clusters));
            CHECK(std::ranges::is_sorted(centres));
            CHECK(costOf(values, weights, centres) == Approx(leastCost(points, clusters)).epsilon(1e-9).margin(1e-12));
        }
    }
    CHECK(*bestCentres(std::vector<float>{2, 1, 2, 7}, {}, 4, run.context) == std::vector<double>{1, 2, 7});
    CHECK(*bestCentres(std::vector<float>{2, 1, 9}, std::vector<float>{1, 1, 0}, 1, run.context) ==
          std::vector<double>{1.5}); // 9 has no say
    CHECK(bestCentres(std::vector<float>{}, {}, 4, run.context)->empty());
    run.stop.request_stop();
    CHECK(bestCentres(std::vector<float>{2, 1}, {}, 1, run.context).error().code == ErrorCode::Cancelled);
}

TEST_CASE("SqueezeLLM is exact on rows of as many values as there are codes, and where all sensitivity is",
          "[outliers]") {
    test::TestRun run;
    constexpr std::int64_t rows = 3, columns = 40;
    std::vector<float> few(rows * columns);
    for (std::size_t i = 0; i < few.size(); ++i) few[i] = static_cast<float>((i * i + i / columns) % 8) * 0.25F - 1;
    const TensorView weight = makeTensor({rows, columns}, few);
    const std::vector<float> fisher(few.size(), 0); // no sensitivity anywhere: all alike
    QuantInput input = inputOf(weight);
    input.fisher = fisher;
    CHECK(test::valuesOf(test::quantized(*kMethod, input, "squeezellm:bits=3,sensitive=0,outliers=0", run)) == few);

    auto values = test::normalValues(rows * columns, 4);
    std::vector<float> one(values.size(), 0);
    for (const std::size_t i : {5U, 41U, 119U}) one[i] = 2;
    const TensorView normal = makeTensor({rows, columns}, values);
    QuantInput hot = inputOf(normal);
    hot.fisher = one;
    const auto found = test::valuesOf(test::quantized(*kMethod, hot, "squeezellm:bits=2,sensitive=0,outliers=0", run));
    for (const std::size_t i : {5U, 41U, 119U}) CHECK(found[i] == roundedTo(ScaleType::F16, values[i]));
}

TEST_CASE("SqueezeLLM's weighted clusters cost less than equal ones, and weights set aside are kept and counted",
          "[outliers]") {
    test::TestRun run;
    constexpr std::int64_t rows = 64, columns = 100;
    auto values = test::normalValues(rows * columns, 6);
    auto fisher = squares(test::normalValues(rows * columns, 7));
    fisher[1234] = 1000;
    values[4321] = -30;
    fisher[4321] = 0;
    const TensorView weight = makeTensor({rows, columns}, values);
    QuantInput input = inputOf(weight);
    input.fisher = fisher;
    const auto dense = test::quantized(*kMethod, input, "squeezellm:bits=3,sensitive=0,outliers=0", run);
    CHECK(storedBits(dense) == rows * columns * 3 + rows * 8 * 16);
    const auto alike = test::quantized(*kMethod, input, "squeezellm:bits=3,sensitive=0,outliers=0,weights=none", run);
    const std::vector<float> ones(values.size(), 1);
    CHECK(weightedError(test::valuesOf(dense), values, fisher) <
          0.9 * weightedError(test::valuesOf(alike), values, fisher));
    CHECK(weightedError(test::valuesOf(dense), values, ones) > weightedError(test::valuesOf(alike), values, ones));

    // 0.05 % of 6400 are 3, 0.4 % are 25.
    const auto sparse = test::quantized(*kMethod, input, "squeezellm:bits=3", run);
    CHECK(storedBits(sparse) == rows * columns * 3 + rows * 8 * 16 + 28 * 32 + rows * 32);
    const auto found = test::valuesOf(sparse);
    CHECK(found[1234] == roundedTo(ScaleType::F16, values[1234]));
    CHECK(found[4321] == -30);
    CHECK(weightedError(found, values, fisher) < weightedError(test::valuesOf(dense), values, fisher));

    const ThreadLimit limit(1);
    CHECK(test::valuesOf(test::quantized(*kMethod, input, "squeezellm:bits=3", run)) == found);
}
