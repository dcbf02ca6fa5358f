// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "plugins/outliers/outlier_methods.h"
#include "plugins/outliers/single_values.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeGwq();

} // namespace

TEST_CASE("The largest scores are chosen, of equal ones the first", "[outliers]") {
    const std::vector<float> scores{3, 1, 3, 2, 3, 0};
    CHECK(largestOf(scores, 0).empty());
    CHECK(largestOf(scores, 2) == std::vector<std::int64_t>{0, 2});
    CHECK(largestOf(scores, 4) == std::vector<std::int64_t>{0, 2, 3, 4});
    CHECK(largestOf(scores, 100).size() == 6);
    CHECK(shareOf(1000, 0.3) == 3);
    CHECK(shareOf(999, 0.1) == 0);
}

TEST_CASE("GWQ keeps the weights with the largest gradients, outside of their group's range", "[outliers]") {
    test::TestRun run;
    constexpr std::int64_t rows = 4, columns = 50;
    auto values = test::normalValues(rows * columns, 21);
    std::vector<float> gradient(values.size(), 0.01F);
    values[17] = 1000; // neither code nor range of the others may see it
    gradient[17] = -5;
    values[120] = 0.3F;
    gradient[120] = 4;
    const TensorView weight = makeTensor({rows, columns}, values);
    QuantInput input = inputOf(weight);
    input.gradient = gradient;
    const auto result = test::quantized(*kMethod, input, "gwq:bits=3,group=25,share=1", run); // 2 of 200
    const auto found = test::valuesOf(result);
    CHECK(found[17] == 1000);
    CHECK(found[120] == roundedTo(ScaleType::F16, 0.3F));
    for (std::size_t group = 0; group < values.size(); group += 25) {
        float low = 0, high = 0;
        for (std::size_t i = group; i < group + 25; ++i)
            if (i != 17 && i != 120) low = std::min(low, values[i]), high = std::max(high, values[i]);
        for (std::size_t i = group; i < group + 25; ++i)
            if (i != 17) CHECK(std::abs(found[i] - values[i]) <= (high - low) / 7 * 0.502F);
    }
    CHECK(storedBits(result) == 200 * 3 + 8 * (16 + 3) + 2 * 32 + rows * 32);

    QuantInput none = inputOf(weight);
    CHECK(kMethod->quantize(none, test::parametersFor(*kMethod, "gwq"), 0, run.context).error().code ==
          ErrorCode::Unsupported);
}

TEST_CASE("GWQ without kept weights is round to nearest, and with all kept loses nothing", "[outliers]") {
    test::TestRun run;
    auto values = test::normalValues(6 * 32, 22);
    for (float& value : values) value = roundedTo(ScaleType::F16, value);
    const TensorView weight = makeTensor({6, 32}, values);
    const std::vector<float> gradient(values.size(), 1);
    QuantInput input = inputOf(weight);
    input.gradient = gradient;
    const auto plain =
        test::quantized(*makeRoundToNearest(), inputOf(weight), "rtn:bits=3,group=8,symmetric=false,scale=f16", run);
    CHECK(test::valuesOf(test::quantized(*kMethod, input, "gwq:bits=3,group=8,share=0", run)) == test::valuesOf(plain));
    CHECK(test::valuesOf(test::quantized(*kMethod, input, "gwq:bits=3,group=8,share=100", run)) == values);
}
