// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/tensor/blocks.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine;

TEST_CASE("Blocks encoded in parallel equal blocks encoded in one go, importance repeated per row") {
    constexpr std::int64_t rows = 300, columns = 768;
    const auto values = test::normalValues(rows * columns, 21);
    std::vector<float> importance(columns), repeated;
    for (std::size_t i = 0; i < importance.size(); ++i) importance[i] = static_cast<float>(i % 5 + 1);
    for (std::int64_t row = 0; row < rows; ++row) repeated.insert(repeated.end(), importance.begin(), importance.end());
    for (const DType type : {DType::Q4_0, DType::Q5_1, DType::Q8_0, DType::Q2_K, DType::Q3_K, DType::Q6_K, DType::IQ4_NL})
        for (const bool weighted : {false, true}) {
            CAPTURE(info(type).name, weighted);
            test::TestRun run;
            REQUIRE(run.backend->supports(Capability::EncodeBlocks, type));
            std::vector<std::byte> expected(*storedBytes(type, values.size()));
            encodeBlocks(type, values, weighted ? repeated : std::vector<float>{}, expected);
            const auto found = run.backend->encodeBlocks(type, values, columns, weighted ? importance : std::vector<float>{}, run.context);
            REQUIRE(found);
            CHECK(*found == expected);
        }
}

TEST_CASE("What cannot be encoded in blocks is refused") {
    test::TestRun run;
    const auto refuse = [&](DType type, std::vector<float> values, std::int64_t columns, std::vector<float> importance) {
        const auto result = run.backend->encodeBlocks(type, values, columns, importance, run.context);
        REQUIRE_FALSE(result);
        return result.error().code;
    };
    const std::vector<float> good(64, 1.f);
    auto bad = good;
    bad[40] = std::numeric_limits<float>::quiet_NaN();
    CHECK_FALSE(run.backend->supports(Capability::EncodeBlocks, DType::Q8_1));
    CHECK(refuse(DType::Q8_1, good, 64, {}) == ErrorCode::Unsupported);
    CHECK(refuse(DType::Q4_0, good, 16, {}) == ErrorCode::OutOfRange);
    CHECK(refuse(DType::Q4_0, good, 96, {}) == ErrorCode::OutOfRange);
    CHECK(refuse(DType::Q4_0, good, 0, {}) == ErrorCode::OutOfRange);
    CHECK(refuse(DType::Q4_0, bad, 64, {}) == ErrorCode::OutOfRange);
    CHECK(refuse(DType::Q4_0, good, 64, std::vector<float>(32, 1.f)) == ErrorCode::OutOfRange);
    CHECK(refuse(DType::Q4_0, good, 64, std::vector<float>(64, -1.f)) == ErrorCode::OutOfRange);
    run.stop.request_stop();
    CHECK(refuse(DType::Q4_0, good, 64, {}) == ErrorCode::Cancelled);
}

TEST_CASE("Error sums add every pair once, at any length") {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{1000}, std::size_t{600'001}}) {
        CAPTURE(count);
        const auto reference = test::normalValues(count, 22), result = test::normalValues(count, 23);
        long double w2 = 0, d2 = 0, wr = 0, r2 = 0;
        double most = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const auto w = static_cast<double>(reference[i]), r = static_cast<double>(result[i]);
            w2 += w * w;
            d2 += (w - r) * (w - r);
            wr += w * r;
            r2 += r * r;
            most = std::max(most, std::fabs(w - r));
        }
        test::TestRun run;
        const auto sums = run.backend->errorSums(reference, result, run.context);
        REQUIRE(sums);
        CHECK(sums->count == static_cast<std::int64_t>(count));
        CHECK(sums->reference == Approx(static_cast<double>(w2)).epsilon(1e-12));
        CHECK(sums->difference == Approx(static_cast<double>(d2)).epsilon(1e-12));
        CHECK(sums->product == Approx(static_cast<double>(wr)).epsilon(1e-9));
        CHECK(sums->result == Approx(static_cast<double>(r2)).epsilon(1e-12));
        CHECK(sums->maximum == most);
    }
}

TEST_CASE("Error sums are the same on one thread and on all") {
    const auto reference = test::normalValues(1'000'000, 24), result = test::normalValues(1'000'000, 25);
    test::TestRun run;
    const auto all = run.backend->errorSums(reference, result, run.context);
    const ThreadLimit limit(1);
    const auto one = run.backend->errorSums(reference, result, run.context);
    CHECK(all->difference == one->difference);
    CHECK(all->product == one->product);
    CHECK_FALSE(run.backend->errorSums(reference, std::span(result).first(5), run.context));
}
