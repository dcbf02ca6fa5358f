// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/activation_parameters.h"
#include "engine/quant/forms.h"
#include "plugins/number_formats/hardware_cost.h"
#include "plugins/number_formats/methods.h"
#include "tests/support/random_values.h"
#include "tests/unit/methods_formats/method_run.h"

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

TEST_CASE("minifloats: numbers of the format are kept, in every split") {
    const auto method = makeMinifloat();
    for (int bits = 3; bits <= 8; ++bits)
        for (int exponent = 1; exponent < bits; ++exponent) {
            INFO("E" << exponent << "M" << bits - 1 - exponent);
            const int fraction = bits - 1 - exponent, bias = (1 << (exponent - 1)) - 1;
            std::vector<float> weights; // from the definition, times 0.75
            for (int e = 0; e < 1 << exponent; ++e)
                for (int m = 0; m < 1 << fraction; ++m) {
                    const double size = e == 0 ? std::ldexp(m, 1 - bias - fraction)
                                               : std::ldexp(1 + std::ldexp(m, -fraction), e - bias);
                    weights.push_back(static_cast<float>(size * 0.75));
                    weights.push_back(static_cast<float>(-size * 0.75));
                }
            const auto weight = makeTensor({1, static_cast<std::int64_t>(weights.size())}, weights);
            const auto result = quantizedBy(*method, inputOf(weight),
                                            {{"bits", std::to_string(bits)}, {"exponent", std::to_string(exponent)}});
            REQUIRE(result);
            CHECK(valuesOf(*result) == weights);
            CHECK(storedBits(*result) == weights.size() * static_cast<std::size_t>(bits) + 32);
            // Asked for the best split, it finds one without error.
            const auto best =
                quantizedBy(*method, inputOf(weight), {{"bits", std::to_string(bits)}, {"exponent", "0"}});
            REQUIRE(best);
            CHECK(relativeErrorOf(weights, *best) < 1e-12);
        }
}

TEST_CASE("minifloats: searched scales are better than the largest magnitude's, and E2M1 beats INT4 on long rows") {
    const auto method = makeMinifloat();
    const auto weights = normalValues(16 * 1024, 4);
    const auto weight = makeTensor({16, 1024}, weights);
    const auto error = [&](Parameters parameters) {
        const auto result = quantizedBy(*method, inputOf(weight), std::move(parameters));
        REQUIRE(result);
        return relativeErrorOf(weights, *result);
    };
    CHECK(error({}) < 0.75 * error({{"exponent", "1"}}));
    CHECK(error({{"fit", "mse"}}) < 0.95 * error({}));
    CHECK(error({{"exponent", "0"}}) <= error({}));
    // Clipped well, evenly spaced levels are no worse (the paper's remark about optimal clipping).
    CHECK(error({{"exponent", "1"}, {"fit", "mse"}}) < 1.1 * error({{"fit", "mse"}}));
}

TEST_CASE("minifloats: splits that do not exist are refused, activations take the format's levels") {
    const auto method = makeMinifloat();
    const auto weight = makeTensor({1, 8}, std::vector<float>(8, 1.0F));
    CHECK(quantizedBy(*method, inputOf(weight), {{"bits", "4"}, {"exponent", "4"}}).error().code ==
          ErrorCode::OutOfRange);
    CHECK(quantizedBy(*method, inputOf(weight), {{"activations", "4"}, {"activation-exponent", "5"}}).error().code ==
          ErrorCode::OutOfRange);
    const auto values = resolveParameters(method->info().parameters, {"minifloat", {{"activations", "4"}}});
    REQUIRE(values);
    const auto what = method->activations(*values, nullptr);
    REQUIRE(what);
    CHECK(what->inputGrid.levels == std::vector<float>{-6, -4, -3, -2, -1.5F, -1, -0.5F, 0, 0.5F, 1, 1.5F, 2, 3, 4, 6});
    CHECK(what->inputGrid.scope == ActivationScope::Token);
    // A range from the calibration's samples: numbers of the format and one far away, of which clipping is worth it.
    Calibration calibration;
    auto inputs = std::make_shared<InputStatistics>();
    inputs->channels = 1;
    inputs->samples = normalValues(2000, 9);
    inputs->samples.push_back(8);
    inputs->sampleRows = 2001;
    calibration.inputs["layer"] = inputs;
    const auto searched =
        resolveParameters(method->info().parameters, {"minifloat", {{"activations", "4"}, {"activation-fit", "mse"}}});
    REQUIRE(searched);
    const auto ranges = method->activations(*searched, &calibration)->ranges;
    REQUIRE(ranges.count("layer") == 1);
    CHECK(ranges.at("layer").high[0] < 5);
    CHECK(ranges.at("layer").high[0] > 2);
    CHECK(ranges.at("layer").low[0] == -ranges.at("layer").high[0]);
}

TEST_CASE("the cost proxy is the formula it says") {
    const auto cost = multiplyCost(2, 1, 4, 3, 256);
    CHECK(cost.multiplier == 8);
    CHECK(cost.exponents == 5);
    CHECK(cost.accumulator == 4 + 16 + 1 + 3 + 8);
    CHECK(cost.total() == 45);
}

