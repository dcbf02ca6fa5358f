// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "plugins/second_order/methods.h"
#include "tests/unit/methods_second_order/problem.h"

#include <algorithm>
#include <limits>
#include <set>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kNearest = makeRoundToNearest();
const auto kGptq = makeGptq();
const auto kFoem = makeFoem();
const auto kGptaq = makeGptaq();

const GridCodes& gridOf(const QuantizedTensor& tensor) { return std::get<GridCodes>(tensor.codes); }

void checkEqual(const QuantizedTensor& a, const QuantizedTensor& b) {
    CHECK(gridOf(a).values.codes == gridOf(b).values.codes);
    CHECK(gridOf(a).values.scales == gridOf(b).values.scales);
    CHECK(gridOf(a).values.zeros == gridOf(b).values.zeros);
    CHECK(gridOf(a).columnGroup == gridOf(b).columnGroup);
}

const std::vector<std::string> kOrders{"", ",act_order=true", ",act_order=true,static_groups=true",
                                       ",group_aware_order=true", ",static_groups=true"};

} // namespace

TEST_CASE("inputs that are not correlated leave rounding to nearest", "[second order]") {
    test::TestRun run;
    test::LayerProblem problem(20, 48, 10);
    auto& moments = problem.statistics.secondMoments;
    for (std::size_t i = 0; i < moments.size(); ++i) moments[i] = i % 49 == 0 ? 1 + static_cast<double>(i % 5) : 0;
    moments[2 * 49] = 0; // nothing arrived here
    for (const char* grid : {"bits=4,group=16,scale=f32", "bits=3,group=48,symmetric=false,scale=f16"}) {
        const auto nearest = test::quantized(*kNearest, fmt::format("rtn:{}", grid), problem.input(), run);
        const auto found = test::quantized(*kGptq, fmt::format("gptq:{}", grid), problem.input(), run);
        REQUIRE(found);
        checkEqual(*found, *nearest);
    }
}

TEST_CASE("on correlated inputs every order of GPTQ is better than rounding to nearest at the same size",
          "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(64, 128, 300);
    for (const int bits : {2, 3, 4}) {
        const auto grid = fmt::format("bits={},group=32,symmetric=false,scale=f16", bits);
        const double nearest = problem.loss(*test::quantized(*kNearest, "rtn:" + grid, problem.input(), run));
        for (const std::string& order : kOrders)
            for (const char* search : {"", ",mse=true"}) {
                INFO(grid << order << search);
                run.progress.done = 0;
                const auto found = test::quantized(*kGptq, "gptq:" + grid + order + search, problem.input(), run);
                REQUIRE(found);
                CHECK(problem.loss(*found) < 0.6 * nearest);
                CHECK(run.progress.done == 64 * 128);
                const auto outline = kGptq->outline(
                    problem.input().subject,
                    resolveParameters(kGptq->info().parameters, *parseMethodSpec("gptq:" + grid + order + search))
                        .value());
                REQUIRE(outline);
                const bool scattered = order == ",act_order=true";
                const std::uint64_t bitsWanted = 64 * 128 * static_cast<std::uint64_t>(bits) +
                                                 64 * 4 * (16 + static_cast<std::uint64_t>(bits)) +
                                                 (scattered ? 32 * 128 : 0);
                CHECK(storedBits(*found) == bitsWanted);
                CHECK(storedBits(*outline) == bitsWanted);
                CHECK(gridOf(*found).columnGroup.size() == (scattered ? 128U : 0U));
            }
    }
}

