// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/elementwise.h"

#include "tests/unit/nn/kernels/kernel_test.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>

using namespace qscope;
using namespace qscope::engine::kernels;
using namespace qscope::test;

namespace {

/// The index of `position` of `target` in contiguous values of `shape`, by NumPy's rule.
std::size_t indexIn(const Extents& shape, const Extents& target, std::int64_t position) {
    std::int64_t index = 0, stride = 1;
    for (std::size_t back = 1; back <= target.size(); ++back) {
        const std::int64_t size = target[target.size() - back], here = position % size;
        position /= size;
        if (back > shape.size()) continue;
        const std::int64_t own = shape[shape.size() - back];
        index += (own == 1 ? 0 : here) * stride;
        stride *= own;
    }
    return static_cast<std::size_t>(index);
}

std::int64_t product(const Extents& shape) {
    return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

} // namespace

TEST_CASE("shapes broadcast by NumPy's rule or say why not") {
    CHECK(*broadcastShape({2, 1, 4}, {3, 1}) == Extents{2, 3, 4});
    CHECK(*broadcastShape({}, {5}) == Extents{5});
    CHECK(*broadcastShape({0}, {1}) == Extents{0});
    CHECK(*broadcastShape({1}, {0, 1}) == Extents{0, 1});
    const auto refused = broadcastShape({2, 3}, {2, 4});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::Unsupported);
    CHECK_FALSE(broadcastShape({0}, {2}));
}

TEMPLATE_TEST_CASE("binary operations agree with NumPy's rule for every pattern of repetition", "", float, double) {
    using T = TestType;
    TestRun run;
    const std::vector<std::pair<Extents, Extents>> cases{{{}, {}},
                                                         {{40}, {40}},
                                                         {{40}, {}},
                                                         {{}, {37}},
                                                         {{2, 3, 35}, {35}},
                                                         {{3, 1}, {1, 50}},
                                                         {{4, 1, 5}, {3, 1}},
                                                         {{2, 17}, {2, 1}},
                                                         {{1, 1, 1}, {1}},
                                                         {{0, 3}, {3}},
                                                         {{3, 4}, {2, 1, 1, 4}},
                                                         {{70000}, {70000}},
                                                         {{300, 300}, {300, 1}}};
    for (const auto& [a, b] : cases) {
        const Extents shape = broadcastShape(a, b).value();
        const auto x = normal<T>(product(a), 1), y = normal<T>(product(b), 2);
        std::vector<T> result(static_cast<std::size_t>(product(shape)));
        REQUIRE(applyBinary<T, T>(
            x, a, y, b, shape, result, [](T p, T q) { return p - 2 * q; }, run.context));
        std::size_t wrong = 0;
        for (std::int64_t i = 0; i < product(shape); ++i)
            wrong += result[static_cast<std::size_t>(i)] != x[indexIn(a, shape, i)] - 2 * y[indexIn(b, shape, i)];
        CAPTURE(a, b);
        CHECK(wrong == 0);
    }
}

TEST_CASE("operations take any strides, other types, three operands and their own memory") {
    TestRun run;
    const auto x = normal<float>(6 * 35, 1);
    std::vector<float> turned(x.size());
    REQUIRE(apply(
        Extents{35, 6}, std::span(turned), [](float v) { return v; }, run.context, Strided<float>{x, {1, 35}}));
    for (std::size_t i = 0; i < 35; ++i)
        for (std::size_t j = 0; j < 6; ++j) CHECK(turned[i * 6 + j] == x[j * 35 + i]);

    std::vector<float> reversed(x.size());
    REQUIRE(apply(
        Extents{210}, std::span(reversed), [](float v) { return v; }, run.context, Strided<float>{x, {-1}, 209}));
    CHECK(std::equal(reversed.rbegin(), reversed.rend(), x.begin()));

    std::vector<std::uint8_t> positive(x.size());
    REQUIRE(applyUnary<float, std::uint8_t>(
        x, positive, [](float v) { return static_cast<std::uint8_t>(v > 0); }, run.context));
    std::vector<float> chosen(x.size());
    const float zero = 0;
    REQUIRE(apply(
        Extents{210}, std::span(chosen), [](std::uint8_t c, float a, float b) { return c ? a : b; }, run.context,
        Strided<std::uint8_t>{positive, {1}}, Strided<float>{x, {1}}, Strided<float>{{&zero, 1}, {0}}));
    auto inPlace = x;
    REQUIRE(applyUnary<float, float>(
        inPlace, inPlace, [](float v) { return v > 0 ? v : 0.0f; }, run.context));
    CHECK(chosen == inPlace);
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(inPlace[i] == std::max(x[i], 0.0f));
}

