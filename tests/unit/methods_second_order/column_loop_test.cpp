// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/column_loop.h"

#include "engine/core/parallel.h"
#include "tests/unit/methods_second_order/problem.h"

#include <numeric>

using namespace qscope;
using namespace qscope::engine;

namespace {

std::vector<std::int32_t> naturalOrder(std::int64_t size) {
    std::vector<std::int32_t> order(static_cast<std::size_t>(size));
    std::iota(order.begin(), order.end(), 0);
    return order;
}

/// The product of the transposed of U with itself, times H: the identity when U is right.
double worstInverse(const SquareMatrix& u, const SquareMatrix& h, std::int64_t first = 0) {
    double worst = 0;
    const std::int64_t n = u.size;
    for (std::int64_t i = first; i < n; ++i) {
        std::vector<double> row(static_cast<std::size_t>(n)); // row i of UᵀU of the trailing block
        for (std::int64_t k = first; k <= i; ++k)
            for (std::int64_t j = k; j < n; ++j) row[static_cast<std::size_t>(j)] += u.at(k, i) * u.at(k, j);
        for (std::int64_t j = first; j < n; ++j) {
            double sum = 0;
            for (std::int64_t k = first; k < n; ++k) sum += row[static_cast<std::size_t>(k)] * h.at(k, j);
            worst = std::max(worst, std::abs(sum - (i == j ? 1 : 0)));
        }
    }
    return worst;
}

UniformStep integers() { return {1, 0, -8, 7}; }

} // namespace

TEST_CASE("the inverse factor is upper triangular and its square is the inverse, block by block", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(1, 300, 400); // more than two blocks of rows
    const auto order = naturalOrder(300);
    const SquareMatrix damped = dampedMoments(problem.statistics.secondMoments, order, 0.01);
    const auto u = inverseFactor(damped, run.context);
    REQUIRE(u);
    for (std::int64_t i = 0; i < 300; ++i) {
        CHECK(u->at(i, i) > 0);
        for (std::int64_t j = 0; j < i; ++j) REQUIRE(u->at(i, j) == 0);
    }
    CHECK(worstInverse(*u, damped) < 1e-9);
    CHECK(worstInverse(*u, damped, 137) < 1e-9); // the trailing block factors the inverse of the trailing block
    const ThreadLimit limit(1);
    CHECK(inverseFactor(damped, run.context)->values == u->values);
}

TEST_CASE("a matrix that is not positive definite is refused, and damping mends moments that are too few",
          "[second order]") {
    test::TestRun run;
    CHECK(inverseFactor({2, {1, 2, 2, 1}}, run.context).error().code == ErrorCode::OutOfRange);
    CHECK(inverseFactor({1, {std::nan("")}}, run.context).error().code == ErrorCode::OutOfRange);
    const std::vector<double> moments{1, 1, 1, 1};
    const auto order = naturalOrder(2);
    const auto mended = dampedInverseFactor(moments, order, 0, "layer", run.context);
    REQUIRE(mended);
    CHECK(worstInverse(*mended, dampedMoments(moments, order, 0.01)) < 1e-9);
    REQUIRE(run.notes.entries().size() == 1);
    CHECK(run.notes.entries()[0].subject == "layer");
}

TEST_CASE("orders of columns and blocks follow their rules", "[second order]") {
    const std::vector<double> diagonal{1, 5, 3, 3, 9, 2, 4};
    using Rule = ColumnOrder::Rule;
    const auto natural = columnOrder(Rule::Natural, diagonal, 3, false);
    CHECK(natural.column == std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6});
    CHECK(natural.group == std::vector<std::int32_t>{0, 0, 0, 1, 1, 1, 2});
    const auto falling = columnOrder(Rule::Descending, diagonal, 3, false);
    CHECK(falling.column == std::vector<std::int32_t>{4, 1, 6, 2, 3, 5, 0});
    CHECK(falling.group == std::vector<std::int32_t>{0, 0, 0, 1, 1, 1, 2});
    CHECK(falling.scattered);
    const auto fixed = columnOrder(Rule::Descending, diagonal, 3, true);
    CHECK(fixed.group == std::vector<std::int32_t>{1, 0, 2, 0, 1, 1, 0});
    CHECK_FALSE(fixed.scattered);
    const auto aware = columnOrder(Rule::GroupAware, diagonal, 3, false);
    CHECK(aware.column == std::vector<std::int32_t>{4, 3, 5, 1, 2, 0, 6});
    CHECK(aware.group == std::vector<std::int32_t>{1, 1, 1, 0, 0, 0, 2});
    CHECK_FALSE(aware.scattered);

    CHECK(blockBorders(natural, 4, false) == std::vector<std::int64_t>{0, 4, 7});
    CHECK(blockBorders(natural, 4, true) == std::vector<std::int64_t>{0, 3, 7}); // 1 group, then 3 + 1 columns
    CHECK(blockBorders(natural, 2, true) == std::vector<std::int64_t>{0, 2, 3, 5, 7});
    CHECK(blockBorders(natural, 100, true) == std::vector<std::int64_t>{0, 7});
}

