// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/conformance/backends.h"
#include "tests/support/oracle/tensor_oracle.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

std::vector<float> normal(std::size_t count, unsigned seed, float spread = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<float> distribution(0, spread);
    std::vector<float> values(count);
    for (float& value : values) value = distribution(random);
    return values;
}

template<class T>
void requireSame(const std::vector<T>& found, const std::vector<T>& expected) {
    REQUIRE(found.size() == expected.size());
    const auto [a, b] = std::ranges::mismatch(found, expected);
    INFO("first difference at " << (a - found.begin()));
    REQUIRE((a == found.end() && b == expected.end()));
}

void requireSameGrid(ComputeBackend& backend, const RunContext& context, std::span<const float> values,
                     const Grouping& grouping, const UniformGrid& grid) {
    INFO(grouping.rows << " x " << grouping.columns << " in groups of " << grouping.groupRows << " x "
                       << grouping.groupColumns << ", " << grid.bits << " bits, symmetric " << grid.symmetric
                       << ", half scales " << (grid.scaleType == ScaleType::F16));
    const auto found = backend.roundToGrid(values, grouping, grid, context);
    INFO((found ? "" : describe(found.error())));
    REQUIRE(found);
    const auto expected = naiveRoundToGrid(values, grouping, grid);
    requireSame(found->scales, expected.scales);
    requireSame(found->zeros, expected.zeros);
    requireSame(found->codes, expected.codes);
}

} // namespace

TEST_CASE("Rounding to a grid equals the definition in every bit, for all groupings, bits and scale types") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const std::int64_t rows = 37, columns = 96;
        const auto values = normal(static_cast<std::size_t>(rows * columns), 1);
        for (const auto& [groupRows, groupColumns] : std::vector<std::pair<std::int64_t, std::int64_t>>{
                 {rows, columns}, {1, columns}, {rows, 1}, {1, 32}, {1, 5}, {4, 8}, {10, 100}, {1, 1}, {100, 100}})
            for (const int bits : {2, 3, 4, 8})
                for (const bool symmetric : {true, false})
                    for (const auto type : {ScaleType::F32, ScaleType::F16})
                        requireSameGrid(backend, context, values, {rows, columns, groupRows, groupColumns},
                                        {bits, symmetric, type});
    });
}

TEST_CASE("A single long row and a single long column round like any other matrix") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const auto values = normal(1003, 2);
        for (const std::int64_t group : {1, 7, 128, 300, 1003})
            for (const bool symmetric : {true, false}) {
                requireSameGrid(backend, context, values, {1, 1003, 1, group}, {4, symmetric, ScaleType::F32});
                requireSameGrid(backend, context, values, {1003, 1, group, 1}, {4, symmetric, ScaleType::F32});
            }
    });
}

TEST_CASE("A matrix of several slabs rounds like the definition") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const std::int64_t rows = 40, columns = 519; // small shards hold no more than half a row
        const auto values = normal(static_cast<std::size_t>(rows * columns), 3);
        for (const auto& [groupRows, groupColumns] :
             std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 128}, {rows, columns}, {rows, 1}})
            requireSameGrid(backend, context, values, {rows, columns, groupRows, groupColumns},
                            {4, true, ScaleType::F32});
    });
}

TEST_CASE("Quotients next to a tie round as IEEE single precision does") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        std::mt19937 random(4);
        std::uniform_real_distribution<float> factor(0.5f, 2.f);
        for (const int exponent : {-149, -140, -127, -100, -65, -60, 0, 60, 64, 100, 118}) {
            for (int repeat = 0; repeat < 3; ++repeat) {
                const float scale = std::max(std::ldexp(factor(random), exponent), 0x1p-149f);
                std::vector<float> values{scale * 127.f};
                for (int k = 0; k < 127; ++k) {
                    const float tie = (static_cast<float>(k) + 0.5f) * scale;
                    float value = std::nextafter(std::nextafter(tie, 0.f), 0.f);
                    for (int step = 0; step < 5; ++step) {
                        values.push_back(step % 2 ? -value : value);
                        value = std::nextafter(value, std::numeric_limits<float>::infinity());
                    }
                }
                const auto columns = static_cast<std::int64_t>(values.size());
                requireSameGrid(backend, context, values, {1, columns, 1, columns}, {8, true, ScaleType::F32});
                requireSameGrid(backend, context, values, {1, columns, 1, columns}, {7, false, ScaleType::F32});
            }
        }
    });
}

