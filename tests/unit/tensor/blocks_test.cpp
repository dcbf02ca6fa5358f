// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/blocks.h"
#include "tests/support/npy.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>

using namespace qscope;
using namespace qscope::engine;

namespace {

struct KnownType {
    const char* name;
    DType type;
};
constexpr KnownType kKnown[] = {
    {"q4_0", DType::Q4_0}, {"q4_1", DType::Q4_1}, {"q5_0", DType::Q5_0},     {"q5_1", DType::Q5_1},
    {"q8_0", DType::Q8_0}, {"q2_K", DType::Q2_K}, {"q3_K", DType::Q3_K},     {"q4_K", DType::Q4_K},
    {"q5_K", DType::Q5_K}, {"q6_K", DType::Q6_K}, {"iq4_nl", DType::IQ4_NL}, {"iq4_xs", DType::IQ4_XS},
    {"tq1_0", DType::TQ1_0}, {"tq2_0", DType::TQ2_0}, {"mxfp4", DType::MXFP4}};

/// Calls `check(type, what, input, importance per value or empty, reference bytes, reference values)` for every known answer.
template<class Check>
void forKnownAnswers(const Check& check) {
    const auto folder = test::realData("quant-kat");
    if (!folder) return;
    int seen = 0;
    for (const std::string model : {"retsim", "mnistfc"}) {
        const auto input = test::readNpy(*folder / (model + ".input.npy"));
        const auto columns = test::readNpy(*folder / (model + ".imatrix.npy"));
        std::vector<float> importance(input.size());
        for (std::size_t i = 0; i < input.size(); ++i) importance[i] = columns[i % columns.size()];
        for (const auto& [name, type] : kKnown)
            for (const bool weighted : {false, true}) {
                const std::string stem = model + "." + name + (weighted ? ".im" : "");
                if (!std::filesystem::exists(*folder / (stem + ".blocks.bin"))) continue;
                ++seen;
                CAPTURE(stem);
                check(type, input, weighted ? importance : std::vector<float>{},
                      test::readBytes(*folder / (stem + ".blocks.bin")), test::readNpy(*folder / (stem + ".dequant.npy")));
            }
    }
    CHECK(seen == 52);
}

std::vector<float> decoded(DType type, std::span<const std::byte> blocks, std::size_t count) {
    std::vector<float> values(count);
    decodeBlocks(type, blocks, values);
    return values;
}

double squaredError(std::span<const float> a, std::span<const float> b, std::span<const float> weights) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += difference * difference * (weights.empty() ? 1.0 : static_cast<double>(weights[i]));
    }
    return sum;
}

constexpr DType kEncoded[] = {DType::Q4_0, DType::Q8_0, DType::Q4_K, DType::Q6_K};

} // namespace

TEST_CASE("Reference blocks decode to the reference values, bit for bit") {
    forKnownAnswers([](DType type, const auto& input, const auto&, const auto& blocks, const auto& values) {
        const auto found = decoded(type, std::as_bytes(std::span(blocks)), input.size());
        CHECK(std::memcmp(found.data(), values.data(), values.size() * sizeof(float)) == 0);
    });
}

TEST_CASE("Q4_0 and Q8_0 give the reference encoder's bytes") {
    forKnownAnswers([](DType type, const auto& input, const auto& importance, const auto& blocks, const auto&) {
        if ((type != DType::Q4_0 && type != DType::Q8_0) || !importance.empty()) return;
        std::vector<std::byte> found(blocks.size());
        encodeBlocks(type, input, {}, found);
        CHECK(std::memcmp(found.data(), blocks.data(), blocks.size()) == 0);
    });
}

TEST_CASE("Searched blocks have no larger weighted error than the reference encoder's") {
    forKnownAnswers([](DType type, const auto& input, const auto& importance, const auto& blocks, const auto& values) {
        if (!canEncodeBlocks(type) || type == DType::Q8_0) return;
        std::vector<std::byte> found(blocks.size());
        encodeBlocks(type, input, importance, found);
        const auto own = decoded(type, found, input.size());
        CHECK(squaredError(input, own, importance) <= squaredError(input, values, importance));
    });
}

TEST_CASE("Normal weights lose no more than the documented error of each block type") {
    const auto values = test::normalValues(std::size_t{1} << 18, 1, 0.02f);
    const std::vector<float> zeros(values.size());
    const auto relative = [&](DType type) {
        std::vector<std::byte> blocks(*storedBytes(type, values.size()));
        encodeBlocks(type, values, {}, blocks);
        const auto own = decoded(type, blocks, values.size());
        return std::sqrt(squaredError(values, own, {}) / squaredError(values, zeros, {}));
    };
    CHECK(relative(DType::Q8_0) <= 0.00540);
    CHECK(relative(DType::Q6_K) <= 0.0178);
    CHECK(relative(DType::Q4_K) <= 0.0713);
    CHECK(relative(DType::Q4_0) <= 0.0862);
}

TEST_CASE("Blocks of zeros, of one value and of extreme values decode to finite values close to them") {
    for (const DType type : kEncoded) {
        CAPTURE(info(type).name);
        for (const float value : {0.f, 1.f, -3.5f, 1e-30f, 60000.f}) {
            CAPTURE(value);
            const std::vector<float> values(512, value);
            std::vector<std::byte> blocks(*storedBytes(type, values.size()));
            encodeBlocks(type, values, {}, blocks);
            for (const float found : decoded(type, blocks, values.size())) {
                REQUIRE(std::isfinite(found));
                // Half precision of the scales: relative 2^-11, and nothing below 2^-24 of a step.
                REQUIRE(std::fabs(found - value) <= std::fabs(value) * 0.04f + 1e-7f);
            }
        }
        std::vector<float> mixed(512);
        for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] = i % 7 == 0 ? 3e38f : -3e38f;
        std::vector<std::byte> blocks(*storedBytes(type, mixed.size()));
        encodeBlocks(type, mixed, {}, blocks);
        for (const float found : decoded(type, blocks, mixed.size())) REQUIRE(std::isfinite(found));
    }
}

TEST_CASE("Importance of zero everywhere counts as even importance") {
    const auto values = test::normalValues(512, 3);
    const std::vector<float> none(values.size()), even(values.size(), 1.f);
    for (const DType type : kEncoded) {
        CAPTURE(info(type).name);
        std::vector<std::byte> a(*storedBytes(type, values.size())), b(a.size());
        encodeBlocks(type, values, none, a);
        encodeBlocks(type, values, even, b);
        CHECK(a == b);
    }
}
