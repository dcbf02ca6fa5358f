// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "plugins/search_and_learning/learned_clipping.h"
#include "plugins/search_and_learning/learned_rounding.h"
#include "plugins/search_and_learning/mixed_bits.h"
#include "plugins/search_and_learning/neighbour_choice.h"
#include "plugins/search_and_learning/second_order_start.h"
#include "plugins/search_and_learning/soft_codes.h"
#include "tests/support/random_values.h"
#include "tests/unit/methods_search_and_learning/small_problems.h"

#include <algorithm>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

const Moment kFirst{0, 100, 1};

/// A sum of the weight's values with these factors: its gradient with respect to them is the factors.
double weighted(LearnedWeight& weight, const Moment& moment, std::span<const float> factors) {
    TestRun run;
    const auto values = weight.values(moment, run.context);
    REQUIRE(values);
    double sum = 0;
    for (std::size_t i = 0; i < factors.size(); ++i)
        sum += static_cast<double>(factors[i]) * static_cast<double>((*values)[i]);
    return sum;
}

} // namespace

TEST_CASE("Learned rounding begins as the weight itself, and its slopes are those of differences") {
    const std::vector<float> weight{0.4F, 1.7F, 2.25F, 0.9F};
    LearnedRounding learned("w", rowOutline(4), weight, {wholeNumbers()}, {0.5, 0.0, 8, 2});
    TestRun run;
    const auto begun = learned.values(kFirst, run.context);
    REQUIRE(begun);
    for (std::size_t i = 0; i < weight.size(); ++i) CHECK((*begun)[i] == Approx(weight[i]).epsilon(1e-5));

    // Loss: factors times values, and the penalty with beta = 5 half-way.
    const Moment half{50, 100, 1};
    const std::vector<float> factors{1, -2, 0.5F, 3};
    REQUIRE(learned.values(half, run.context));
    REQUIRE(learned.take(factors, half, run.context));
    const auto numbers = learned.learned().front().parameter;
    const std::vector<float> gradient(numbers.gradient.begin(), numbers.gradient.end());
    const auto lossAt = [&](std::size_t i, float by) {
        numbers.values[i] += by;
        double loss = weighted(learned, half, factors);
        const auto penalty = learned.take(factors, half, run.context);
        REQUIRE(penalty);
        loss += *penalty;
        numbers.values[i] -= by;
        return loss;
    };
    for (std::size_t i = 0; i < weight.size(); ++i)
        CHECK(gradient[i] == Approx((lossAt(i, 0.01F) - lossAt(i, -0.01F)) / 0.02).epsilon(0.01).margin(1e-4));
}

TEST_CASE("Learned rounding finds the best corner of two correlated weights") {
    // Nearest is (0, 0) and costs 0.609; (1, 0) costs 0.079, (0, 1) 0.099, (1, 1) 1.37.
    const TwoWeights problem{{0.45, 0.35}};
    LearnedRounding learned("w", rowOutline(2), std::vector<float>{0.45F, 0.35F}, {wholeNumbers()}, {0.2, 0.2, 20, 2});
    optimize::Adam adam;
    descend(learned, 400, {{&adam, 0.02}}, [&](std::span<const float> w) { return problem.gradient(w); });
    CHECK(finishedValues(learned) == std::vector<float>{1, 0});
}

TEST_CASE("With nothing but the penalty, learned rounding is rounding to nearest") {
    const auto weight = normalValues(600, 9, 0.8F);
    std::vector<float> shifted = weight;
    for (float& w : shifted) w = std::clamp(w + 1.5F, 0.0F, 3.0F);
    LearnedRounding learned("w", rowOutline(600), shifted, {wholeNumbers()}, {1, 0, 20, 2});
    optimize::Adam adam;
    descend(learned, 50, {{&adam, 0.1}}, [&](std::span<const float> w) { return std::vector<float>(w.size(), 0.0F); });
    const auto result = finishedValues(learned);
    for (std::size_t i = 0; i < shifted.size(); ++i) CHECK(std::abs(result[i] - shifted[i]) <= 0.5F);
    const auto traces = learned.traces();
    REQUIRE(traces.size() == 4); // decisions beside nearest, error over ranges with the choice
    CHECK(traces[0].title.ends_with("learned, 0.0 % against nearest"));
    for (std::size_t i = 0; i < traces[0].y.size(); ++i) CHECK(traces[0].y[i] == (traces[0].x[i] > 0.5 ? 100 : 0));
}