TEST_CASE("act-order puts the strongest columns into the first group", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(8, 70, 200);
    const auto found = test::quantized(*kGptq, "gptq:bits=4,group=20,act_order=true", problem.input(), run);
    REQUIRE(found);
    const auto& groups = gridOf(*found).columnGroup;
    std::vector<std::pair<double, std::size_t>> strength;
    for (std::size_t c = 0; c < 70; ++c) strength.emplace_back(-problem.statistics.secondMoments[c * 71], c);
    std::ranges::sort(strength);
    for (std::size_t place = 0; place < 70; ++place)
        CHECK(groups[strength[place].second] == static_cast<std::int32_t>(place / 20));
    // Every value lies on the grid of its column's group.
    const auto values = test::LayerProblem::valuesOf(*found);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float scale = gridOf(*found).values.scales[i / 70 * 4 + static_cast<std::size_t>(groups[i % 70])];
        CHECK(values[i] == static_cast<float>(static_cast<std::int8_t>(gridOf(*found).values.codes[i])) * scale);
    }
}

TEST_CASE("without pull and without carry FOEM and GPTAQ are GPTQ bit for bit", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(40, 96, 200);
    const std::vector<double> none(96 * 96, 0.0);
    QuantInput matched = problem.input(); // both networks send the same inputs
    matched.crossMoments = none;
    for (const std::string& order : kOrders) {
        INFO(order);
        const std::string grid = "bits=3,group=32,symmetric=false,blocksize=64" + order;
        const auto reference = test::quantized(*kGptq, "gptq:" + grid, problem.input(), run);
        REQUIRE(reference);
        checkEqual(*test::quantized(*kFoem, "foem:beta=0," + grid, problem.input(), run), *reference);
        checkEqual(*test::quantized(*kGptaq, "gptaq:alpha=0," + grid, problem.input(), run), *reference);
        checkEqual(*test::quantized(*kGptaq, "gptaq:alpha=0.25," + grid, matched, run), *reference);
    }
}

TEST_CASE("a full pull makes FOEM round to nearest", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(40, 96, 200);
    for (const char* block : {"128", "32"}) {
        const auto grid = std::string("bits=3,group=32,symmetric=false,scale=f16");
        checkEqual(*test::quantized(*kFoem, fmt::format("foem:beta=1,static_groups=true,blocksize={},{}", block, grid),
                                    problem.input(), run),
                   *test::quantized(*kNearest, "rtn:" + grid, problem.input(), run));
    }
    // In between it lies between: nearer to the weights than GPTQ, worse on the text it was calibrated on.
    const std::string grid = "bits=3,group=32,symmetric=false,scale=f16";
    const double gptq = problem.loss(*test::quantized(*kGptq, "gptq:" + grid, problem.input(), run));
    const double foem = problem.loss(*test::quantized(*kFoem, "foem:beta=0.2," + grid, problem.input(), run));
    const double nearest = problem.loss(*test::quantized(*kNearest, "rtn:" + grid, problem.input(), run));
    CHECK(foem < nearest);
    CHECK(foem > 0.95 * gptq);
}

TEST_CASE("GPTAQ comes nearer than GPTQ to what the layer gave on undisturbed inputs", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(48, 64, 400);
    // Inputs in full precision: those that arrive, and an error that they explain in part.
    std::vector<float> full = problem.inputsOfTokens;
    for (std::size_t i = 0; i < full.size(); ++i) full[i] += 0.15F * problem.inputsOfTokens[i / 64 * 64 + (i + 1) % 64];
    std::vector<float> difference(full.size());
    for (std::size_t i = 0; i < full.size(); ++i) difference[i] = full[i] - problem.inputsOfTokens[i];
    const auto cross = problem.crossOf(difference);
    QuantInput input = problem.input();
    input.crossMoments = cross;
    const auto distance = [&](const QuantizedTensor& tensor) { // |Ŵ X - W X_full|², by definition
        const auto values = test::LayerProblem::valuesOf(tensor);
        double sum = 0;
        for (std::size_t t = 0; t < 400; ++t)
            for (std::size_t row = 0; row < 48; ++row) {
                double error = 0;
                for (std::size_t c = 0; c < 64; ++c)
                    error += static_cast<double>(values[row * 64 + c]) *
                                 static_cast<double>(problem.inputsOfTokens[t * 64 + c]) -
                             static_cast<double>(problem.weight[row * 64 + c]) * static_cast<double>(full[t * 64 + c]);
                sum += error * error;
            }
        return sum;
    };
    const double gptq = distance(*test::quantized(*kGptq, "gptq:bits=4,group=64", input, run));
    const double quarter = distance(*test::quantized(*kGptaq, "gptaq:bits=4,group=64", input, run));
    const double whole = distance(*test::quantized(*kGptaq, "gptaq:alpha=1,bits=4,group=64", input, run));
    CHECK(quarter < gptq);
    CHECK(whole < quarter);
}

