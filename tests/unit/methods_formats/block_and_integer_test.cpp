// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/block_scale.h"
#include "engine/quant/forms.h"
#include "engine/quant/named_grids.h"
#include "plugins/number_formats/level_method.h"
#include "plugins/number_formats/methods.h"
#include "plugins/number_formats/min_max.h"
#include "tests/support/random_values.h"
#include "tests/unit/methods_formats/method_run.h"

#include <algorithm>
#include <numeric>
#include <tuple>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

TEST_CASE("block float: the step is two to the exponent of the largest, and bits count exponents and order") {
    const auto method = makeBlockFloat();
    std::vector<float> weights(64, 0.1F);
    weights[3] = -5;    // exponent 2: step 1 with four bits
    weights[40] = 0.9F; // exponent -1: step 1/8
    const auto result = quantizedBy(*method, inputOf(makeTensor({1, 64}, weights)), {{"sort", "false"}});
    REQUIRE(result);
    const auto values = valuesOf(*result);
    CHECK(values[3] == -5);
    CHECK(values[0] == 0);
    CHECK(values[40] == 0.875F);
    CHECK(values[41] == 0.125F);
    CHECK(storedBits(*result) == 64 * 4 + 2 * 8);
    const auto sorted = quantizedBy(*method, inputOf(makeTensor({1, 64}, weights)), {});
    REQUIRE(sorted);
    CHECK(storedBits(*sorted) == 64 * 4 + 2 * 8 + 64 * 6);
}

TEST_CASE("block float: errors on normal values are those that were computed independently") {
    const auto weights = normalValues(256 * 512, 12);
    const auto method = makeBlockFloat();
    for (const auto& [block, meant] : {std::pair{"16", .0136}, {"32", .0175}, {"64", .0203}, {"128", .0213}}) {
        const auto result =
            quantizedBy(*method, inputOf(makeTensor({256, 512}, weights)), {{"sort", "false"}, {"block", block}});
        REQUIRE(result);
        CHECK(relativeErrorOf(weights, *result) == Approx(meant).epsilon(0.03));
    }
}

TEST_CASE("K-sort: planted large channels fall into few blocks, the others are saved") {
    // 128 channels, every 8th thirty times larger: the relative error of the small ones, before and after.
    auto weights = normalValues(1024 * 128, 13);
    for (std::size_t i = 0; i < weights.size(); i += 8) weights[i] *= 30;
    const auto method = makeBlockFloat();
    const auto smallError = [&](const char* block, const char* sort) {
        const auto result =
            quantizedBy(*method, inputOf(makeTensor({1024, 128}, weights)), {{"block", block}, {"sort", sort}});
        REQUIRE(result);
        const auto values = valuesOf(*result);
        double error = 0, energy = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            if (i % 8 == 0) continue;
            error += std::pow(static_cast<double>(weights[i]) - static_cast<double>(values[i]), 2);
            energy += std::pow(static_cast<double>(weights[i]), 2);
        }
        return error / energy;
    };
    CHECK(smallError("16", "false") == Approx(.83).epsilon(0.05));
    CHECK(smallError("16", "true") == Approx(.0137).epsilon(0.05));
    CHECK(smallError("32", "false") == Approx(.94).epsilon(0.05));
    // Sixteen of the small ones, those of largest norm, share the last block of large ones.
    CHECK(smallError("32", "true") == Approx(.165).epsilon(0.05));
    CHECK(smallError("128", "true") == Approx(smallError("128", "false")));
}

TEST_CASE("K-sort leaves every weight in its place") {
    std::vector<float> weights(8 * 16);
    for (std::size_t i = 0; i < weights.size(); ++i)
        weights[i] = static_cast<float>(1 + i % 7) * std::exp2(static_cast<float>(i % 16 % 5));
    const auto method = makeBlockFloat();
    const auto exact = quantizedBy(*method, inputOf(makeTensor({8, 16}, weights)), {{"mantissa", "8"}, {"block", "2"}});
    REQUIRE(exact);
    CHECK(relativeErrorOf(weights, *exact) < 1e-4);
    const auto zeros = quantizedBy(*method, inputOf(makeTensor({2, 16}, std::vector<float>(32, 0.0F))), {});
    REQUIRE(zeros);
    CHECK(valuesOf(*zeros) == std::vector<float>(32, 0.0F));
}

