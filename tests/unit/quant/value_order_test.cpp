// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/value_order.h"

#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;

TEST_CASE("the ascending order is that of a stable sort, for every kind of number", "[quant]") {
    test::TestRun run;
    auto values = test::normalValues(5000, 3);
    for (std::size_t i = 0; i < values.size(); i += 7) values[i] = std::rint(values[i]); // many alike, both zeros
    values[10] = std::numeric_limits<float>::infinity();
    values[20] = -std::numeric_limits<float>::infinity();
    values[30] = std::numeric_limits<float>::denorm_min();
    values[40] = -std::numeric_limits<float>::denorm_min();
    values[50] = std::numeric_limits<float>::max();
    values[60] = -0.0F;
    std::vector<std::uint32_t> expected(values.size());
    std::iota(expected.begin(), expected.end(), 0u);
    std::ranges::stable_sort(expected, {}, [&](std::uint32_t i) { return values[i]; });
    const auto order = ascendingOrder(values, run.context);
    REQUIRE(order);
    CHECK(*order == expected);
    CHECK(ascendingOrder({}, run.context)->empty());
}

TEST_CASE("ordering values stops when asked", "[quant]") {
    test::TestRun run;
    run.stop.request_stop();
    const std::vector<float> values{2, 1};
    CHECK(ascendingOrder(values, run.context).error().code == ErrorCode::Cancelled);
}
