// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/large_vector.h"
#include "engine/core/parallel.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace qscope;

TEST_CASE("Parallel chunks cover the range once, with borders that depend on the grain alone") {
    test::TestRun run;
    std::vector<int> visits(1003);
    std::vector<std::int64_t> ends(11);
    REQUIRE(parallelChunks(1003, 100, run.context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        ends[static_cast<std::size_t>(begin / 100)] = end;
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
        return {};
    }));
    CHECK(std::all_of(visits.begin(), visits.end(), [](int n) { return n == 1; }));
    for (std::size_t chunk = 0; chunk < 10; ++chunk) CHECK(ends[chunk] == static_cast<std::int64_t>(100 * chunk + 100));
    CHECK(ends[10] == 1003);
    CHECK(run.progress.done == 1003);
}

TEST_CASE("A sum kept per chunk is the same on one thread and on all") {
    const auto sum = [] {
        test::TestRun run;
        std::vector<float> partial(100);
        REQUIRE(parallelChunks(100'000, 1000, run.context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            for (std::int64_t i = begin; i < end; ++i)
                partial[static_cast<std::size_t>(begin / 1000)] += 1.f / static_cast<float>(i + 1);
            return {};
        }));
        float total = 0;
        for (const float part : partial) total += part;
        return total;
    };
    const float all = sum();
    const ThreadLimit one(1);
    CHECK(availableThreads() == 1);
    CHECK(sum() == all);
}

TEST_CASE("After a stop request each thread finishes its chunk and starts no other") {
    test::TestRun run;
    std::atomic<int> started{0};
    const auto result = parallelChunks(1'000'000, 1, run.context, [&](std::int64_t, std::int64_t) -> Result<void> {
        if (++started == 10) run.stop.request_stop();
        return {};
    });
    REQUIRE_FALSE(result);
    CHECK(result.error().code == ErrorCode::Cancelled);
    CHECK(started <= 10 + availableThreads());
}

TEST_CASE("The first error in chunk order is the one that comes back") {
    test::TestRun run;
    const auto result = parallelChunks(100, 1, run.context, [&](std::int64_t begin, std::int64_t) -> Result<void> {
        if (begin == 40 || begin == 70) return fail(ErrorCode::OutOfRange, "chunk {}", begin);
        return {};
    });
    REQUIRE_FALSE(result);
    CHECK(result.error().message == "chunk 40");
}

TEST_CASE("Checked calls with lambdas that check calls of their own return the inner error") {
    const auto inner = [](bool good) -> Result<void> {
        if (!good) return fail(ErrorCode::Io, "inner");
        return {};
    };
    const auto outer = [&]() -> Result<void> {
        QSCOPE_CHECK([&]() -> Result<void> {
            QSCOPE_CHECK(inner(true));
            QSCOPE_CHECK(inner(false));
            return {};
        }());
        return {};
    };
    CHECK(outer().error().message == "inner");
}

TEST_CASE("A large vector holds zeros") {
    const auto values = largeVector<float>((std::size_t{5} << 20) + 3);
    CHECK(values.size() == (std::size_t{5} << 20) + 3);
    CHECK(std::all_of(values.begin(), values.end(), [](float value) { return value == 0; }));
    CHECK(largeVector<int>(0).empty());
}