TEST_CASE("scales of blocks follow the rule of their type") {
    const Grid e2m1 = minifloatGrid(2, 1);
    for (const auto& [rule, at7, at5, at6] : {std::tuple{BlockScale::FloorPower, 1.0F, 1.0F, 1.0F},
                                              {BlockScale::RoundedPower, 2.0F, 1.0F, 1.0F},
                                              {BlockScale::CeilPower, 2.0F, 1.0F, 1.0F}}) {
        CHECK(blockScale(rule, 7, e2m1) == at7);
        CHECK(blockScale(rule, 5, e2m1) == at5);
        CHECK(blockScale(rule, 6, e2m1) == at6);
        CHECK(blockScale(rule, 0, e2m1) == 0x1p-127F);
    }
    CHECK(blockScale(BlockScale::RoundedPower, 6.9F, e2m1) == 1); // below 1.75 times 4
    CHECK(blockScale(BlockScale::Exact, 3, e2m1) == 0.5F);
    CHECK(blockScale(BlockScale::E4M3, 6 * 1.0624F, e2m1) == 1); // numbers around 1 are 1/8 apart
    CHECK(blockScale(BlockScale::E4M3, 6 * 1.07F, e2m1) == 1.125F);
    CHECK(blockScale(BlockScale::E4M3, 1e-4F, e2m1) == 0);
    CHECK(blockScale(BlockScale::UE5M3, 6e-5F, e2m1) == Approx(1e-5F).epsilon(0.25)); // E4M3 has nothing there
    CHECK(blockScale(BlockScale::FloorPower, 5, integerGrid(4, IntegerRange::Full)) == 1);
    CHECK(tensorScale(BlockScale::E4M3, 448 * 6 * 3, e2m1) == 3);
    CHECK(tensorScale(BlockScale::FloorPower, 100, e2m1) == 1);
    for (int i = 1; i < 800; ++i) { // of normal numbers, the relative error is at most 1/16
        const float value = std::exp2(static_cast<float>(i) / 31 - 10);
        CHECK(std::abs(blockScale(BlockScale::UE5M3, value, e2m1) * 6 / value - 1) <= 1.0F / 16 + 1e-6F);
    }
}

TEST_CASE("blocks of small floats: small tensors need a range that E4M3 has only with a scale of the tensor") {
    const auto method = makeBlocks();
    const auto error = [&](float size, Parameters parameters) {
        const auto weights = normalValues(32 * 128, 19, size);
        parameters.emplace("block", "16");
        const auto result = quantizedBy(*method, inputOf(makeTensor({32, 128}, weights)), parameters);
        REQUIRE(result);
        const std::size_t whole = parameters.count("tensor-scale") ? 32 : 0;
        CHECK(storedBits(*result) == 32 * 128 * 4 + 256 * 8 + whole);
        return relativeErrorOf(weights, *result);
    };
    const double power = error(0.02F, {}), whole = error(0.02F, {{"scale", "e4m3"}, {"tensor-scale", "true"}}),
                 wide = error(0.02F, {{"scale", "ue5m3"}});
    CHECK(whole < 0.9 * power);
    CHECK(wide == Approx(whole).epsilon(0.05));
    CHECK(error(0.0005F, {{"scale", "e4m3"}}) > 3 * whole);
    CHECK(error(0.0005F, {{"scale", "ue5m3"}}) < 1.2 * whole);
    CHECK(error(0.02F, {{"rounding", "stochastic"}}) > 1.3 * power);
    CHECK(quantizedBy(*method, inputOf(makeTensor({1, 16}, std::vector<float>(16, 1.0F))), {{"tensor-scale", "true"}})
              .error()
              .code == ErrorCode::OutOfRange);
    for (const char* element : {"e2m3", "e3m2", "e4m3", "e5m2", "int8"}) {
        const auto weights = normalValues(256, 20);
        const auto result = quantizedBy(*method, inputOf(makeTensor({2, 128}, weights)), {{"element", element}});
        REQUIRE(result);
        CHECK(relativeErrorOf(weights, *result) < 0.005);
    }
}

TEST_CASE("the dynamic map wins where values span decades, and has no -1") {
    const auto methods = makeLevelMethods();
    const auto found = std::ranges::find_if(methods, [](const auto& each) { return each->info().id == "dynamic8"; });
    REQUIRE(found != methods.end());
    std::vector<float> weights = normalValues(4096, 14);
    for (float& x : weights) x = std::copysign(std::pow(10.0F, -5 * std::abs(x) / 3), x); // about five decades
    const auto dynamic = quantizedBy(**found, inputOf(makeTensor({1, 4096}, weights)), {});
    const auto linear = quantizedBy(*makeMinMax(), inputOf(makeTensor({1, 4096}, weights)), {});
    REQUIRE((dynamic && linear));
    CHECK(storedBits(*dynamic) == 4096 * 8 + 2 * 32);
    const auto meanRelative = [&](const QuantizedTensor& tensor) { // of each value by itself
        const auto values = valuesOf(tensor);
        double sum = 0;
        for (std::size_t i = 0; i < weights.size(); ++i)
            sum += std::abs(static_cast<double>((values[i] - weights[i]) / weights[i]));
        return sum / 4096;
    };
    CHECK(meanRelative(*dynamic) < 0.2 * meanRelative(*linear));
    std::vector<float> block(64, 0.01F);
    block[7] = -2;
    const auto negative = quantizedBy(**found, inputOf(makeTensor({1, 64}, block)), {{"block", "64"}});
    REQUIRE(negative);
    CHECK(valuesOf(*negative)[7] == Approx(-2 * .99297).margin(1e-4));
}

