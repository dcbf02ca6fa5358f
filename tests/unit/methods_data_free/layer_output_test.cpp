// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "plugins/data_free/methods.h"
#include "plugins/data_free/parts.h"
#include "plugins/data_free/power_levels.h"
#include "tests/support/method_runs.h"
#include "tests/unit/methods_second_order/problem.h"

#include <array>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;

TEST_CASE("The output error by second moments is that of the outputs", "[data-free]") {
    test::TestRun run;
    const test::LayerProblem problem(3, 8, 20);
    const auto difference = test::normalValues(24, 3);
    double naive = 0;
    for (std::size_t t = 0; t < 20; ++t)
        for (std::size_t row = 0; row < 3; ++row) {
            double output = 0;
            for (std::size_t c = 0; c < 8; ++c)
                output += static_cast<double>(difference[row * 8 + c]) *
                          static_cast<double>(problem.inputsOfTokens[t * 8 + c]);
            naive += output * output;
        }
    const auto found = outputError(difference, problem.statistics.secondMoments, 8, run.context);
    REQUIRE(found);
    CHECK(*found == Approx(naive));
}

TEST_CASE("NUPES starts as PowerQuant and brings the output error down", "[data-free]") {
    test::TestRun run;
    const test::LayerProblem problem(12, 32, 200);
    const auto start = test::quantized(*makePowerQuant(), problem.input(), "powerquant:bits=3,rounding=nearest", run);
    const auto learned = test::quantized(*makeNupes(), problem.input(), "nupes:bits=3", run);
    CHECK(problem.loss(learned) < 0.7 * problem.loss(start));
    CHECK(storedBits(learned) == storedBits(start));
    CHECK(storedBits(learned) == 12 * 32 * 3 + 12 * 16 + 32);
    const ThreadLimit one(1);
    CHECK(test::valuesOf(test::quantized(*makeNupes(), problem.input(), "nupes:bits=3", run)) ==
          test::valuesOf(learned));
}

TEST_CASE("No single code of NUPES can change for the better, and with uncorrelated inputs it rounds to nearest",
          "[data-free]") {
    test::TestRun run;
    const test::LayerProblem problem(2, 6, 100);
    const auto result = test::quantized(*makeNupes(), problem.input(), "nupes:bits=3,damping=0,rounds=50", run);
    const auto* form = formOf<TableCodes>(result);
    REQUIRE(form);
    const auto values = test::valuesOf(result);
    // The exponent is the last to move; codes are best for the one before, which is next to it by then.
    for (std::int64_t row = 0; row < 2; ++row) {
        const double least = problem.lossOfRow(values, row, problem.statistics.secondMoments);
        for (std::size_t c = 0; c < 6; ++c)
            for (std::size_t code = 0; code < 7; ++code) {
                auto changed = values;
                changed[static_cast<std::size_t>(row) * 6 + c] =
                    form->tables[code] * form->scales[static_cast<std::size_t>(row)];
                CHECK(problem.lossOfRow(changed, row, problem.statistics.secondMoments) >= least * (1 - 1e-2));
            }
    }

    test::LayerProblem plain(2, 6, 100);
    for (std::size_t i = 0; i < 36; ++i) plain.statistics.secondMoments[i] = i % 7 == 0 ? 1 : 0;
    const auto alone = test::quantized(*makeNupes(), plain.input(), "nupes:bits=3", run);
    const auto nearest = test::quantized(*makePowerQuant(), plain.input(), "powerquant:bits=3,rounding=nearest", run);
    CHECK(plain.loss(alone) <= plain.loss(nearest) * (1 + 1e-6));
}

TEST_CASE("AdaDim takes columns where an input is strong or a column large, and rows where rows differ",
          "[data-free]") {
    test::TestRun run;
    for (const bool columnWise : {true, false}) {
        test::LayerProblem problem(32, 32, 64, 4);
        for (std::size_t i = 0; i < problem.weight.size(); ++i) {
            const std::size_t row = i / 32, column = i % 32;
            if (columnWise && column == 5) problem.weight[i] *= 50;
            if (!columnWise) problem.weight[i] *= std::exp2(static_cast<float>(row % 8));
        }
        const auto chosen = test::quantized(*makeAdaDim(), problem.input(), "adadim:bits=4,group=16", run);
        const auto along =
            test::quantized(*makeAdaDim(), problem.input(), "adadim:bits=4,group=16,dimension=output-channel", run);
        const auto down =
            test::quantized(*makeAdaDim(), problem.input(), "adadim:bits=4,group=16,dimension=input-channel", run);
        CHECK((problem.loss(down) < problem.loss(along)) == columnWise);
        CHECK(test::valuesOf(chosen) == test::valuesOf(columnWise ? down : along));
        CHECK(storedBits(chosen) == 32 * 32 * 4 + 64 * (16 + 4));
    }
    const auto refused =
        makeAdaDim()->outline(Subject{Shape{32, 32}}, test::parametersFor(*makeAdaDim(), "adadim:group=24"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "group 24 does not divide 32 rows and 32 columns");
}
