// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/optimize/allocation.h"

#include "engine/core/random.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <limits>

using namespace qscope;
using namespace qscope::engine;

namespace {

struct Outcome {
    std::uint64_t bits = 0;
    double cost = 0;
};

Outcome outcomeOf(const std::vector<std::vector<Choice>>& matrices, const std::vector<std::size_t>& chosen) {
    Outcome outcome;
    for (std::size_t m = 0; m < matrices.size(); ++m) {
        outcome.bits += matrices[m][chosen[m]].bits;
        outcome.cost += matrices[m][chosen[m]].cost;
    }
    return outcome;
}

/// The least cost of all combinations that fit; infinite: none does.
double leastCost(const std::vector<std::vector<Choice>>& matrices, std::uint64_t budget) {
    double best = std::numeric_limits<double>::infinity();
    std::vector<std::size_t> at(matrices.size(), 0);
    for (bool more = true; more;) {
        const Outcome outcome = outcomeOf(matrices, at);
        if (outcome.bits <= budget) best = std::min(best, outcome.cost);
        more = false;
        for (std::size_t m = 0; m < at.size() && !more; ++m) {
            more = ++at[m] < matrices[m].size();
            if (!more) at[m] = 0;
        }
    }
    return best;
}

} // namespace

TEST_CASE("Bits are shared out as the best of all combinations does", "[low rank]") {
    test::TestRun run;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        std::vector<std::vector<Choice>> matrices(5);
        std::uint64_t smallest = 0, largest = 0, index = 0;
        for (auto& choices : matrices) {
            std::uint64_t low = UINT64_MAX, high = 0;
            for (int k = 0; k < 4; ++k) {
                choices.push_back({64 * (1 + static_cast<std::uint64_t>(uniform(seed, 0, index) * 50)),
                                   uniform(seed, 1, index) * 10});
                ++index;
                low = std::min(low, choices.back().bits);
                high = std::max(high, choices.back().bits);
            }
            smallest += low;
            largest += high;
        }
        for (const double part : {0.0, 0.2, 0.5, 0.9, 1.0}) {
            const std::uint64_t budget =
                smallest + static_cast<std::uint64_t>(part * static_cast<double>(largest - smallest));
            const auto chosen = allocate(matrices, budget, run.context);
            REQUIRE(chosen);
            const Outcome outcome = outcomeOf(matrices, *chosen);
            CHECK(outcome.bits <= budget);
            CHECK(outcome.cost == Approx(leastCost(matrices, budget)));
        }
        const auto refused = allocate(matrices, smallest - 1, run.context);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::OutOfRange);
    }
}

TEST_CASE("A budget of many steps is never exceeded", "[low rank]") {
    test::TestRun run;
    std::vector<std::vector<Choice>> matrices(3);
    for (std::uint64_t m = 0; m < 3; ++m)
        for (std::uint64_t k = 1; k < 6; ++k)
            matrices[m].push_back({k * 1'000'000'007 + m * 17, 10.0 / static_cast<double>(k * (m + 1))});
    const std::uint64_t budget = 10'000'000'100;
    const auto chosen = allocate(matrices, budget, run.context);
    REQUIRE(chosen);
    CHECK(outcomeOf(matrices, *chosen).bits <= budget);
    CHECK(outcomeOf(matrices, *chosen).cost == Approx(leastCost(matrices, budget)));
}
