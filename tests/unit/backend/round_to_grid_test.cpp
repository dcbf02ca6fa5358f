// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/tensor/half.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// The formulas of the header, group by group, with the library's own rounding.
RoundedToGrid byDefinition(const std::vector<float>& values, const Grouping& g, const UniformGrid& grid) {
    RoundedToGrid result;
    result.codes.resize(values.size());
    for (std::int64_t down = 0; down < g.groupsDown(); ++down)
        for (std::int64_t across = 0; across < g.groupsAcross(); ++across) {
            std::vector<std::size_t> members;
            for (std::int64_t r = down * g.groupRows; r < std::min(g.rows, (down + 1) * g.groupRows); ++r)
                for (std::int64_t c = across * g.groupColumns; c < std::min(g.columns, (across + 1) * g.groupColumns); ++c)
                    members.push_back(static_cast<std::size_t>(r * g.columns + c));
            float low = 0, high = 0;
            for (const std::size_t i : members) {
                low = std::min(low, values[i]);
                high = std::max(high, values[i]);
            }
            const auto top = static_cast<float>(grid.symmetric ? (1 << (grid.bits - 1)) - 1 : (1 << grid.bits) - 1);
            float scale = grid.symmetric ? std::max(high, -low) / top : (high - low) / top;
            if (grid.scaleType == ScaleType::F16 && scale > 0)
                scale = std::clamp(halfToFloat(floatToHalf(std::min(scale, 65504.f))), 0x1p-24f, 65504.f);
            float zero = 0;
            if (!grid.symmetric && scale > 0) zero = std::clamp(std::rint(-low / scale), 0.f, top);
            for (const std::size_t i : members) {
                float code = zero;
                if (scale > 0)
                    code = grid.symmetric ? std::clamp(std::rint(values[i] / scale), -top, top)
                                          : std::clamp(std::rint(values[i] / scale) + zero, 0.f, top);
                result.codes[i] = static_cast<std::uint8_t>(static_cast<int>(code));
            }
            result.scales.push_back(scale);
            if (!grid.symmetric) result.zeros.push_back(static_cast<std::uint8_t>(zero));
        }
    return result;
}

RoundedToGrid rounded(const std::vector<float>& values, const Grouping& grouping, const UniformGrid& grid) {
    test::TestRun run;
    auto result = run.backend->roundToGrid(values, grouping, grid, run.context);
    REQUIRE(result);
    CHECK(run.progress.done == 0); // left to the caller
    return *std::move(result);
}

void checkEqual(const RoundedToGrid& a, const RoundedToGrid& b) {
    CHECK(a.codes == b.codes);
    CHECK(a.scales == b.scales);
    CHECK(a.zeros == b.zeros);
}

constexpr UniformGrid kGrids[] = {{2, true, ScaleType::F32}, {4, true, ScaleType::F32}, {8, true, ScaleType::F16},
                                  {2, false, ScaleType::F32}, {3, false, ScaleType::F16}, {8, false, ScaleType::F32}};

} // namespace

TEST_CASE("Codes, scales and zero points follow the formulas for every grouping") {
    constexpr std::int64_t rows = 70, columns = 150;
    auto values = test::normalValues(rows * columns, 11, 0.02f);
    std::fill_n(values.begin() + 300, 150, 0.f); // a row without a range
    for (std::size_t i = 600; i < 750; ++i) values[i] = std::fabs(values[i]) + 1; // a row without zero inside its range
    for (const UniformGrid& grid : kGrids)
        for (const auto& [down, across] : {std::pair{rows, columns}, {1l, columns}, {rows, 1l}, {1l, 32l}, {1l, 75l}, {16l, 16l}, {1l, 1l}, {7l, 1l}, {3l, 1000l}}) {
            CAPTURE(grid.bits, grid.symmetric, down, across);
            const Grouping grouping{rows, columns, down, across};
            checkEqual(rounded(values, grouping, grid), byDefinition(values, grouping, grid));
        }
}

