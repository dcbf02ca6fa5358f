// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/round_to_nearest/rtn_method.h"

#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeRoundToNearest();

ParamValues parameters(const std::string& text) {
    const auto spec = parseMethodSpec(text);
    REQUIRE(spec);
    const auto values = resolveParameters(kMethod->info().parameters, *spec);
    REQUIRE(values);
    return *values;
}

Result<QuantizedTensor> quantize(const TensorView& tensor, const std::string& text, test::TestRun& run) {
    return kMethod->quantize(inputOf(tensor), parameters(text), 0, run.context);
}

std::vector<float> randomWeights(std::size_t count, std::uint64_t seed = 1) {
    std::vector<float> weights(count);
    for (std::size_t i = 0; i < count; ++i)
        weights[i] = static_cast<float>(uniform(seed, 0, i) + uniform(seed, 1, i) + uniform(seed, 2, i) - 1.4);
    return weights;
}

/// All positive finite half-precision numbers in ascending order; the parity of the index is that of the last bit.
std::vector<double> halves() {
    std::vector<double> values;
    for (int exponent = 0; exponent < 31; ++exponent)
        for (int mantissa = 0; mantissa < 1024; ++mantissa)
            values.push_back(exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
    return values;
}

float nearestHalf(float scale) {
    static const std::vector<double> values = halves();
    const auto wanted = static_cast<double>(scale);
    // The smallest above zero and the largest bound the search; of two at the same distance the even one is nearest.
    const auto above = std::lower_bound(values.begin() + 1, values.end() - 1, wanted) - values.begin();
    const auto below = std::max<std::ptrdiff_t>(1, above - 1);
    const double up = std::abs(values[static_cast<std::size_t>(above)] - wanted);
    const double down = std::abs(wanted - values[static_cast<std::size_t>(below)]);
    const auto best = static_cast<std::size_t>(up < down || (up == down && above % 2 == 0) ? above : below);
    return static_cast<float>(values[best]);
}

/// The definition, one weight at a time: every weight looks for the extremes of its own group.
struct Oracle {
    std::vector<float> weights;
    std::int64_t rows, columns, groupRows, groupColumns;
    int bits;
    bool symmetric, half;

    struct Group {
        float scale;
        float zero;
    };
    Group group(std::int64_t row, std::int64_t column) const {
        float lo = 0;
        float hi = 0;
        for (std::int64_t r = row / groupRows * groupRows; r < std::min(rows, (row / groupRows + 1) * groupRows); ++r)
            for (std::int64_t c = column / groupColumns * groupColumns;
                 c < std::min(columns, (column / groupColumns + 1) * groupColumns); ++c) {
                lo = std::min(lo, weights[static_cast<std::size_t>(r * columns + c)]);
                hi = std::max(hi, weights[static_cast<std::size_t>(r * columns + c)]);
            }
        const float range = symmetric ? std::max(-lo, hi) : hi - lo;
        if (range == 0) return {0, 0};
        float scale = range / static_cast<float>(symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1);
        if (half) scale = nearestHalf(scale);
        const float top = static_cast<float>((1 << bits) - 1);
        return {scale, symmetric ? 0 : std::clamp(std::nearbyint(-lo / scale), 0.0f, top)};
    }
    int code(std::int64_t row, std::int64_t column, const Group& g) const {
        if (g.scale == 0) return 0;
        const float low = symmetric ? -static_cast<float>((1 << (bits - 1)) - 1) : 0;
        const float high = symmetric ? -low : static_cast<float>((1 << bits) - 1);
        const float w = weights[static_cast<std::size_t>(row * columns + column)];
        return static_cast<int>(std::clamp(std::nearbyint(w / g.scale) + g.zero, low, high));
    }
    /// `every`: only each so many weights, for large tensors.
    void compare(const QuantizedTensor& tensor, std::int64_t every = 1) const {
        const auto& codes = std::get<GridCodes>(tensor.codes);
        REQUIRE(codes.values.codes.size() == weights.size());
        REQUIRE(static_cast<std::int64_t>(codes.values.scales.size()) == codes.grouping.count());
        REQUIRE(codes.values.zeros.size() == (symmetric ? 0 : codes.values.scales.size()));
        for (std::int64_t i = 0; i < rows * columns; i += every) {
            const Group g = group(i / columns, i % columns);
            const std::int64_t index = codes.grouping.indexOf(i / columns, i % columns);
            const auto raw = codes.values.codes[static_cast<std::size_t>(i)];
            REQUIRE(codes.values.scales[static_cast<std::size_t>(index)] == g.scale);
            if (!symmetric) REQUIRE(codes.values.zeros[static_cast<std::size_t>(index)] == static_cast<int>(g.zero));
            REQUIRE((symmetric ? static_cast<std::int8_t>(raw) : raw) == code(i / columns, i % columns, g));
        }
    }
};

} // namespace