TEST_CASE("Without its loss DiscQuant rounds to nearest; with it, it finds the better corner") {
    auto settings = std::make_shared<DiscrepancySettings>(DiscrepancySettings{200, 0, 1});
    const auto weight = normalValues(500, 4, 0.7F);
    std::vector<float> shifted = weight, start(500, 0.0F);
    for (std::size_t i = 0; i < 500; ++i) {
        shifted[i] = std::clamp(weight[i] + 1.5F, 0.0F, 3.0F);
        start[i] = static_cast<float>(i % 11) / 10;
    }
    NeighbourChoice free("w", rowOutline(500), shifted, {wholeNumbers()}, start, settings);
    optimize::Adam adam;
    descend(free, 100, {{&adam, 0.1}}, [](std::span<const float> w) { return std::vector<float>(w.size(), 5.0F); });
    const auto nearest = finishedValues(free);
    for (std::size_t i = 0; i < shifted.size(); ++i) CHECK(std::abs(nearest[i] - shifted[i]) <= 0.5F + 1e-6F);
    CHECK(free.decided() > 0.95);

    // Loss (a + b - 0.8)²: one direction costs nothing, in which the pull of the nearer neighbours goes to a corner.
    // Nearest is (0, 0).
    settings = std::make_shared<DiscrepancySettings>(DiscrepancySettings{5, 1, 1});
    NeighbourChoice pulled("w", rowOutline(2), std::vector<float>{0.45F, 0.35F}, {wholeNumbers()}, {0.1F, 0.6F},
                           settings);
    optimize::Adam other;
    descend(pulled, 400, {{&other, 0.02}},
            [](std::span<const float> w) { return std::vector<float>(2, 2 * (w[0] + w[1] - 0.8F)); });
    CHECK(finishedValues(pulled) == std::vector<float>{1, 0});
}

TEST_CASE("DiscQuant's start at the weight is the weight, and its error is that of rounding") {
    const std::vector<float> weight{0.25F, 1.5F, 2.75F, 3.0F};
    NeighbourChoice choice("w", rowOutline(4), weight, {wholeNumbers()}, {0, 0, 0, 0},
                           std::make_shared<DiscrepancySettings>());
    CHECK(choice.meanSquareError() == Approx((0.0625 + 0.25 + 0.0625) / 4));
    choice.begin(choice.exact());
    TestRun run;
    CHECK(choice.values(kFirst, run.context).value() == weight);
    CHECK(choice.exact()[3] == 0.5F); // at the grid's end both neighbours are one
}

TEST_CASE("Learned clipping begins at 0.982 of the range, and its strengths' slopes follow from the scale's") {
    const std::vector<float> weight{-0.5F, 0.1F, 0.77F, 1.0F, 0.3F, -0.2F};
    LearnedClipping learned("w", rowOutline(6, 4), weight, nullptr, true, 4);
    TestRun run;
    const double part = 1 / (1 + std::exp(-4.0)), scale = part * 1.5 / 15;
    const double zero = std::nearbyint(part * 0.5 / scale);
    const auto values = learned.values(kFirst, run.context);
    REQUIRE(values);
    double ofScale = 0;
    const std::vector<float> factors{1, 2, -1, 0.5F, 1, -3};
    for (std::size_t i = 0; i < weight.size(); ++i) {
        const double free = std::nearbyint(weight[i] / scale) + zero, code = std::clamp(free, 0.0, 15.0);
        CHECK((*values)[i] == Approx((code - zero) * scale).margin(1e-6));
        ofScale += static_cast<double>(factors[i]) * (code - zero - (free == code ? weight[i] / scale : 0));
    }
    REQUIRE(learned.take(factors, kFirst, run.context));
    CHECK(learned.strengthGradients()[0] == Approx(-ofScale * part * (1 - part) * -0.5 / 15).epsilon(1e-3)); // low
    CHECK(learned.strengthGradients()[1] == Approx(ofScale * part * (1 - part) * 1.0 / 15).epsilon(1e-3));   // high
}