TEST_CASE("levels: every grid reproduces its own levels, and bits are those of codes and scales") {
    const auto method = makeLevels();
    for (const char* grid :
         {"int", "int-full", "pot", "apot", "post", "log2", "log-sqrt2", "nf", "af4", "fp4", "learned"}) {
        INFO(grid);
        const auto weights = normalValues(3 * 200, 21);
        const auto weight = makeTensor({3, 200}, weights);
        const auto once = quantizedBy(*method, inputOf(weight), {{"grid", grid}, {"group", "64"}});
        REQUIRE(once);
        const auto values = valuesOf(*once);
        CHECK(storedBits(*once) == 600 * 4 + 3 * 4 * 32 + (std::string_view(grid) == "learned" ? 16 * 16 : 0));
        // Others are learned from them; and the largest positive integer is one less than what its scale is made for.
        if (std::string_view(grid) == "learned" || std::string_view(grid) == "int-full") continue;
        const auto twice =
            quantizedBy(*method, inputOf(makeTensor({3, 200}, values)), {{"grid", grid}, {"group", "64"}});
        REQUIRE(twice);
        CHECK((valuesOf(*twice) == values));
    }
}

TEST_CASE("levels: those that are learned beat all others of their width, with few values they are exact") {
    const auto method = makeLevels();
    const auto weights = normalValues(32 * 256, 33);
    const auto weight = makeTensor({32, 256}, weights);
    const auto error = [&](const char* grid) {
        const auto result = quantizedBy(*method, inputOf(weight), {{"grid", grid}});
        REQUIRE(result);
        return relativeErrorOf(weights, *result);
    };
    for (const char* grid : {"int", "pot", "apot", "post", "nf", "af4"}) CHECK(error("learned") < error(grid));
    CHECK(error("apot") < error("pot"));
    CHECK(error("post") < 0.5 * error("pot"));
    CHECK(error("log2") >= error("pot")); // borders of the logarithm are not those of least error
    std::vector<float> few;
    for (int i = 0; i < 64; ++i)
        few.push_back(std::vector<float>{-2, -0.25F, 0.5F, 2}[static_cast<std::size_t>(i) % 4]);
    const auto exact = quantizedBy(*method, inputOf(makeTensor({1, 64}, few)), {{"grid", "learned"}, {"bits", "2"}});
    REQUIRE(exact);
    CHECK(valuesOf(*exact) == few);
}

TEST_CASE("levels: stochastic rounding follows the seed alone and is right on average") {
    const auto method = makeLevels();
    std::vector<float> weights(4000, 0.3F);
    weights[0] = 7;
    const auto weight = makeTensor({1, 4000}, weights);
    const Parameters parameters{{"grid", "int"}, {"granularity", "output-channel"}, {"rounding", "stochastic"}};
    const auto first = quantizedBy(*method, inputOf(weight), parameters, 1),
               again = quantizedBy(*method, inputOf(weight), parameters, 1),
               other = quantizedBy(*method, inputOf(weight), parameters, 2);
    REQUIRE((first && again && other));
    CHECK(valuesOf(*first) == valuesOf(*again));
    CHECK(valuesOf(*first) != valuesOf(*other));
    double sum = 0;
    for (std::size_t i = 1; i < 4000; ++i) sum += static_cast<double>(valuesOf(*first)[i]);
    CHECK(sum / 3999 == Approx(0.3).margin(5 * std::sqrt(0.3 * 0.7 / 3999)));
}

TEST_CASE("levels: widths that a table does not have are refused") {
    const auto method = makeLevels();
    const auto weight = makeTensor({1, 8}, std::vector<float>(8, 1.0F));
    for (const auto& [grid, bits] : {std::pair{"af4", "3"}, {"fp4", "5"}, {"dynamic", "4"}, {"pot", "8"}})
        CHECK(quantizedBy(*method, inputOf(weight), {{"grid", grid}, {"bits", bits}}).error().code ==
              ErrorCode::OutOfRange);
}

TEST_CASE("BitMoD: a group that is a table times a scale is exact, its mirror too, and bits count the choice") {
    const auto method = makeBitMod();
    const std::vector<std::vector<float>> tables{{0, 1, 2, 4, 3, -1, -2, -4},
                                                 {0, 1, 2, 4, -3, -1, -2, -4},
                                                 {0, 1, 2, 4, 6, -1, -2, -4},
                                                 {0, 1, 2, 4, -6, -1, -2, -4}};
    for (std::size_t t = 0; t < tables.size(); ++t) {
        std::vector<float> group = tables[t];
        for (float& x : group) x *= 0.375F;
        const auto result = quantizedBy(*method, inputOf(makeTensor({1, 8}, group)), {{"bits", "3"}, {"group", "8"}});
        REQUIRE(result);
        CHECK(valuesOf(*result) == group);
        CHECK(formOf<TableCodes>(*result)->tableOf == std::vector<std::int32_t>{static_cast<std::int32_t>(t)});
        CHECK(storedBits(*result) == 8 * 3 + 16 + 2);
    }
}

TEST_CASE("BitMoD: errors on normal values are those that were computed independently, and below the plain float's") {
    const auto weights = normalValues(400 * 1024, 8);
    const auto weight = makeTensor({400, 1024}, weights);
    const auto method = makeBitMod(), plain = makeMinifloat(), any = makeLevels();
    const auto four = quantizedBy(*method, inputOf(weight), {{"bits", "4"}}),
               three = quantizedBy(*method, inputOf(weight), {{"bits", "3"}});
    REQUIRE((four && three));
    CHECK(relativeErrorOf(weights, *four) == Approx(.00961).epsilon(0.02));
    CHECK(relativeErrorOf(weights, *three) == Approx(.0376).epsilon(0.02));
    const auto float4 = quantizedBy(*plain, inputOf(weight), {{"granularity", "group"}});
    const auto float3 = quantizedBy(*plain, inputOf(weight), {{"bits", "3"}, {"granularity", "group"}});
    REQUIRE((float4 && float3));
    CHECK(relativeErrorOf(weights, *four) < relativeErrorOf(weights, *float4));
    CHECK(relativeErrorOf(weights, *three) < relativeErrorOf(weights, *float3));
}