TEST_CASE("Large matrices, long rows and large groups are cut without a trace") {
    for (const auto& [rows, columns] : {std::pair{3000l, 1000l}, std::pair{2l, 1'000'001l}}) {
        const auto values = test::normalValues(static_cast<std::size_t>(rows * columns), 12);
        for (const auto& [down, across] : {std::pair{rows, columns}, {1l, columns}, {rows, 1l}, {1l, 128l}, {rows, 300'000l}}) {
            CAPTURE(rows, columns, down, across);
            const Grouping grouping{rows, columns, down, across};
            checkEqual(rounded(values, grouping, {4, false, ScaleType::F32}), byDefinition(values, grouping, {4, false, ScaleType::F32}));
        }
    }
}

TEST_CASE("No weight moves by more than half a step") {
    const auto values = test::normalValues(64 * 256, 13);
    const Grouping grouping{64, 256, 1, 32};
    for (const UniformGrid& grid : kGrids) {
        const RoundedToGrid result = rounded(values, grouping, grid);
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto group = static_cast<std::size_t>(grouping.indexOf(static_cast<std::int64_t>(i) / 256, static_cast<std::int64_t>(i) % 256));
            const float scale = result.scales[group];
            const int code = grid.symmetric ? static_cast<std::int8_t>(result.codes[i]) : result.codes[i] - result.zeros[group];
            // A scale rounded down to half precision clips the largest weight by up to 2^-11 of its magnitude.
            const float clipped = grid.scaleType == ScaleType::F16 ? 256 * scale * 0x1p-11f : 0;
            REQUIRE(std::fabs(values[i] - static_cast<float>(code) * scale) <= scale * 0.5001f + clipped);
        }
    }
}

TEST_CASE("Ties go to the even code") {
    // Largest magnitude 7: scale 1 at four bits.
    const RoundedToGrid result = rounded({7, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 0}, {1, 8, 1, 8}, {4, true, ScaleType::F32});
    const std::vector<int> expected{7, 0, 2, 2, 0, -2, -2, 0};
    for (std::size_t i = 0; i < expected.size(); ++i) CHECK(static_cast<std::int8_t>(result.codes[i]) == expected[i]);
}

TEST_CASE("Tiny and huge weights keep to the grid") {
    for (const float size : {1e-45f, 1e-38f, 1e-20f, 1e20f, 2e37f}) {
        CAPTURE(size);
        auto values = test::normalValues(256, 14);
        for (float& value : values) value *= size;
        for (const UniformGrid& grid : kGrids) {
            const Grouping grouping{1, 256, 1, 64};
            checkEqual(rounded(values, grouping, grid), byDefinition(values, grouping, grid));
        }
    }
}

TEST_CASE("Codes are the same on one thread and on all") {
    const auto values = test::normalValues(2000 * 500, 15);
    const Grouping grouping{2000, 500, 2000, 1};
    const RoundedToGrid all = rounded(values, grouping, {4, true, ScaleType::F32});
    const ThreadLimit limit(1);
    checkEqual(all, rounded(values, grouping, {4, true, ScaleType::F32}));
}

TEST_CASE("What cannot be rounded is refused") {
    test::TestRun run;
    const auto refuse = [&](std::vector<float> values, Grouping grouping, UniformGrid grid) {
        const auto result = run.backend->roundToGrid(values, grouping, grid, run.context);
        REQUIRE_FALSE(result);
        return result.error().code;
    };
    constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const Grouping row{1, 2, 1, 2};
    for (const float bad : {inf, -inf, nan, -nan}) {
        CHECK(refuse({1, bad}, row, {4, true, ScaleType::F32}) == ErrorCode::OutOfRange);
        CHECK(refuse({1, bad}, {1, 2, 1, 1}, {4, false, ScaleType::F32}) == ErrorCode::OutOfRange);
    }
    CHECK(refuse({1, 2}, row, {1, true, ScaleType::F32}) == ErrorCode::OutOfRange);
    CHECK(refuse({1, 2}, row, {9, true, ScaleType::F32}) == ErrorCode::OutOfRange);
    CHECK(refuse({1, 2, 3}, row, {4, true, ScaleType::F32}) == ErrorCode::OutOfRange);
    CHECK(refuse({1, 2}, {1, 2, 0, 2}, {4, true, ScaleType::F32}) == ErrorCode::OutOfRange);
    CHECK(refuse({3e38f, -3e38f}, row, {2, false, ScaleType::F32}) == ErrorCode::OutOfRange);
    run.stop.request_stop();
    CHECK(refuse({1, 2}, row, {4, true, ScaleType::F32}) == ErrorCode::Cancelled);
}