TEST_CASE("Groups of zeros, denormals, huge values and one sign follow the definition") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const float tiny = std::numeric_limits<float>::denorm_min();
        const float huge = std::numeric_limits<float>::max();
        const std::vector<float> values{0,     -0.f,     0,        0,     tiny,  -tiny,  3 * tiny, 100 * tiny,
                                        huge,  huge / 2, huge / 3, 0,     1,     2,      3,        4,
                                        -1,    -2,       -3,       -0.5f, 1e-8f, -1e-9f, 1e-10f,   0,
                                        70000, 1e5f,     -3e7f,    1,     tiny,  1,      -1,       1e-30f};
        for (const int bits : {2, 4, 8})
            for (const bool symmetric : {true, false})
                for (const auto type : {ScaleType::F32, ScaleType::F16})
                    for (const std::int64_t group : {4, 32})
                        requireSameGrid(backend, context, values, {1, 32, 1, group}, {bits, symmetric, type});
    });
}

TEST_CASE("The error of rounding to a grid is at most half a step") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const auto values = normal(64 * 64, 5);
        const Grouping grouping{64, 64, 1, 16};
        for (const bool symmetric : {true, false}) {
            const UniformGrid grid{5, symmetric, ScaleType::F32};
            const auto found = backend.roundToGrid(values, grouping, grid, context);
            REQUIRE(found);
            const auto back = naiveFromGrid(*found, grouping, grid);
            for (std::size_t i = 0; i < values.size(); ++i) {
                const auto group =
                    static_cast<std::size_t>(grouping.indexOf(std::int64_t(i) / 64, std::int64_t(i) % 64));
                // The zero point is rounded too: at an end of the range it may cost another half.
                const double steps = symmetric ? 0.5 : 1.0;
                REQUIRE(std::fabs(back[i] - double{values[i]}) <= steps * double{found->scales[group]} * (1 + 1e-6));
            }
        }
    });
}

TEST_CASE("Rounding refuses what it cannot do") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        const std::vector<float> values(16, 1.f);
        const auto code = [&](const std::vector<float>& given, const Grouping& grouping, const UniformGrid& grid) {
            const auto result = backend.roundToGrid(given, grouping, grid, context);
            REQUIRE(!result);
            return result.error().code;
        };
        CHECK(code(values, {4, 5, 1, 1}, {}) == ErrorCode::OutOfRange);
        CHECK(code(values, {4, 4, 0, 1}, {}) == ErrorCode::OutOfRange);
        CHECK(code(values, {4, 4, 1, 1}, {1, true, ScaleType::F32}) == ErrorCode::OutOfRange);
        CHECK(code(values, {4, 4, 1, 1}, {9, true, ScaleType::F32}) == ErrorCode::OutOfRange);
        for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN()}) {
            auto broken = values;
            broken[7] = bad;
            CHECK(code(broken, {4, 4, 1, 4}, {}) == ErrorCode::OutOfRange);
        }
        const float huge = std::numeric_limits<float>::max();
        CHECK(code({huge, -huge}, {1, 2, 1, 2}, {4, false, ScaleType::F32}) == ErrorCode::OutOfRange);
        const auto empty = backend.roundToGrid({}, {0, 4, 1, 1}, {}, context);
        REQUIRE(empty);
        CHECK(empty->codes.empty());
    });
}