TEST_CASE("Learned clipping cuts off an outlier that stands in the way") {
    // 40 weights within 0.1 and one of 1, at 2 bits: the outlier's own error is small beside that of the others.
    std::vector<float> weight = normalValues(41, 8, 0.05F);
    weight[20] = 0.5F;
    const auto error = [&](std::span<const float> w) {
        double sum = 0;
        for (std::size_t i = 0; i < w.size(); ++i)
            sum += (i == 20 ? 0.001 : 1) * std::pow(static_cast<double>(w[i] - weight[i]), 2);
        return sum;
    };
    LearnedClipping learned("w", rowOutline(41, 2), weight, nullptr, true, 4);
    const double before = error(finishedValues(learned));
    optimize::Adam adam;
    descend(learned, 300, {{&adam, 0.05}}, [&](std::span<const float> w) {
        std::vector<float> gradient(w.size());
        for (std::size_t i = 0; i < w.size(); ++i) gradient[i] = (i == 20 ? 0.001F : 1.0F) * 2 * (w[i] - weight[i]);
        return gradient;
    });
    CHECK(error(finishedValues(learned)) < 0.75 * before);
}

TEST_CASE("Channel factors change nothing but the rounding, and their slopes add up over the weights that share them") {
    const auto factors = std::make_shared<ChannelFactors>();
    factors->name.assign(1, 'a');
    factors->values = {1, 4, 0.25F};
    const std::vector<float> weight{0.5F, -0.25F, 3.0F, 0.1F, 0.2F, 0.3F};
    LearnedClipping one("one", rowOutline(3, 8, 2), weight, factors, false, 4);
    LearnedClipping two("two", rowOutline(3, 8, 2), weight, factors, false, 4);
    TestRun run;
    const auto values = one.values(kFirst, run.context);
    REQUIRE(values);
    for (std::size_t i = 0; i < weight.size(); ++i) CHECK((*values)[i] == Approx(weight[i]).margin(0.02));
    const std::vector<float> gradient{1, 1, 1, 1, 1, 1};
    REQUIRE(two.values(kFirst, run.context));
    REQUIRE(one.take(gradient, kFirst, run.context));
    REQUIRE(two.take(gradient, kFirst, run.context));
    const auto numbers = one.learned();
    REQUIRE(numbers.size() == 1);
    CHECK(two.learned().empty());
    CHECK(numbers[0].rate == 1);
    CHECK(std::equal(numbers[0].parameter.gradient.begin(), numbers[0].parameter.gradient.end(),
                     factors->parts["one"].begin(), [](float sum, float part) { return sum == 2 * part; }));

    // Straight through, inside the range and apart from what the scale does: (scaled - rounded) / a² each.
    const auto result = one.finished(run.context);
    REQUIRE(result);
    const auto* form = formOf<ColumnTransformed>(*result);
    REQUIRE(form);
    CHECK(form->factors == std::vector<float>{1, 0.25F, 4});
    CHECK(valuesOf(*result) == *values);
    CHECK(storedBits(*result) == 6 * 8 + 2 * (32 + 8));
}

