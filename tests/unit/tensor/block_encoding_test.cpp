// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/simd.h"
#include "engine/tensor/block_families.h"
#include "engine/tensor/half.h"
#include "tests/support/random_values.h"
#include "tests/unit/tensor/known_blocks.h"

#include <cmath>
#include <cstring>

using namespace qscope;
using namespace qscope::engine;

namespace {

/// Types that follow a closed rule where there is no importance.
constexpr DType kRuled[]{DType::Q4_0,  DType::Q4_1,  DType::Q5_0,  DType::Q5_1, DType::Q8_0, DType::MXFP4,
                         DType::NVFP4, DType::TQ1_0, DType::TQ2_0, DType::Q1_0, DType::Q2_0};

bool isRuled(DType type) { return std::ranges::find(kRuled, type) != std::end(kRuled); }

/// Importance has no say in these.
constexpr DType kUnweighted[]{DType::Q8_0,  DType::MXFP4, DType::NVFP4, DType::TQ1_0,
                              DType::TQ2_0, DType::Q1_0,  DType::Q2_0};

double at(std::span<const float> values, std::size_t i) { return static_cast<double>(values[i]); }

} // namespace

TEST_CASE("Types with a closed rule give the reference encoder's bytes") {
    int compared = 0;
    test::forKnownBlocks([&](const test::KnownBlocks& known) {
        if (!isRuled(known.type) || !known.importance.empty()) return;
        const auto found = test::encoded(known.type, known.input);
        CHECK(std::memcmp(found.data(), known.blocks.data(), found.size()) == 0);
        ++compared;
    });
    if (compared != 0) CHECK(compared == 16);
}

TEST_CASE("MXFP4 takes the power of two two below the largest magnitude's and the nearest codes") {
    auto values = test::normalValues(64 * 32, 11, 0.1f);
    for (std::size_t i = 0; i < 32; ++i) values[i] = 0.25f * static_cast<float>(i % 16) - 1.75f; // ties
    const auto blocks = test::encoded(DType::MXFP4, values);
    const auto found = test::decoded(DType::MXFP4, blocks, values.size());
    for (std::size_t block = 0; block < values.size() / 32; ++block) {
        double largest = 0;
        for (std::size_t i = 32 * block; i < 32 * block + 32; ++i)
            largest = std::max(largest, std::fabs(at(values, i)));
        const int exponent = static_cast<int>(std::floor(std::log2(largest))) - 2;
        REQUIRE(std::to_integer<int>(blocks[17 * block]) == exponent + 127);
        for (std::size_t i = 32 * block; i < 32 * block + 32; ++i) {
            double nearest = 1e9;
            for (const double level : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0})
                for (const double sign : {-1.0, 1.0})
                    nearest = std::min(nearest, std::fabs(sign * std::ldexp(level, exponent) - at(values, i)));
            REQUIRE(std::fabs(at(found, i) - at(values, i)) == nearest);
        }
    }
}

TEST_CASE("NVFP4 takes the nearest E4M3 scale to a sixth of the largest magnitude and the nearest codes") {
    const std::size_t parts = 400;
    auto values = test::normalValues(parts * 16, 12);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= std::ldexp(1.f, static_cast<int>(i / 16 % 24) - 14);
    const auto blocks = test::encoded(DType::NVFP4, values);
    const auto found = test::decoded(DType::NVFP4, blocks, values.size());
    std::vector<double> scales;
    for (int code = 0; code < 127; ++code)
        scales.push_back(code < 8 ? std::ldexp(code, -9) : std::ldexp(1 + code % 8 / 8.0, code / 8 - 7));
    for (std::size_t part = 0; part < parts; ++part) {
        float largest = 0;
        for (std::size_t i = 16 * part; i < 16 * part + 16; ++i) largest = std::max(largest, std::fabs(values[i]));
        const double wanted = static_cast<double>(largest / 6);
        const auto code = std::to_integer<std::size_t>(blocks[part / 4 * 36 + part % 4]);
        for (const double scale : scales) REQUIRE(std::fabs(scales[code] - wanted) <= std::fabs(scale - wanted));
        for (std::size_t i = 16 * part; i < 16 * part + 16; ++i) {
            double nearest = 1e9;
            for (const double level : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0})
                for (const double sign : {-1.0, 1.0})
                    nearest = std::min(nearest, std::fabs(sign * level * scales[code] - at(values, i)));
            REQUIRE(std::fabs(at(found, i) - at(values, i)) == nearest);
        }
    }
}