TEST_CASE("Blocks of Q4_0 and Q8_0 equal the definition in every bit") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        auto values = normal(64 * 256, 6, 0.02f);
        std::fill_n(values.begin(), 32, 0.f);
        values[40] = 3;
        values[50] = -3; // the first of equal magnitudes decides
        values[70] = -2;
        values[80] = 2;
        for (std::size_t i = 96; i < 128; ++i) values[i] = static_cast<float>(i) * 1e-38f;
        for (std::size_t i = 128; i < 160; ++i) values[i] = static_cast<float>(i) * 1e6f;
        for (const auto type : {DType::Q4_0, DType::Q8_0}) {
            REQUIRE(backend.supports(Capability::EncodeBlocks, type));
            const auto found = backend.encodeBlocks(type, values, 256, {}, context);
            INFO(info(type).name << (found ? "" : describe(found.error())));
            REQUIRE(found);
            requireSame(*found, naiveBlocks(type, values));
        }
    });
}

TEST_CASE("Blocks found by search decode with little error, under importance less where it weighs") {
    // Root of the mean squared error over that of the values, for Gaussian values: what good encoders reach.
    const auto bound = [](DType type) { return type == DType::Q4_K ? 0.0725 : type == DType::Q6_K ? 0.0183 : 0.095; };
    const std::int64_t columns = 512;
    const auto values = normal(64 * 512, 9, 0.03f);
    std::vector<float> importance(512);
    for (std::size_t i = 0; i < importance.size(); ++i) importance[i] = i % 7 == 0 ? 25.f : 1.f;
    const auto weightedError = [&](const std::vector<double>& back) {
        double sum = 0;
        for (std::size_t i = 0; i < values.size(); ++i)
            sum += double{importance[i % 512]} * std::pow(back[i] - double{values[i]}, 2);
        return sum;
    };
    onEveryBackend([&](ComputeBackend& backend, const RunContext& context) {
        for (const auto type : {DType::Q4_0, DType::Q4_K, DType::Q6_K}) {
            const auto plain = backend.encodeBlocks(type, values, columns, {}, context);
            const auto weighted = backend.encodeBlocks(type, values, columns, importance, context);
            INFO(info(type).name << (plain ? "" : describe(plain.error())));
            REQUIRE((plain && weighted));
            const auto back = naiveFromBlocks(type, *plain);
            double error = 0, total = 0;
            for (std::size_t i = 0; i < values.size(); ++i) {
                error += std::pow(back[i] - double{values[i]}, 2);
                total += std::pow(double{values[i]}, 2);
            }
            CHECK(std::sqrt(error / total) <= bound(type));
            CHECK(weightedError(naiveFromBlocks(type, *weighted)) < weightedError(back));

            // Devices weigh errors by importance alone, the processor by the size of the weight as well.
            TestRun cpu;
            const auto reference = cpu.backend->encodeBlocks(type, values, columns, importance, cpu.context);
            REQUIRE(reference);
            CHECK(weightedError(naiveFromBlocks(type, *weighted)) ==
                  Approx(weightedError(naiveFromBlocks(type, *reference))).epsilon(0.05));
        }
    });
}

TEST_CASE("Blocks of Q4_K and Q6_K hold zeros, ramps, one sign and extreme values") {
    std::vector<float> values(6 * 256, 0.f);
    for (std::size_t i = 256; i < 512; ++i) values[i] = 3.f;
    for (std::size_t i = 512; i < 768; ++i) values[i] = static_cast<float>(i) * -0.01f;
    for (std::size_t i = 768; i < 1024; ++i) values[i] = i % 2 ? 1e-40f : -1e-40f;
    for (std::size_t i = 1024; i < 1280; ++i) values[i] = static_cast<float>(i % 32) * 100.f;
    values[1300] = 20000.f;
    onEveryBackend([&](ComputeBackend& backend, const RunContext& context) {
        for (const auto type : {DType::Q4_K, DType::Q6_K}) {
            const auto blocks = backend.encodeBlocks(type, values, 256, {}, context);
            REQUIRE(blocks);
            const auto back = naiveFromBlocks(type, *blocks);
            const double levels = type == DType::Q4_K ? 15 : 31;
            for (std::size_t i = 0; i < values.size(); ++i) {
                // Half a step of the part that holds the value, and what rounding scales to their codes adds.
                double largest = 0;
                for (std::size_t k = i / 32 * 32; k < i / 32 * 32 + 32; ++k)
                    largest = std::max(largest, std::fabs(double{values[k]}));
                INFO(info(type).name << " at " << i << ": " << values[i] << " became " << back[i]);
                REQUIRE(std::fabs(back[i] - double{values[i]}) <= largest / levels + 1e-30);
            }
        }
    });
}