TEST_CASE("Soft codes' slopes are those of differences, for logits and scales") {
    for (const int bits : {2, 3}) {
        const auto weight = normalValues(8, 3, 0.5F);
        TestRun run;
        const float half = bits == 2 ? 2 : 4;
        const auto start = nearestCodes(
            weight, {2, 4, 1, 4},
            [&](std::span<const float>) {
                return UniformStep{0.3F, half, 0, 2 * half - 1};
            },
            run.context);
        REQUIRE(start);
        SoftCodes soft("w", rowOutline(4, bits, 2), *start, {}, 5, 0);
        CHECK(soft.choices() == (bits == 2 ? 4 : 5));
        const Moment moment{10, 100, 7};
        const std::vector<float> factors{1, -2, 3, 0.5F, -1, 2, 1, 1};
        REQUIRE(soft.values(moment, run.context));
        REQUIRE(soft.take(factors, moment, run.context));
        const std::vector<float> ofLogits(soft.logitGradients().begin(), soft.logitGradients().end());
        const std::vector<float> ofScales(soft.scaleGradients().begin(), soft.scaleGradients().end());
        const auto slope = [&](std::span<float> values, std::size_t i, float by) {
            const float before = values[i];
            values[i] = before + by;
            const double above = weighted(soft, moment, factors);
            values[i] = before - by;
            const double below = weighted(soft, moment, factors);
            values[i] = before;
            return (above - below) / (2 * static_cast<double>(by));
        };
        for (std::size_t i = 0; i < ofLogits.size(); ++i)
            CHECK(ofLogits[i] == Approx(slope(soft.logits(), i, 2e-4F)).epsilon(0.02).margin(0.02));
        for (std::size_t i = 0; i < ofScales.size(); ++i)
            CHECK(ofScales[i] == Approx(slope(soft.scales(), i, 1e-3F)).epsilon(0.02));
    }
}

TEST_CASE("Soft codes begin at the codes they are given, but for those that noise moves") {
    TestRun run;
    const auto weight = normalValues(64 * 256, 2, 1.1F);
    const auto start = nearestCodes(
        weight, {64, 256, 1, 256},
        [](std::span<const float>) {
            return UniformStep{1, 4, 0, 7};
        },
        run.context);
    REQUIRE(start);
    Softness sure;
    sure.strength = 1000;
    SoftCodes firm("w", rowOutline(256, 3, 64), *start, sure, 3, 0),
        noisy("w", rowOutline(256, 3, 64), *start, {}, 3, 0);
    const auto kept = finishedValues(firm), moved = finishedValues(noisy);
    int differ = 0, inner = 0;
    for (std::size_t i = 0; i < weight.size(); ++i) {
        CHECK(kept[i] == start->codes[i] - 4);
        if (start->codes[i] == 0 || start->codes[i] == 7) continue;
        ++inner;
        differ += moved[i] != kept[i] ? 1 : 0;
    }
    // Both neighbours 3 deviations of the noise behind: P(n1 > n0 + 3 or n2 > n0 + 3), n normal.
    CHECK(static_cast<double>(differ) / inner == Approx(0.031).margin(0.006));
}

TEST_CASE("A soft code goes to the level nearest to its target") {
    TestRun run;
    const std::vector<float> weight{-1, 0, 0, 1};
    const std::vector<float> target{-2.1F, -0.8F, 0.3F, 1.4F};
    const auto start = nearestCodes(
        weight, {1, 4, 1, 4},
        [](std::span<const float>) {
            return UniformStep{1, 2, 0, 3};
        },
        run.context);
    REQUIRE(start);
    SoftCodes soft("w", rowOutline(4), *start, {}, 1, 0);
    optimize::Lion logits({0.9, 0.95, 1.0}), scales;
    descend(soft, 640, {{&logits, 2e-4}, {&scales, 0}}, [&](std::span<const float> w) {
        std::vector<float> gradient(4);
        for (std::size_t i = 0; i < 4; ++i) gradient[i] = 2 * (w[i] - target[i]);
        return gradient;
    });
    CHECK(finishedValues(soft) == std::vector<float>{-2, -1, 0, 1});
}