TEST_CASE("min-max integers: channels are the first axis, and a small one survives only with a scale of its own") {
    std::vector<float> kernel(2 * 3 * 2 * 2); // a convolution of two outputs with ranges 1 and 256
    for (std::size_t i = 0; i < 12; ++i) kernel[i] = static_cast<float>(i) / 11 - 0.5F;
    for (std::size_t i = 12; i < 24; ++i) kernel[i] = 256 * (static_cast<float>(i - 12) / 11 - 0.5F);
    const auto method = makeMinMax();
    const auto weight = makeTensor({2, 3, 2, 2}, kernel);
    const auto channel = quantizedBy(*method, inputOf(weight), {}),
               layer = quantizedBy(*method, inputOf(weight), {{"granularity", "layer"}});
    REQUIRE((channel && layer));
    CHECK(storedBits(*channel) == 24 * 8 + 2 * 32);
    CHECK(storedBits(*layer) == 24 * 8 + 32);
    const auto values = valuesOf(*channel), coarse = valuesOf(*layer);
    for (std::size_t i = 0; i < 12; ++i) {
        CHECK(std::abs(values[i] - kernel[i]) <= 0.5F / 254 + 1e-6F);
        CHECK(coarse[i] == 0);
    }
    const auto zero = quantizedBy(*method, inputOf(makeTensor({1, 3}, {0.0F, 3.3F, 5.1F})), {{"symmetric", "false"}});
    REQUIRE(zero);
    CHECK(valuesOf(*zero)[0] == 0);
}

TEST_CASE("equalization gives both layers the same ranges and undoes what was planted") {
    const std::size_t rows = 6, inputs = 10, outputs = 5;
    auto first = normalValues(rows * inputs, 15), second = normalValues(outputs * rows, 16);
    std::vector<std::int64_t> rowOf(rows);
    std::iota(rowOf.begin(), rowOf.end(), std::int64_t{0});
    const auto factors = equalizingFactors(first, 6, second, 6, rowOf);
    for (std::size_t r = 0; r < rows; ++r) {
        float mine = 0, theirs = 0;
        for (std::size_t c = 0; c < inputs; ++c) mine = std::max(mine, std::abs(first[r * inputs + c]) / factors[r]);
        for (std::size_t o = 0; o < outputs; ++o)
            theirs = std::max(theirs, std::abs(second[o * rows + r]) * factors[r]);
        CHECK(mine == Approx(theirs));
    }
    for (std::size_t c = 0; c < inputs; ++c) first[2 * inputs + c] *= 10;
    for (std::size_t o = 0; o < outputs; ++o) second[o * rows + 2] /= 10;
    const auto again = equalizingFactors(first, 6, second, 6, rowOf);
    CHECK(again[2] == Approx(10 * factors[2]));
    CHECK(again[1] == factors[1]);
    std::fill_n(first.begin(), inputs, 0.0F);
    CHECK(equalizingFactors(first, 6, second, 6, rowOf)[0] == 1);
    // Two columns that read one row: the larger counts.
    const std::vector<float> row{2, -1}, pair{0.5F, 8};
    CHECK(equalizingFactors(row, 1, pair, 2, {0, 0})[0] == 0.5F);
}

TEST_CASE("scaled rows stand for the weights as they were") {
    RowsScaled form;
    form.factors = {2, 0.5F};
    const auto base = quantizedBy(*makeMinMax(), inputOf(makeTensor({2, 2}, {1.0F, -1.0F, 4.0F, 4.0F})), {});
    REQUIRE(base);
    form.base = std::make_shared<const QuantizedTensor>(*base);
    const auto tensor = tensorOf({2, 2}, std::move(form));
    CHECK(valuesOf(tensor) == std::vector<float>{2, -2, 2, 2});
    CHECK(storedBits(tensor) == storedBits(*base));
    std::vector<float> one(1);
    REQUIRE(dequantize(tensor, 3, one));
    CHECK(one[0] == 2);
}
