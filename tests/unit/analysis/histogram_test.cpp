// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/histogram.h"
#include "tests/support/random_values.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

using namespace qscope;
using engine::detail::Binning;

namespace {

/// The rule as comparisons: edges[i] <= x < edges[i + 1], the last bin with its upper edge.
template<class T>
void checkAgainstRule(const std::vector<T>& values, int bins) {
    CAPTURE(bins, values.size());
    const auto [low, high] = std::ranges::minmax(values);
    const Binning binning(static_cast<double>(low), static_cast<double>(high), bins);
    const auto& edges = binning.edges();
    REQUIRE(edges.size() == static_cast<std::size_t>(bins) + 1);
    REQUIRE(std::ranges::is_sorted(edges));
    std::vector<std::int64_t> expected(static_cast<std::size_t>(bins)), found(expected.size());
    for (const T value : values) {
        const auto x = static_cast<double>(value);
        std::size_t bin = expected.size() - 1;
        while (bin > 0 && x < edges[bin]) --bin;
        ++expected[bin];
    }
    binning.add(std::span(values), found);
    CHECK(found == expected);
    CHECK(std::accumulate(found.begin(), found.end(), std::int64_t{0}) == static_cast<std::int64_t>(values.size()));
}

} // namespace

TEST_CASE("Values fall into the bins whose edges enclose them") {
    checkAgainstRule(test::normalValues(5000, 1), 256);
    checkAgainstRule(test::normalValues(5000, 2), 1);
    checkAgainstRule(test::normalValues(700, 3, 1e-30f), 10);
    checkAgainstRule(test::normalValues(700, 4, 1e30f), 37);
}

TEST_CASE("Values that lie on edges go to the upper bin, the last edge to the last bin") {
    std::vector<double> ramp(101);
    for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<double>(i) / 10;
    for (const int bins : {10, 20, 50, 100}) checkAgainstRule(ramp, bins);
    std::vector<double> integers(256);
    std::iota(integers.begin(), integers.end(), -128.0);
    for (const int bins : {255, 256, 51}) checkAgainstRule(integers, bins);
}

TEST_CASE("Equal values lie in a range of width one around them") {
    const Binning binning(3, 3, 4);
    CHECK(binning.edges() == std::vector<double>{2.5, 2.75, 3, 3.25, 3.5});
    CHECK(binning.binOf(3) == 2);
}

TEST_CASE("The widest and the narrowest ranges have bins all the same") {
    constexpr double most = std::numeric_limits<double>::max();
    checkAgainstRule(std::vector<double>{-most, -1, 0, 1, most}, 8);
    checkAgainstRule(std::vector<double>{0, 5e-324, 1e-323}, 2);
}