TEST_CASE("The second-order start finds the optimum of two weights, and is plain rounding where inputs are unrelated") {
    TestRun run;
    const FitGroup whole = [](std::span<const float>) { return wholeNumbers(); };
    const auto two = secondOrderCodes(std::vector<float>{0.4F, 0.4F}, std::vector<double>{1, 0.9, 0.9, 1}, {1, 2, 1, 2},
                                      0, whole, run.context);
    REQUIRE(two);
    CHECK(two->codes == std::vector<float>{0, 1});

    // Sum of squared errors over U's diagonal equals the damped quadratic form: with blocks of columns, many rows.
    constexpr std::int64_t kColumns = 200, kRows = 40;
    const auto weight = normalValues(kRows * kColumns, 1, 0.8F), inputs = normalValues(3 * kColumns * kColumns, 2);
    std::vector<double> moments(kColumns * kColumns), diagonal(kColumns * kColumns);
    for (std::size_t t = 0; t < inputs.size(); t += kColumns)
        for (std::size_t a = 0; a < kColumns; ++a)
            for (std::size_t b = 0; b < kColumns; ++b) // neighbours correlate
                moments[a * kColumns + b] += static_cast<double>((inputs[t + a] + inputs[t + (a + 1) % kColumns]) *
                                                                 (inputs[t + b] + inputs[t + (b + 1) % kColumns]));
    for (std::size_t a = 0; a < kColumns; ++a) diagonal[a * kColumns + a] = moments[a * kColumns + a];
    const Grouping grouping{kRows, kColumns, 1, 50};
    const FitGroup wide = [](std::span<const float>) { return UniformStep{0.7F, 4, 0, 7}; };
    const auto nearest = nearestCodes(weight, grouping, wide, run.context);
    const auto unrelated = secondOrderCodes(weight, diagonal, grouping, 0.01, wide, run.context);
    const auto related = secondOrderCodes(weight, moments, grouping, 0.01, wide, run.context);
    REQUIRE(unrelated);
    REQUIRE(related);
    CHECK(unrelated->codes == nearest->codes);
    const auto form = [&](const StartingCodes& start) {
        double sum = 0;
        for (std::size_t row = 0; row < kRows; ++row)
            for (std::size_t a = 0; a < kColumns; ++a)
                for (std::size_t b = 0; b < kColumns; ++b) {
                    const auto off = [&](std::size_t c) {
                        return static_cast<double>((start.codes[row * kColumns + c] - 4) * 0.7F -
                                                   weight[row * kColumns + c]);
                    };
                    sum += off(a) * moments[a * kColumns + b] * off(b);
                }
        return sum;
    };
    CHECK(form(*related) < 0.7 * form(*nearest));
}

TEST_CASE("Bits are spent where brute force spends them") {
    const std::vector<WidthCosts> weights{{10, {9, 4, 3, 2.5}}, {20, {30, 10, 6, 5}}, {10, {5, 4.5, 4.2, 4}}};
    const auto bits = spendBits(weights, 2, 3);
    const auto costOf = [&](const std::vector<int>& widths) {
        double sum = 0;
        for (std::size_t i = 0; i < 3; ++i) sum += weights[i].costs[static_cast<std::size_t>(widths[i] - 2)];
        return sum;
    };
    double least = 1e9;
    for (int a = 2; a <= 5; ++a)
        for (int b = 2; b <= 5; ++b)
            for (int c = 2; c <= 5; ++c)
                if (10 * a + 20 * b + 10 * c <= 120) least = std::min(least, costOf({a, b, c}));
    CHECK(10 * bits[0] + 20 * bits[1] + 10 * bits[2] <= 120);
    CHECK(costOf(bits) == Approx(least));
}
