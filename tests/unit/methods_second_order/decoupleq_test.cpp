// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/second_order/decoupled_matrix.h"

#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "plugins/second_order/methods.h"
#include "tests/unit/methods_second_order/problem.h"

#include <numeric>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kDecoupleQ = makeDecoupleQ();

/// What a matrix needs around it.
struct Setting {
    explicit Setting(const test::LayerProblem& given, std::int64_t group, test::TestRun& run)
        : problem(given)
        , order(columnOrder(ColumnOrder::Rule::Natural, std::vector<double>(static_cast<std::size_t>(given.columns), 1),
                            group, true))
        , moments(dampedMoments(given.statistics.secondMoments, order.column, 0.01))
        , factor(*inverseFactor(moments, run.context))
        , matrix(given.weight, {given.rows, given.columns, 1, group}, 2, ScaleType::F32, moments, factor, order,
                 run.context) {}
    const test::LayerProblem& problem;
    ColumnOrder order;
    SquareMatrix moments, factor;
    DecoupledMatrix matrix;
};

} // namespace

TEST_CASE("for weights that lie on an affine grid the scale step finds the grid", "[second order]") {
    test::TestRun run;
    test::LayerProblem problem(5, 24, 100);
    DecoupledCodes codes;
    std::vector<AffineStep> truth;
    for (std::size_t row = 0; row < 5; ++row)
        for (std::size_t g = 0; g < 3; ++g)
            truth.push_back({0.25F + 0.125F * static_cast<float>(row + g), -1 + 0.5F * static_cast<float>(g), 3});
    for (std::size_t i = 0; i < 5 * 24; ++i) {
        codes.codes.push_back(static_cast<float>((i * 7 + i / 5) % 4));
        problem.weight[i] = truth[i / 24 * 3 + i % 24 / 8].value(codes.codes.back());
    }
    codes.steps.assign(15, AffineStep{1, 0, 3});
    const Setting setting(problem, 8, run);
    const auto found = setting.matrix.rescaled(codes);
    REQUIRE(found);
    for (std::size_t g = 0; g < truth.size(); ++g) {
        CHECK(found->steps[g].scale == Approx(truth[g].scale).epsilon(1e-5));
        CHECK(found->steps[g].offset == Approx(truth[g].offset).margin(1e-5));
    }
    for (const double loss : found->losses) CHECK(loss < 1e-6);
}

TEST_CASE("with inputs that are not correlated the scale step is linear regression", "[second order]") {
    test::TestRun run;
    test::LayerProblem problem(6, 30, 10);
    for (std::size_t i = 0; i < 900; ++i) problem.statistics.secondMoments[i] = i % 31 == 0 ? 2 : 0;
    const Setting setting(problem, 30, run);
    const auto start = setting.matrix.nearest(setting.matrix.rangeSteps(std::vector<float>(6, 1.0F)));
    REQUIRE(start);
    const auto found = setting.matrix.rescaled(*start);
    REQUIRE(found);
    for (std::size_t row = 0; row < 6; ++row) {
        double c = 0, w = 0, cc = 0, cw = 0;
        for (std::size_t i = row * 30; i < row * 30 + 30; ++i) {
            const double code = start->codes[i], weight = problem.weight[i];
            c += code;
            w += weight;
            cc += code * code;
            cw += code * weight;
        }
        const double slope = (30 * cw - c * w) / (30 * cc - c * c);
        CHECK(found->steps[row].scale == Approx(slope).epsilon(1e-5));
        CHECK(found->steps[row].offset == Approx((w - slope * c) / 30).margin(1e-5));
        CHECK(found->losses[row] < start->losses[row]);
    }
}