TEST_CASE("Q1_0 keeps signs and the mean magnitude, Q2_0 the largest magnitude and three of its levels") {
    const auto values = test::normalValues(128 * 20, 13);
    const auto one = test::decoded(DType::Q1_0, test::encoded(DType::Q1_0, values), values.size());
    const auto two = test::decoded(DType::Q2_0, test::encoded(DType::Q2_0, values), values.size());
    for (std::size_t first = 0; first < values.size(); first += 128) {
        double sum = 0;
        for (std::size_t i = first; i < first + 128; ++i) sum += std::fabs(at(values, i));
        for (std::size_t i = first; i < first + 128; ++i) {
            REQUIRE(std::fabs(at(one, i)) == Approx(sum / 128).epsilon(0x1p-10));
            REQUIRE(std::signbit(one[i]) == std::signbit(values[i]));
        }
    }
    for (std::size_t first = 0; first < values.size(); first += 64) {
        double largest = 0;
        for (std::size_t i = first; i < first + 64; ++i) largest = std::max(largest, std::fabs(at(values, i)));
        for (std::size_t i = first; i < first + 64; ++i)
            REQUIRE(at(two, i) == Approx(std::round(at(values, i) / largest) * largest).epsilon(0x1p-10).margin(1e-9));
    }
}

TEST_CASE("Q1_0 adds magnitudes one after another, however many blocks there are") {
    const auto values = test::normalValues(128 * 7, 19);
    const auto blocks = test::encoded(DType::Q1_0, values);
    for (std::size_t block = 0; block < 7; ++block) {
        float sum = 0;
        for (std::size_t i = 0; i < 128; ++i) sum += std::fabs(values[128 * block + i]);
        std::uint16_t half = 0;
        std::memcpy(&half, blocks.data() + 18 * block, sizeof half);
        CHECK(half == floatToHalf(sum / 128));
        for (std::size_t i = 0; i < 128; ++i)
            REQUIRE((std::to_integer<int>(blocks[18 * block + 2 + i / 8]) >> i % 8 & 1) == (values[128 * block + i] >= 0));
    }
}

TEST_CASE("Values that a ruled type holds exactly come back exactly") {
    for (const DType type : kRuled) {
        CAPTURE(info(type).name);
        const auto values = test::normalValues(64 * 256, 14);
        const auto once = test::decoded(type, test::encoded(type, values), values.size());
        const auto twice = test::decoded(type, test::encoded(type, once), values.size());
        CHECK(once == twice);
    }
}

TEST_CASE("Types without a search give the same bytes under any importance") {
    const auto values = test::normalValues(1024, 15);
    std::vector<float> importance(values.size());
    for (std::size_t i = 0; i < importance.size(); ++i) importance[i] = static_cast<float>(i % 9);
    for (const DType type : kUnweighted) {
        CAPTURE(info(type).name);
        CHECK(test::encoded(type, values, importance) == test::encoded(type, values));
    }
}

TEST_CASE("Importance of zero everywhere counts as even importance") {
    const auto values = test::normalValues(512, 3);
    const std::vector<float> none(values.size()), even(values.size(), 1.f);
    for (const DType type : test::encodedTypes()) {
        CAPTURE(info(type).name);
        CHECK(test::encoded(type, values, none) == test::encoded(type, values, even));
    }
}

TEST_CASE("Rows of zeros stay zero, and one value everywhere comes back close to itself") {
    for (const DType type : test::encodedTypes()) {
        CAPTURE(info(type).name);
        for (const float value : {1.f, -3.5f, 0.01f, 3e4f}) {
            CAPTURE(value);
            const std::vector<float> values(512, value);
            // NVFP4's scales have three fraction bits or less and end at 448; MXFP4's have none. The others are halves.
            const double limit = type == DType::NVFP4   ? (std::fabs(value) > 2000 ? 1 : 0.25)
                                 : type == DType::MXFP4 ? 0.25
                                                        : 0.04;
            for (const float found : test::decoded(type, test::encoded(type, values), values.size()))
                REQUIRE(std::fabs(found - value) <= static_cast<float>(limit) * std::fabs(value));
        }
        const std::vector<float> zeros(512);
        for (const float found : test::decoded(type, test::encoded(type, zeros), zeros.size())) REQUIRE(found == 0);
    }
}

TEST_CASE("Huge, tiny and mixed values encode to finite ones") {
    const auto normal = test::normalValues(512, 16);
    std::vector<float> importance(normal.size());
    for (std::size_t i = 0; i < importance.size(); ++i) importance[i] = static_cast<float>(i % 4);
    const auto filled = [](auto value) {
        std::vector<float> values(512);
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = value(i);
        return values;
    };
    const std::vector<float> cases[]{
        filled([](std::size_t i) { return i % 7 == 0 ? 3.4e38f : -3.4e38f; }),
        filled([&](std::size_t i) { return normal[i] * 1e37f; }),
        filled([&](std::size_t i) { return normal[i] * 1e-38f; }),
        filled([&](std::size_t i) { return normal[i] * 1e-41f; }),
        filled([&](std::size_t i) { return normal[i] * 1e-44f; }),
        filled([](std::size_t i) { return i == 300 ? 3e38f : 0.f; }),
        filled([](std::size_t i) { return i == 300 ? 1e-45f : 0.f; }),
        filled([&](std::size_t i) { return i % 32 == 0 ? 3e38f : normal[i] * 1e-42f; }),
        filled([](std::size_t i) { return -1e30f * static_cast<float>(i); }),
    };
    for (const DType type : test::encodedTypes())
        for (const auto& values : cases)
            for (const bool weighted : {false, true}) {
                CAPTURE(info(type).name, &values - cases, weighted);
                const auto blocks = test::encoded(type, values, weighted ? importance : std::vector<float>{});
                const auto found = test::decoded(type, blocks, values.size());
                const auto isFinite = [](float value) { return std::isfinite(value); };
                REQUIRE(std::ranges::all_of(found, isFinite));
                double largest = 0, error = 0;
                for (std::size_t i = 0; i < values.size(); ++i) {
                    largest = std::max(largest, std::fabs(at(values, i)));
                    error = std::max(error, std::fabs(at(found, i) - at(values, i)));
                }
                // Never worse than what is beside the point: twice the largest value.
                REQUIRE(error <= 2 * largest);
            }
}