TEST_CASE("Encoding blocks refuses what it cannot do") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        std::vector<float> values(64, 1.f);
        for (const auto type : {DType::Q4_0, DType::Q8_0}) {
            for (const std::int64_t columns : {0, 16, 48}) {
                const auto result = backend.encodeBlocks(type, values, columns, {}, context);
                REQUIRE(!result);
                CHECK(result.error().code == ErrorCode::OutOfRange);
            }
        }
        CHECK(!backend.supports(Capability::EncodeBlocks, DType::F16));
        const auto wrong = backend.encodeBlocks(DType::F16, values, 64, {}, context);
        REQUIRE(!wrong);
        CHECK(wrong.error().code == ErrorCode::Unsupported);
        values[3] = std::numeric_limits<float>::quiet_NaN();
        const auto broken = backend.encodeBlocks(DType::Q8_0, values, 64, {}, context);
        REQUIRE(!broken);
        CHECK(broken.error().code == ErrorCode::OutOfRange);
    });
}

TEST_CASE("Error sums equal sums in extended precision") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        for (const std::size_t count : {0u, 1u, 3u, 127u, 4097u, 300001u}) {
            const auto a = normal(count, 7);
            auto b = a;
            const auto noise = normal(count, 8, 1e-3f);
            for (std::size_t i = 0; i < count; ++i) b[i] += noise[i];
            const auto found = backend.errorSums(a, b, context);
            REQUIRE(found);
            const auto expected = naiveErrorSums(a, b);
            // Doubles: 2^-53 per addition, at most 300,000 in a row. Pairs of singles: 2^-45 per addition, at most
            // 16 in a row on a device, then doubles.
            const double bound = 5e-11;
            INFO(count << " pairs");
            CHECK(found->count == expected.count);
            CHECK(std::fabs(found->reference - expected.reference) <= bound * expected.reference);
            CHECK(std::fabs(found->difference - expected.difference) <= bound * expected.difference);
            CHECK(std::fabs(found->product - expected.product) <= bound * expected.reference);
            CHECK(std::fabs(found->result - expected.result) <= bound * expected.result);
            CHECK(std::fabs(found->maximum - expected.maximum) <= 1e-12 * expected.maximum);
        }
        const std::vector<float> three(3), four(4);
        CHECK(!backend.errorSums(three, four, context));
    });
}

TEST_CASE("Tensor operations stop when asked to") {
    onEveryBackend([](ComputeBackend& backend, const RunContext& context) {
        std::stop_source stop;
        stop.request_stop();
        const RunContext stopped{stop.get_token(), context.progress, context.notes, context.backend};
        const std::vector<float> values(1024, 1.f);
        const auto rounded = backend.roundToGrid(values, {1, 1024, 1, 32}, {}, stopped);
        REQUIRE(!rounded);
        CHECK(rounded.error().code == ErrorCode::Cancelled);
        const auto blocks = backend.encodeBlocks(DType::Q8_0, values, 1024, {}, stopped);
        REQUIRE(!blocks);
        CHECK(blocks.error().code == ErrorCode::Cancelled);
        const auto sums = backend.errorSums(values, values, stopped);
        REQUIRE(!sums);
        CHECK(sums.error().code == ErrorCode::Cancelled);
    });
}