TEST_CASE("round to nearest gives the codes of its definition in every combination", "[quant]") {
    test::TestRun run;
    const std::int64_t rows = 6;
    const std::int64_t columns = 22;
    auto weights = randomWeights(static_cast<std::size_t>(rows * columns));
    for (std::size_t i = 0; i < 10; ++i) weights[i] = 0; // a group without range
    weights[30] = 1e-9f;
    const TensorView tensor = makeTensor({2, 3, columns}, weights); // of rank 3: a matrix of 6 rows
    const struct {
        std::string text;
        std::int64_t groupRows, groupColumns;
    } groupings[] = {{"granularity=tensor", rows, columns},
                     {"granularity=output-channel", 1, columns},
                     {"granularity=input-channel", rows, 1},
                     {"granularity=group,group=11", 1, 11},
                     {"granularity=group,group=5", 1, 5},
                     {"granularity=group,group=1", 1, 1},
                     {"granularity=group,group=4096", 1, columns}};
    for (const auto& grouping : groupings)
        for (int bits = 2; bits <= 8; ++bits)
            for (const bool symmetric : {true, false})
                for (const bool half : {false, true}) {
                    const std::string text = fmt::format("rtn:{},bits={},symmetric={},scale={}", grouping.text, bits,
                                                         symmetric, half ? "f16" : "f32");
                    INFO(text);
                    const auto quantized = quantize(tensor, text, run);
                    REQUIRE(quantized);
                    CHECK(quantized->shape == Shape{2, 3, columns});
                    Oracle{weights, rows, columns, grouping.groupRows, grouping.groupColumns, bits, symmetric, half}
                        .compare(*quantized);
                    CHECK(bitsPerWeight(*kMethod->outline({tensor.shape}, parameters(text))) ==
                          Approx(static_cast<double>(storedBits(*quantized)) / static_cast<double>(weights.size())).epsilon(1e-14));
                }
}

TEST_CASE("the definition also holds where a tensor passes through in steps", "[quant]") {
    test::TestRun run;
    const auto weights = randomWeights(3 * 2'000'003);
    const std::string text = GENERATE("rtn:granularity=tensor,symmetric=false", "rtn:granularity=output-channel",
                                      "rtn:group=128", "rtn:granularity=input-channel,symmetric=false");
    INFO(text);
    const bool tensorWide = text.find("=tensor") != std::string::npos;
    const bool inputChannel = text.find("=input") != std::string::npos;
    const bool grouped = text.find("group=") != std::string::npos;
    // Input channels: many rows, so that a channel spans several steps.
    const std::int64_t rows = inputChannel ? 2'000'003 : 3;
    const std::int64_t columns = inputChannel ? 3 : 2'000'003;
    const auto quantized = quantize(makeTensor({rows, columns}, weights), text, run);
    REQUIRE(quantized);
    CHECK(run.progress.done == rows * columns);
    Oracle{weights, rows, columns, inputChannel || tensorWide ? rows : 1,
           inputChannel ? 1 : grouped ? 128 : columns, 4, text.find("false") == std::string::npos, false}
        .compare(*quantized, grouped ? 997 : 1'499'999);
}

TEST_CASE("codes do not depend on the number of threads or on how weights are stored", "[quant]") {
    const auto weights = randomWeights(300 * 700, 5);
    const std::string text = GENERATE("rtn:group=64,symmetric=false", "rtn:granularity=tensor", "rtn:granularity=input-channel");
    INFO(text);
    test::TestRun run;
    const auto reference = quantize(makeTensor({300, 700}, weights), text, run);
    REQUIRE(reference);
    for (const int threads : {1, 2, 5}) {
        const ThreadLimit limit(threads);
        const auto again = quantize(makeTensor({300, 700}, weights), text, run);
        REQUIRE(again);
        const auto& a = std::get<GridCodes>(reference->codes).values;
        const auto& b = std::get<GridCodes>(again->codes).values;
        CHECK(a.codes == b.codes);
        CHECK(a.scales == b.scales);
        CHECK(a.zeros == b.zeros);
    }
    std::vector<std::byte> wide(weights.size() * 8);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const double value = weights[i];
        std::memcpy(wide.data() + 8 * i, &value, 8);
    }
    const auto fromDouble = quantize(makeTensor(DType::F64, {300, 700}, wide), text, run);
    REQUIRE(fromDouble);
    CHECK(std::get<GridCodes>(fromDouble->codes).values.codes == std::get<GridCodes>(reference->codes).values.codes);
}

TEST_CASE("weights that are not finite are refused by place in every granularity", "[quant]") {
    for (const char* granularity : {"tensor", "output-channel", "input-channel", "group"}) {
        test::TestRun run;
        auto weights = randomWeights(8 * 16);
        weights[5 * 16 + 3] = std::numeric_limits<float>::infinity();
        const auto refused = quantize(makeTensor({8, 16}, weights), fmt::format("rtn:granularity={}", granularity), run);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == ErrorCode::OutOfRange);
        CHECK(refused.error().message.find("row 5, column 3 is infinite") == 0);
    }
}

TEST_CASE("an empty tensor is not accepted, a scalar is one group", "[quant]") {
    test::TestRun run;
    CHECK(kMethod->outline({{0, 4}}, parameters("rtn")).error().code == ErrorCode::Unsupported);
    CHECK(quantize(makeTensor({0, 4}, std::vector<float>()), "rtn", run).error().code == ErrorCode::Unsupported);
    const auto scalar = quantize(makeTensor({}, {-2.5f}), "rtn", run);
    REQUIRE(scalar);
    float value = 0;
    REQUIRE(dequantize(*scalar, 0, std::span(&value, 1)));
    CHECK(value == Approx(-2.5f));
}

TEST_CASE("round to nearest stops when asked", "[quant]") {
    test::TestRun run;
    run.stop.request_stop();
    for (const char* text : {"rtn", "rtn:granularity=tensor"})
        CHECK(quantize(makeTensor({64, 64}, randomWeights(4096)), text, run).error().code == ErrorCode::Cancelled);
}