TEMPLATE_TEST_CASE("reductions over any axes agree with their definitions", "", float, double) {
    using T = TestType;
    TestRun run;
    const std::vector<std::pair<Extents, Extents>> cases{{{7}, {0}},
                                                         {{3, 4}, {0}},
                                                         {{3, 4}, {1}},
                                                         {{3, 40}, {0, 1}},
                                                         {{2, 3, 4, 5}, {1, 3}},
                                                         {{2, 3, 4, 5}, {0, 2}},
                                                         {{2, 3, 4, 5}, {3, 2}},
                                                         {{5, 130}, {0}},
                                                         {{5, 130}, {}},
                                                         {{130, 1, 3}, {1}},
                                                         {{1}, {0}},
                                                         {{3, 1000}, {1}},
                                                         {{}, {}}};
    constexpr Reduction kAll[]{Reduction::Sum,    Reduction::Mean,         Reduction::Product, Reduction::Max,
                               Reduction::Min,    Reduction::SumOfSquares, Reduction::L1,      Reduction::L2,
                               Reduction::LogSum, Reduction::LogSumExp};
    for (const auto& [shape, axes] : cases) {
        CAPTURE(shape, axes);
        auto x = normal<T>(product(shape), 1);
        for (const auto reduction : kAll) {
            CAPTURE(static_cast<int>(reduction));
            Extents kept;
            for (std::size_t axis = 0; axis < shape.size(); ++axis)
                if (std::ranges::find(axes, static_cast<std::int64_t>(axis)) == axes.end()) kept.push_back(shape[axis]);
            std::vector<std::vector<long double>> members(static_cast<std::size_t>(product(kept)));
            for (std::int64_t i = 0; i < product(shape); ++i) {
                std::int64_t rest = i, index = 0, stride = 1;
                for (std::size_t axis = shape.size(); axis-- > 0;) {
                    const std::int64_t here = rest % shape[axis];
                    rest /= shape[axis];
                    if (std::ranges::find(axes, static_cast<std::int64_t>(axis)) != axes.end()) continue;
                    index += here * stride;
                    stride *= shape[axis];
                }
                auto value = x[static_cast<std::size_t>(i)];
                if (reduction == Reduction::LogSum) value = x[static_cast<std::size_t>(i)] = std::fabs(value);
                members[static_cast<std::size_t>(index)].push_back(static_cast<long double>(value));
            }
            std::vector<T> result(members.size());
            REQUIRE(reduce(reduction, x, shape, axes, result, run.context));
            for (std::size_t k = 0; k < members.size(); ++k) {
                long double sum = 0, sizes = 0, factors = 1, squares = 0, exponentials = 0;
                for (const auto value : members[k]) {
                    sum += value;
                    sizes += std::fabs(value);
                    factors *= value;
                    squares += value * value;
                    exponentials += std::exp(value);
                }
                const auto [least, most] = std::minmax_element(members[k].begin(), members[k].end());
                const auto count = static_cast<long double>(members[k].size());
                const long double expected = reduction == Reduction::Sum            ? sum
                                             : reduction == Reduction::Mean         ? sum / count
                                             : reduction == Reduction::Product      ? factors
                                             : reduction == Reduction::Max          ? *most
                                             : reduction == Reduction::Min          ? *least
                                             : reduction == Reduction::SumOfSquares ? squares
                                             : reduction == Reduction::L1           ? sizes
                                             : reduction == Reduction::L2           ? std::sqrt(squares)
                                             : reduction == Reduction::LogSum       ? std::log(sum)
                                                                                    : std::log(exponentials);
                // Sums in double, rounded once at the end.
                const double allowed = kRounding<T> * static_cast<double>(std::fabs(expected)) +
                                       (static_cast<double>(count) + 4) * kRounding<double> *
                                           (1 + static_cast<double>(sizes + squares + std::fabs(factors)));
                CHECK(std::fabs(static_cast<double>(result[k]) - static_cast<double>(expected)) <= 1.01 * allowed);
            }
        }
    }
}

TEST_CASE("reductions of nothing and of special values are as stated") {
    TestRun run;
    std::vector<float> one(1);
    const auto over = [&](Reduction reduction, std::vector<float> values) {
        const Extents shape{static_cast<std::int64_t>(values.size())}, axes{0};
        REQUIRE(reduce(reduction, values, shape, axes, one, run.context));
        return one[0];
    };
    CHECK(over(Reduction::Sum, {}) == 0);
    CHECK(over(Reduction::Product, {}) == 1);
    CHECK(over(Reduction::Max, {}) == -kInf<float>);
    CHECK(over(Reduction::Min, {}) == kInf<float>);
    CHECK(std::isnan(over(Reduction::Mean, {})));
    CHECK(over(Reduction::LogSumExp, {}) == -kInf<float>);
    CHECK(std::isnan(over(Reduction::Max, {1, kNaN<float>, 2})));
    CHECK(std::isnan(over(Reduction::Min, {kNaN<float>, 1, 2})));
    CHECK(over(Reduction::Max, {1, kInf<float>, 2}) == kInf<float>);
    CHECK(over(Reduction::LogSumExp, {-kInf<float>, -kInf<float>}) == -kInf<float>);
    CHECK(over(Reduction::LogSumExp, {kInf<float>, 0}) == kInf<float>);
    CHECK(over(Reduction::LogSumExp, {1000, 1000}) == Approx(1000.6931));
    CHECK(over(Reduction::Sum, {1e30f, 1, -1e30f}) == 0); // double holds 1e30 but not the 1 beside it
    CHECK(over(Reduction::Sum, {1e8f, 1, -1e8f}) == 1);   // and here it does
    std::vector<float> none;
    CHECK(reduce(Reduction::Sum, {}, {0, 3}, Extents{1}, none, run.context));
}

TEST_CASE("rows are gathered by index, from the end when negative, and never from outside") {
    TestRun run;
    const auto table = normal<float>(5 * 3, 1);
    const std::vector<std::int64_t> indices{4, 0, -1, -5, 2};
    std::vector<float> rows(15);
    REQUIRE(gatherRows<float>(table, 5, 3, indices, rows, run.context));
    for (std::size_t i = 0; i < 5; ++i)
        for (std::size_t k = 0; k < 3; ++k)
            CHECK(rows[i * 3 + k] == table[static_cast<std::size_t>((indices[i] + 5) % 5) * 3 + k]);
    for (const std::int64_t bad : {std::int64_t{5}, std::int64_t{-6}, std::int64_t{1} << 62}) {
        const std::vector<std::int64_t> outside{0, 1, bad, 2, 3};
        const auto refused = gatherRows<float>(table, 5, 3, outside, rows, run.context);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::OutOfRange);
        CHECK(refused.error().message.find("position 2") != std::string::npos);
    }
    CHECK(gatherRows<float>({}, 0, 3, {}, {}, run.context));
}