TEST_CASE("The first of equal magnitudes and the first zero decide, as in the reference encoder") {
    const auto encodedBlock = [](DType type, std::vector<float> values) {
        values.resize(32, values.back());
        return test::encoded(type, values);
    };
    // d = peak / -8, stored as a half: its sign is that of the second byte's top bit, the largest magnitude takes code
    // 0.
    const auto sign = [](const std::vector<std::byte>& block, std::size_t half) {
        return std::to_integer<int>(block[2 * half + 1]) >> 7;
    };
    for (const DType type : {DType::Q4_0, DType::Q5_0}) {
        CAPTURE(info(type).name);
        CHECK(sign(encodedBlock(type, {1.f, 2.f, -2.f, 0.f}), 0) == 1);
        CHECK(sign(encodedBlock(type, {1.f, -2.f, 2.f, 0.f}), 0) == 0);
        for (const float zero : {0.f, -0.f}) CHECK(sign(encodedBlock(type, {zero}), 0) == 1); // 0 / -8
    }
    for (const DType type : {DType::Q4_1, DType::Q5_1}) {
        CAPTURE(info(type).name);
        CHECK(sign(encodedBlock(type, {1.f, 0.f, -0.f, 3.f}), 1) == 0);
        CHECK(sign(encodedBlock(type, {1.f, -0.f, 0.f, 3.f}), 1) == 1);
        CHECK(sign(encodedBlock(type, {-0.f, 0.f}), 0) == 0);
    }
}

#if defined(__x86_64__)
TEST_CASE("Encoders for AVX2 give the bytes of the plain ones") {
    if (!__builtin_cpu_supports("avx2")) {
        WARN("skipped: this processor has no AVX2");
        return;
    }
    struct Pair {
        DType type;
        detail::BlockEncoder *plain, *wide;
    };
    const Pair pairs[]{{DType::Q4_0, detail::encodeQ4_0, detail::wide::encodeQ4_0},
                       {DType::Q4_1, detail::encodeQ4_1, detail::wide::encodeQ4_1},
                       {DType::Q5_0, detail::encodeQ5_0, detail::wide::encodeQ5_0},
                       {DType::Q5_1, detail::encodeQ5_1, detail::wide::encodeQ5_1},
                       {DType::Q8_0, detail::encodeQ8_0, detail::wide::encodeQ8_0},
                       {DType::MXFP4, detail::encodeMXFP4, detail::wide::encodeMXFP4},
                       {DType::NVFP4, detail::encodeNVFP4, detail::wide::encodeNVFP4}};
    const std::size_t count = 64 * 400;
    const auto normal = test::normalValues(count, 17), other = test::normalValues(count, 18);
    std::vector<std::vector<float>> inputs{normal};
    const auto add = [&](auto value) {
        auto& values = inputs.emplace_back(count);
        for (std::size_t i = 0; i < count; ++i) values[i] = value(i);
    };
    add([&](std::size_t i) { return std::round(normal[i] * 8) / 8; }); // ties and both zeros
    add([&](std::size_t i) { return std::round(normal[i] * 0.6f) * (i / 32 % 3 == 0 ? 0.f : 1.f); }); // blocks of zeros
    add([&](std::size_t i) {
        return std::fabs(std::round(normal[i])) * (other[i] < 0 ? -0.f : 1.f);
    }); // lowest is either zero
    add([&](std::size_t i) { return std::ldexp(normal[i], static_cast<int>(i / 16 % 250) - 125); }); // every scale
    add([&](std::size_t i) { return std::ldexp(normal[i], static_cast<int>(i % 290) - 165); }); // every size in a block
    add([&](std::size_t i) { return other[i] < 0 ? -3.4e38f : 3.4e38f * (std::fabs(normal[i]) / 8); });
    add([&](std::size_t i) {
        return floatOf(static_cast<std::int32_t>(i * 2654435761u) & ~(1 << 30));
    }); // any bits below 2
    for (const auto& [type, plain, wide] : pairs)
        for (const auto& values : inputs) {
            CAPTURE(info(type).name, &values - inputs.data());
            std::vector<std::uint8_t> expected(*storedBytes(type, count)), found(expected.size());
            const std::size_t blocks = count / static_cast<std::size_t>(info(type).blockLength);
            plain(values.data(), expected.data(), blocks);
            wide(values.data(), found.data(), blocks);
            const auto differs = std::ranges::mismatch(found, expected).in1;
            if (differs != found.end()) FAIL("byte " << differs - found.begin());
        }
}
#endif