TEST_CASE("codes of the compensating methods do not depend on the number of threads", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(70, 200, 250);
    const auto cross = problem.crossOf(test::normalValues(200 * 250, 9));
    QuantInput input = problem.input();
    input.crossMoments = cross;
    const auto reference = test::quantized(*kFoem, "foem:alpha=0.25,bits=3,group=64,mse=true", input, run);
    REQUIRE(reference);
    for (const int threads : {1, 2}) {
        const ThreadLimit limit(threads);
        checkEqual(*test::quantized(*kFoem, "foem:alpha=0.25,bits=3,group=64,mse=true", input, run), *reference);
    }
}

TEST_CASE("what the compensating methods cannot treat is refused with the reason", "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(8, 16, 40);
    QuantInput input = problem.input();
    CHECK(test::quantized(*kGptq, "gptq:act_order=true,group_aware_order=true", input, run).error().code ==
          ErrorCode::OutOfRange);
    input.calibration = nullptr;
    CHECK(test::quantized(*kGptq, "gptq", input, run).error().message ==
          "the calibration text sends no inputs into it");
    const auto defaults = resolveParameters(kGptq->info().parameters, {"gptq", {}}).value();
    CHECK(kGptq->outline({{4, 4, 4}, "x", "x", {}, {}, true, true}, defaults).error().code == ErrorCode::Unsupported);
    CHECK(kGptq->outline({{0, 4}, "x", "x", {}, {}, true, true}, defaults).error().code == ErrorCode::Unsupported);

    auto weight = problem.weight;
    weight[20] = std::numeric_limits<float>::infinity();
    input = problem.input();
    input.weight = makeTensor({8, 16}, weight);
    CHECK(test::quantized(*kGptq, "gptq", input, run).error().message.find("row 1, column 4") == 0);
    const test::LayerProblem narrow(8, 15, 40);
    input = problem.input();
    input.calibration = &narrow.statistics;
    CHECK(test::quantized(*kGptq, "gptq", input, run).error().code == ErrorCode::Unsupported);
    run.stop.request_stop();
    CHECK(test::quantized(*kGptq, "gptq", problem.input(), run).error().code == ErrorCode::Cancelled);
}

TEST_CASE("GPTQ leaves the strength of its inputs, what is left of it, and the error of each output",
          "[second order]") {
    test::TestRun run;
    const test::LayerProblem problem(24, 32, 200);
    QuantInput input = problem.input();
    std::vector<Trace> traces;
    input.traces = &traces;
    const auto found = test::quantized(*kGptq, "gptq:bits=3,group=32,percdamp=0.0001", input, run);
    REQUIRE(found);
    REQUIRE(traces.size() == 3);
    double strongest = 0;
    for (std::size_t c = 0; c < 32; ++c) strongest = std::max(strongest, problem.statistics.secondMoments[c * 33]);
    CHECK(traces[0].y[0] * 200 == Approx(strongest));
    for (std::size_t i = 0; i < 32; ++i) CHECK(traces[1].y[i] <= 1.01 * traces[0].y[i] + 1e-3);
    double sum = 0;
    for (const double loss : traces[2].y) sum += loss * 200;
    CHECK(sum == Approx(problem.loss(*found)).epsilon(0.01));
}
