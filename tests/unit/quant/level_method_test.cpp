// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/number_formats/level_method.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

const QuantMethod& method(std::string_view id) {
    static const auto methods = makeLevelMethods();
    for (const auto& each : methods)
        if (each->info().id == id) return *each;
    throw std::runtime_error("no such method");
}

Result<QuantizedTensor> quantized(std::string_view id, const TensorView& weight, std::map<std::string, std::string> parameters = {}) {
    TestRun run;
    const auto values = resolveParameters(method(id).info().parameters, {std::string(id), std::move(parameters)});
    REQUIRE(values);
    return method(id).quantize(inputOf(weight), *values, 0, run.context);
}

const LevelCodes& levels(const QuantizedTensor& tensor) { return std::get<LevelCodes>(tensor.codes); }

/// Every weight is as near to its level as to any other, times the scale that its group has.
void expectNearest(const QuantizedTensor& tensor, const std::vector<float>& weights) {
    const LevelCodes& codes = levels(tensor);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        const auto group = codes.grouping.indexOf(at / codes.grouping.columns, at % codes.grouping.columns);
        const double scale = static_cast<double>(codes.scales[static_cast<std::size_t>(group)]) / (codes.hasTensorScale ? codes.tensorScale : 1.0);
        double best = std::numeric_limits<double>::infinity();
        for (const float level : codes.levels)
            if (std::isfinite(level)) best = std::min(best, std::abs(level * scale - static_cast<double>(weights[i])));
        const double own = std::abs(codes.levels[codes.codes[i]] * scale - static_cast<double>(weights[i]));
        if (own > best + 1e-6 * scale) FAIL("weight " << i << " is off by " << own << ", the nearest level by " << best);
    }
}

} // namespace

TEST_CASE("every number format takes the nearest level") {
    const auto weights = normalValues(48 * 128, 3, 0.05f);
    const auto tensor = makeTensor({48, 128}, weights);
    for (const char* id : {"fp8", "nvfp4_ct", "mxfp4_ct", "mxfp8_ct", "nf4", "fp4"}) {
        INFO(id);
        const auto result = quantized(id, tensor);
        REQUIRE(result);
        expectNearest(*result, weights);
        const auto values = resolveParameters(method(id).info().parameters, {id, {}});
        const auto outline = method(id).outline({{48, 128}}, *values);
        REQUIRE(outline);
        CHECK(storedBits(*outline) == storedBits(*result));
        CHECK(describe(*outline) == describe(*result));
    }
    for (const char* granularity : {"output-channel", "block"}) {
        const auto result = quantized("fp8", tensor, {{"granularity", granularity}, {"high", "20"}, {"wide", "48"}});
        REQUIRE(result);
        expectNearest(*result, weights);
    }
}

TEST_CASE("scales follow the rule of their format") {
    std::vector<float> weights(64, 0.0f);
    weights[3] = -1.74f; // counts as 1
    weights[40] = 1.75f; // counts as 2
    const auto mx = quantized("mxfp4_ct", makeTensor({1, 64}, weights));
    REQUIRE(mx);
    CHECK(levels(*mx).scales == std::vector<float>{0.25f, 0.5f});
    const auto nv = quantized("nvfp4_ct", makeTensor({1, 64}, weights));
    REQUIRE(nv);
    CHECK(levels(*nv).tensorScale == 448.0f * 6.0f / 1.75f);
    CHECK(levels(*nv).scales[0] == 448); // 445 and a half to the nearest E4M3
    CHECK(levels(*nv).scales[1] == 0);
    CHECK(levels(*nv).scales[2] == 448);
    const auto nf = quantized("nf4", makeTensor({1, 64}, weights));
    REQUIRE(nf);
    CHECK(levels(*nf).scales == std::vector<float>{1.75f});
}

TEST_CASE("double quantization stores scales in 8 bits and keeps the codes of the exact ones") {
    const auto weights = normalValues(64 * 600, 5, 0.1f);
    const auto tensor = makeTensor({64, 600}, weights);
    const auto plain = quantized("nf4", tensor), nested = quantized("nf4", tensor, {{"double", "true"}});
    REQUIRE(plain);
    REQUIRE(nested);
    CHECK(levels(*plain).codes == levels(*nested).codes);
    REQUIRE(levels(*nested).nested);
    const NestedScales& scales = *levels(*nested).nested;
    CHECK(scales.levels.size() == 256);
    CHECK(scales.peaks.size() == 3);
    for (std::size_t i = 0; i < scales.codes.size(); ++i) {
        const float meant = scales.levels[scales.codes[i]] * scales.peaks[i / 256] + scales.mean;
        CHECK(levels(*nested).scales[i] == meant);
        CHECK(std::abs(meant - levels(*plain).scales[i]) <= 0.02f * scales.peaks[i / 256]);
    }
    CHECK(bitsPerWeight(*plain) == Approx(4.5));
    CHECK(bitsPerWeight(*nested) == Approx(4.1283).margin(0.0001));
}

TEST_CASE("zeros stay zero, what is not finite is refused, and so are rows that groups do not divide") {
    for (const char* id : {"fp8", "nvfp4_ct", "mxfp4_ct", "mxfp8_ct", "nf4", "fp4"}) {
        INFO(id);
        const auto zeros = quantized(id, makeTensor({2, 32}, std::vector<float>(64, 0.0f)));
        REQUIRE(zeros);
        std::vector<float> values(64, 1);
        REQUIRE(dequantize(*zeros, 0, values));
        CHECK(values == std::vector<float>(64, 0.0f));
        for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            std::vector<float> weights(64, 1);
            weights[5] = bad;
            const auto refused = quantized(id, makeTensor({2, 32}, weights));
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == ErrorCode::OutOfRange);
        }
    }
    CHECK(quantized("mxfp4_ct", makeTensor({1, 33}, std::vector<float>(33, 1.0f))).error().code == ErrorCode::Unsupported);
}
