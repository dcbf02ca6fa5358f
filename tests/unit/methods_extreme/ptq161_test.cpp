// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "plugins/extreme/extreme_methods.h"
#include "plugins/extreme/ptq161_method.h"
#include "tests/unit/methods_extreme/extreme_runs.h"

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makePtq161();

} // namespace

TEST_CASE("PTQ1.61 reaches signs times rows times columns exactly", "[extreme]") {
    test::TestRun run;
    constexpr std::int64_t rows = 24, columns = 32;
    const test::CorrelatedInputs inputs(columns);
    const auto signs = test::normalValues(rows * columns, 41);
    std::vector<float> values(signs.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto row = static_cast<float>(i / columns), column = static_cast<float>(i % columns);
        // Magnitudes far above the rows' means, so that signs against the mean are the signs.
        values[i] = (signs[i] < 0 ? -1.0F : 1.0F) * (1 + row / 16) * (1 + column / 64);
    }
    const TensorView weight = makeTensor({rows, columns}, values);
    const auto error = [&](const std::string& text) {
        return test::relativeError(test::valuesOf(test::quantized(*kMethod, inputs.inputOf(weight), text, run)),
                                   values);
    };
    CHECK(error("ptq161:kept=0,rounds=0") > 1e-3);
    CHECK(error("ptq161:kept=0,rounds=60,percdamp=0.1") < 1e-5); // what half precision leaves
}

TEST_CASE("PTQ1.61 without rounds is the closed form, by hand", "[extreme]") {
    test::TestRun run;
    test::CorrelatedInputs inputs(5);
    inputs.statistics.channelMax = {1, 2, 9, 3, 1};
    // Column 2 is kept: int(0.1 * 5) + 1 = 1 of them. Row 0: range 0 to 15, scale 1.
    const TensorView weight = makeTensor({1, 5}, {1, 3, 15, 0, 4});
    const auto made = test::quantized(*kMethod, inputs.inputOf(weight), "ptq161:kept=10,rounds=0", run);
    const float mean = 2, amplitude = roundedTo(ScaleType::F16, 8.0F / 3); // zero does not count for the magnitude
    CHECK(test::valuesOf(made) ==
          std::vector<float>{mean - amplitude, mean + amplitude, 15, mean - amplitude, mean + amplitude});
    // A kept column, four signs, the mask, four scales of columns; and three scales and a zero point of the row.
    CHECK(storedBits(made) == 4 + 4 + 5 + 4 * 16 + 3 * 16 + 4);
}

TEST_CASE("PTQ1.61 keeps the columns of strong inputs and gains by them and by every round", "[extreme]") {
    test::TestRun run;
    constexpr std::int64_t rows = 32, columns = 40;
    test::CorrelatedInputs inputs(columns);
    inputs.statistics.channelMax[17] = 1000;
    for (std::size_t c = 0; c < columns; ++c) {
        inputs.statistics.secondMoments[17 * columns + c] *= 10;
        inputs.statistics.secondMoments[c * columns + 17] *= 10;
    }
    const auto values = test::normalValues(rows * columns, 43);
    const TensorView weight = makeTensor({rows, columns}, values);
    const auto loss = [&](const std::string& text) {
        return inputs.loss(test::valuesOf(test::quantized(*kMethod, inputs.inputOf(weight), text, run)), values);
    };
    const double none = loss("ptq161:kept=0"), closed = loss("ptq161:rounds=0"), once = loss("ptq161:rounds=1"),
                 often = loss("ptq161");
    CHECK(once < closed);
    CHECK(often < once);
    CHECK(often < 0.8 * none);
    const auto made = test::quantized(*kMethod, inputs.inputOf(weight), "ptq161", run);
    const auto* form = formOf<MaskedSigns>(made);
    REQUIRE(form != nullptr);
    CHECK(form->isKept[17] == 1);
    CHECK(std::ranges::count(form->isKept, std::uint8_t{1}) == 9);
    const ThreadLimit limit(1);
    CHECK(test::valuesOf(test::quantized(*kMethod, inputs.inputOf(weight), "ptq161", run)) == test::valuesOf(made));
    CHECK_FALSE(kMethod->quantize(inputOf(weight), test::parametersFor(*kMethod, "ptq161"), 0, run.context));
}