TEST_CASE("two correlated weights that round down alone are rounded to the optimum together", "[second order]") {
    // w = (0.4, 0.4) on whole numbers, H = [1, .9; .9, 1]: (0, 0) costs 0.608, (0, 1) costs 0.088 and no pair costs
    // less.
    test::TestRun run;
    const std::vector<double> h{1, 0.9, 0.9, 1};
    const std::vector<float> w{0.4F, 0.4F};
    const auto order = columnOrder(ColumnOrder::Rule::Natural, std::vector<double>{1, 1}, 2, true);
    const auto factor = inverseFactor({2, h}, run.context);
    REQUIRE(factor);
    std::vector<UniformStep> steps{integers()};
    const auto found = runColumnLoop(ColumnLoop<UniformStep>{1, w, order, *factor, {}, 0, 128, steps}, run.context);
    REQUIRE(found);
    CHECK(found->codes == std::vector<float>{0, 1});
    CHECK(found->losses[0] == Approx(0.088).epsilon(1e-5));
    double least = 1;
    for (int a = -2; a <= 2; ++a)
        for (int b = -2; b <= 2; ++b)
            least = std::min(least, (a - .4) * (a - .4) + 1.8 * (a - .4) * (b - .4) + (b - .4) * (b - .4));
    CHECK(least == Approx(0.088));
}

TEST_CASE("the loop's own losses are the quadratic form of what it made, whatever the order and the blocks",
          "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(37, 90, 200);
    std::vector<double> diagonal;
    for (std::size_t c = 0; c < 90; ++c) diagonal.push_back(problem.statistics.secondMoments[c * 91]);
    std::vector<std::vector<float>> codes;
    for (const std::int64_t block : {128, 32, 7, 1})
        for (const auto rule : {ColumnOrder::Rule::Natural, ColumnOrder::Rule::Descending}) {
            const auto order = columnOrder(rule, diagonal, 90, true);
            const auto factor =
                dampedInverseFactor(problem.statistics.secondMoments, order.column, 0.01, "", run.context);
            REQUIRE(factor);
            std::vector<UniformStep> steps(37, UniformStep{0.5F, 0, -8, 7});
            const auto found = runColumnLoop(
                ColumnLoop<UniformStep>{37, problem.weight, order, *factor, {}, 0, block, steps}, run.context);
            REQUIRE(found);
            std::vector<float> values = found->codes;
            for (float& value : values) value *= 0.5F;
            const auto damped = dampedMoments(problem.statistics.secondMoments, naturalOrder(90), 0.01).values;
            for (std::int64_t row = 0; row < 37; ++row)
                CHECK(found->losses[static_cast<std::size_t>(row)] ==
                      Approx(problem.lossOfRow(values, row, damped)).epsilon(1e-4));
            codes.push_back(found->codes);
        }
    for (std::size_t i = 2; i < codes.size(); ++i) { // only rounding in another order of sums can tell blocks apart
        std::size_t different = 0;
        for (std::size_t k = 0; k < codes[i].size(); ++k) different += codes[i][k] != codes[i % 2][k] ? 1 : 0;
        CHECK(different < codes[i].size() / 200);
    }
}

TEST_CASE("what is carried of a mismatch is what later channels can take up of it", "[second order]") {
    // Row i: D_i,>i (H_>i,>i)⁻¹, so that times H_>i,>i it gives D_i,>i back; from the diagonal down it is 0.
    test::TestRun run;
    const test::LayerProblem problem(1, 40, 100);
    const auto cross = problem.crossOf(test::normalValues(40 * 100, 9));
    auto order = naturalOrder(40);
    std::swap(order[3], order[20]);
    const SquareMatrix h = dampedMoments(problem.statistics.secondMoments, order, 0.01);
    const auto factor = inverseFactor(h, run.context);
    REQUIRE(factor);
    const auto carry = mismatchCarry(cross, order, *factor, 0.5, run.context);
    REQUIRE(carry);
    for (std::size_t i = 0; i < 40; ++i) {
        for (std::size_t j = 0; j <= i; ++j) CHECK((*carry)[i * 40 + j] == 0);
        double scale = 0;
        for (std::size_t j = i + 1; j < 40; ++j)
            scale = std::max(
                scale, std::abs(cross[static_cast<std::size_t>(order[i]) * 40 + static_cast<std::size_t>(order[j])]));
        for (std::size_t j = i + 1; j < 40; ++j) {
            double sum = 0;
            for (std::size_t k = i + 1; k < 40; ++k)
                sum += static_cast<double>((*carry)[i * 40 + k]) * h.values[k * 40 + j];
            const double wanted =
                0.5 * cross[static_cast<std::size_t>(order[i]) * 40 + static_cast<std::size_t>(order[j])];
            CHECK(std::abs(sum - wanted) < 1e-4 * scale);
        }
    }
}

TEST_CASE("the loop over columns gives the same bits on any number of threads and stops when asked", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(100, 150, 200);
    const auto order = columnOrder(ColumnOrder::Rule::Natural, std::vector<double>(150, 1), 32, false);
    const auto factor = dampedInverseFactor(problem.statistics.secondMoments, order.column, 0.01, "", run.context);
    REQUIRE(factor);
    const auto carry =
        mismatchCarry(problem.crossOf(test::normalValues(150 * 200, 9)), order.column, *factor, 0.25, run.context);
    REQUIRE(carry);
    const auto loop = [&] {
        std::vector<UniformStep> steps;
        ColumnLoop<UniformStep> made{100, problem.weight, order, *factor, *carry, 0.2F, 64, steps};
        made.fit = [](std::span<const float> values) {
            return UniformStep::covering(*std::ranges::min_element(values), *std::ranges::max_element(values), 3,
                                         false);
        };
        return runColumnLoop(made, run.context);
    };
    const auto reference = loop();
    REQUIRE(reference);
    for (const int threads : {1, 2}) {
        const ThreadLimit limit(threads);
        const auto again = loop();
        CHECK(again->codes == reference->codes);
        CHECK(again->losses == reference->losses);
    }
    run.stop.request_stop();
    CHECK(loop().error().code == ErrorCode::Cancelled);
}