TEST_CASE("the scales that were solved for are the best there are, and codes all alike do no harm", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(4, 16, 60);
    const Setting setting(problem, 8, run);
    const auto start = setting.matrix.compensated(setting.matrix.rangeSteps(std::vector<float>(4, 1.0F)), 128);
    REQUIRE(start);
    const auto found = setting.matrix.rescaled(*start);
    REQUIRE(found);
    for (std::size_t g = 0; g < found->steps.size(); ++g)
        for (const float nudge : {-0.01F, 0.01F}) {
            for (auto member : {&AffineStep::scale, &AffineStep::offset}) {
                auto steps = found->steps;
                steps[g].*member += nudge;
                std::vector<float> values(64);
                for (std::size_t i = 0; i < 64; ++i) values[i] = steps[i / 16 * 2 + i % 16 / 8].value(found->codes[i]);
                const auto row = static_cast<std::int64_t>(g / 2);
                CHECK(problem.lossOfRow(values, row, setting.moments.values) > found->losses[g / 2]);
            }
        }
    DecoupledCodes alike = *start;
    std::fill(alike.codes.begin(), alike.codes.end(), 1.0F);
    const auto still = setting.matrix.rescaled(alike);
    REQUIRE(still);
    for (const double loss : still->losses) CHECK(std::isfinite(loss));
}

TEST_CASE("decoupleQ never loses a row against GPTQ on the same affine grid and gains at 2 bits", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(48, 96, 300);
    const auto input = problem.input();
    std::vector<double> before(48, std::numeric_limits<double>::infinity());
    std::vector<std::int32_t> natural(96);
    std::iota(natural.begin(), natural.end(), 0);
    const auto damped = dampedMoments(problem.statistics.secondMoments, natural, 0.01).values;
    double first = 0, last = 0;
    for (const int iterations : {1, 2, 3, 4}) {
        const auto found = test::quantized(
            *kDecoupleQ, fmt::format("decoupleq:bits=2,group=32,scale=f32,iterations={}", iterations), input, run);
        REQUIRE(found);
        const auto values = test::LayerProblem::valuesOf(*found);
        last = 0;
        for (std::int64_t row = 0; row < 48; ++row) {
            const double loss = problem.lossOfRow(values, row, damped);
            CHECK(loss <= before[static_cast<std::size_t>(row)] * (1 + 1e-6));
            before[static_cast<std::size_t>(row)] = loss;
            last += loss;
        }
        if (iterations == 1) first = last;
    }
    CHECK(last < 0.8 * first);
    const double gptq = problem.loss(*test::quantized(
        *makeGptq(), "gptq:bits=2,group=32,symmetric=false,act_order=true,static_groups=true", input, run));
    CHECK(problem.loss(*test::quantized(*kDecoupleQ, "decoupleq:bits=2,group=32", input, run)) < gptq);
}

TEST_CASE("decoupleQ stores what its form says, counts its bits, and does not depend on threads", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(40, 70, 200);
    for (const char* text : {"decoupleq:bits=3,group=32", "decoupleq:bits=2,group=0,scale=f32"}) {
        INFO(text);
        const auto found = test::quantized(*kDecoupleQ, text, problem.input(), run);
        REQUIRE(found);
        const auto* codes = formOf<AffineCodes>(*found);
        REQUIRE(codes);
        const bool grouped = codes->grouping.groupColumns == 32;
        CHECK(storedBits(*found) == (grouped ? 40U * 70 * 3 + 40 * 3 * 32 : 40U * 70 * 2 + 40 * 64));
        const auto outline = kDecoupleQ->outline(
            problem.input().subject, resolveParameters(kDecoupleQ->info().parameters, *parseMethodSpec(text)).value());
        REQUIRE(outline);
        CHECK(storedBits(*outline) == storedBits(*found));
        for (const auto& list : {codes->scales, codes->offsets})
            for (const float value : list) CHECK(roundedTo(codes->type, value) == value);
        for (const int threads : {1, 2}) {
            const ThreadLimit limit(threads);
            const auto again = test::quantized(*kDecoupleQ, text, problem.input(), run);
            CHECK(formOf<AffineCodes>(*again)->codes == codes->codes);
            CHECK(formOf<AffineCodes>(*again)->scales == codes->scales);
            CHECK(formOf<AffineCodes>(*again)->offsets == codes->offsets);
        }
    }
    run.stop.request_stop();
    CHECK(test::quantized(*kDecoupleQ, "decoupleq", problem.input(), run).error().code == ErrorCode::Cancelled);
}
