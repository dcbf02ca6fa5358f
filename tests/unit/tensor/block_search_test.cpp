// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/random_values.h"
#include "tests/unit/tensor/known_blocks.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

double at(std::span<const float> values, std::size_t i) { return static_cast<double>(values[i]); }

/// Sum of w (x - y)².
double squaredError(std::span<const float> x, std::span<const float> y, std::span<const double> w) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += w[i] * std::pow(at(x, i) - at(y, i), 2);
    return sum;
}

/// The weights by which the reference encoder judges an error: with importance i_j, i_j sqrt(2 mean(x²) + x²) with the
/// mean over 256 values; without, the root of the mean of squares of 32 values, plus |x|.
std::vector<double> referenceWeights(std::span<const float> x, std::span<const float> importance) {
    const std::size_t length = importance.empty() ? 32 : 256;
    std::vector<double> weights(x.size());
    for (std::size_t first = 0; first < x.size(); first += length) {
        double mean = 0;
        for (std::size_t i = first; i < first + length; ++i) mean += at(x, i) * at(x, i) / static_cast<double>(length);
        for (std::size_t i = first; i < first + length; ++i)
            weights[i] = importance.empty() ? std::sqrt(mean) + std::fabs(at(x, i))
                                            : at(importance, i) * std::sqrt(2 * mean + at(x, i) * at(x, i));
    }
    return weights;
}

/// Limits a little above what was measured: a search that loses any of its steps exceeds them.
struct Quality {
    DType type;
    double plain;      ///< weighted error over that of the reference's blocks, without importance
    double important;  ///< with importance
    double relative;   ///< root of the relative squared error on normal values, without importance
};
constexpr Quality kQualities[]{
    {DType::Q4_0, 1, 0.995, 0.0862},    {DType::Q4_1, 1, 0.996, 0.0784},   {DType::Q5_0, 1, 0.982, 0.0428},
    {DType::Q5_1, 1, 0.991, 0.0380},    {DType::Q2_K, 0.885, 0.991, 0.2665}, {DType::Q3_K, 0.940, 1.0, 0.1453},
    {DType::Q4_K, 0.982, 0.983, 0.0706}, {DType::Q5_K, 0.925, 0.943, 0.0348}, {DType::Q6_K, 0.970, 0.985, 0.0174},
    {DType::IQ4_NL, 0.970, 0.983, 0.0742}, {DType::IQ4_XS, 0.970, 0.976, 0.0748}, {DType::Q8_0, 1, 1, 0.0054},
    {DType::MXFP4, 1, 1, 0.1150},       {DType::NVFP4, 1, 1, 0.1040},      {DType::TQ1_0, 1, 1, 0.8120},
    {DType::TQ2_0, 1, 1, 0.8120},       {DType::Q1_0, 1, 1, 0.6040},       {DType::Q2_0, 1, 1, 0.7230},
};

const Quality& qualityOf(DType type) { return *std::ranges::find(kQualities, type, &Quality::type); }

constexpr DType kSearched[]{DType::Q4_0, DType::Q4_1, DType::Q5_0, DType::Q5_1, DType::Q2_K,   DType::Q3_K,
                            DType::Q4_K, DType::Q5_K, DType::Q6_K, DType::IQ4_NL, DType::IQ4_XS};

std::vector<float> unevenImportance(std::size_t count) {
    std::vector<float> importance = test::normalValues(count, 31);
    for (float& weight : importance) weight *= weight;
    return importance;
}

} // namespace

TEST_CASE("Searched blocks have less weighted error than the reference encoder's") {
    test::forKnownBlocks([](const test::KnownBlocks& known) {
        if (!canEncodeBlocks(known.type)) return;
        const auto own = test::decoded(known.type, test::encoded(known.type, known.input, known.importance), known.input.size());
        const auto weights = referenceWeights(known.input, known.importance);
        const double ratio = squaredError(known.input, own, weights) / squaredError(known.input, known.values, weights);
        CHECK(ratio <= (known.importance.empty() ? qualityOf(known.type).plain : qualityOf(known.type).important));
        if (known.importance.empty()) {
            const std::vector<double> even(known.input.size(), 1);
            CHECK(squaredError(known.input, own, even) <= squaredError(known.input, known.values, even));
        }
    });
}

TEST_CASE("Normal weights lose no more than the documented error of each block type") {
    const auto values = test::normalValues(std::size_t{1} << 17, 1, 0.02f);
    const std::vector<float> zeros(values.size());
    const std::vector<double> even(values.size(), 1);
    for (const DType type : test::encodedTypes()) {
        CAPTURE(info(type).name);
        const auto own = test::decoded(type, test::encoded(type, values), values.size());
        CHECK(std::sqrt(squaredError(values, own, even) / squaredError(values, zeros, even)) <= qualityOf(type).relative);
    }
}

TEST_CASE("Importance lowers the error where it weighs") {
    const auto values = test::normalValues(std::size_t{1} << 15, 32);
    const auto importance = unevenImportance(values.size());
    const std::vector<double> weights(importance.begin(), importance.end());
    for (const DType type : kSearched) {
        CAPTURE(info(type).name);
        const auto without = test::decoded(type, test::encoded(type, values), values.size());
        const auto with = test::decoded(type, test::encoded(type, values, importance), values.size());
        CHECK(squaredError(values, with, weights) <= 0.92 * squaredError(values, without, weights));
    }
}

TEST_CASE("Only the ratios of importance matter, however large or small it is") {
    const auto values = test::normalValues(4096, 33);
    const auto importance = unevenImportance(values.size());
    for (const DType type : kSearched)
        for (const float factor : {0x1p-100f, 0x1p100f}) {
            CAPTURE(info(type).name, factor);
            auto scaled = importance;
            for (float& weight : scaled) weight *= factor;
            CHECK(test::encoded(type, values, scaled) == test::encoded(type, values, importance));
        }
}

TEST_CASE("A block is encoded alike alone and among others, and at any power of two") {
    const auto values = test::normalValues(8192, 34);
    const auto importance = unevenImportance(values.size());
    auto larger = values;
    for (float& value : larger) value *= 4;
    for (const DType type : test::encodedTypes())
        for (const bool weighted : {false, true}) {
            CAPTURE(info(type).name, weighted);
            const std::span<const float> weights = weighted ? importance : std::span<const float>{};
            const auto together = test::encoded(type, values, weights);
            const auto length = static_cast<std::size_t>(info(type).blockLength);
            std::vector<std::byte> alone;
            for (std::size_t first = 0; first < values.size(); first += length) {
                const auto one = test::encoded(type, std::span(values).subspan(first, length),
                                               weighted ? weights.subspan(first, length) : weights);
                alone.insert(alone.end(), one.begin(), one.end());
            }
            CHECK(alone == together);
            auto expected = test::decoded(type, together, values.size());
            for (float& value : expected) value *= 4;
            CHECK(test::decoded(type, test::encoded(type, larger, weights), values.size()) == expected);
        }
}

TEST_CASE("Encoding what a searched type already holds changes next to nothing") {
    const auto values = test::normalValues(std::size_t{1} << 15, 35);
    const std::vector<double> even(values.size(), 1);
    for (const DType type : kSearched) {
        CAPTURE(info(type).name);
        const auto once = test::decoded(type, test::encoded(type, values), values.size());
        const auto twice = test::decoded(type, test::encoded(type, once), values.size());
        CHECK(squaredError(once, twice, even) <= 0.04 * squaredError(values, once, even));
    }
}
