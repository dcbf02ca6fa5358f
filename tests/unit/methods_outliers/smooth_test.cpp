// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "engine/quant/pipeline.h"
#include "plugins/outliers/outlier_methods.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kSmooth = makeSmooth();
const auto kRounding = makeRoundToNearest();

QuantInput layer(const TensorView& weight, const InputStatistics& seen, const std::string& module) {
    QuantInput input = inputOf(weight);
    input.subject.commonName = "model.layers.0." + module + ".weight";
    input.subject.hasCalibration = true;
    input.calibration = &seen;
    return input;
}

} // namespace

TEST_CASE("SmoothQuant's factors are those of the definition, over all weights that read the inputs", "[outliers]") {
    test::TestRun run;
    const TensorView query = makeTensor({2, 4}, {1, -2, 0.5F, 0, 0.25F, 1, -0.25F, 0});
    const TensorView key = makeTensor({1, 4}, {-4, 1, 0.125F, 0});
    const std::vector<TensorView> sharing{query, key};
    InputStatistics seen;
    seen.channels = 4;
    seen.channelMax = {16, 9, 0, 1};
    for (const double alpha : {0.0, 0.5, 0.8, 1.0}) {
        const auto parameters = test::parametersFor(*kSmooth, fmt::format("smooth:alpha={}", alpha));
        for (const TensorView& asking : sharing) {
            QuantInput input = layer(asking, seen, "self_attn.q_proj");
            input.sharing = sharing;
            const auto made = kSmooth->transform(input, parameters, 0, run.context);
            REQUIRE(made);
            REQUIRE(made->factors.size() == 4);
            CHECK(made->factorBits == 0);
            const auto expected = [&](double x, double w) { return std::pow(x, alpha) / std::pow(w, 1 - alpha); };
            CHECK(made->factors[0] == Approx(expected(16, 4)));
            CHECK(made->factors[1] == Approx(expected(9, 2)));
            CHECK(made->factors[2] == 1); // silent
            CHECK(made->factors[3] == Approx(expected(1, 1e-5)));
        }
    }
}

TEST_CASE("A smoothed layer rounds W diag(s) and undoes it; factors cost nothing where a norm takes them up",
          "[outliers]") {
    test::TestRun run;
    constexpr std::int64_t rows = 6, columns = 8;
    const auto values = test::normalValues(rows * columns, 5);
    const TensorView weight = makeTensor({rows, columns}, values);
    InputStatistics seen;
    seen.channels = columns;
    seen.channelMax = {1, 2, 64, 1, 0.5F, 3, 1, 128};
    const auto chain = Pipeline::of({kSmooth.get(), kRounding.get()});
    REQUIRE(chain);
    const auto result = test::quantized(**chain, layer(weight, seen, "mlp.up_proj"), "smooth+rtn:bits=4,group=4", run);

    const auto factors =
        kSmooth->transform(layer(weight, seen, "mlp.up_proj"), test::parametersFor(*kSmooth, "smooth"), 0, run.context)
            ->factors;
    std::vector<float> scaled = values;
    for (std::size_t i = 0; i < scaled.size(); ++i) scaled[i] *= factors[i % columns];
    const auto rounded =
        test::quantized(*kRounding, inputOf(makeTensor({rows, columns}, scaled)), "rtn:bits=4,group=4", run);
    const auto expected = test::valuesOf(rounded), found = test::valuesOf(result);
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i] / factors[i % columns]));
    CHECK(storedBits(result) == storedBits(rounded));

    // What reads no norm is left alone, or stores its factors.
    const auto left = test::quantized(**chain, layer(weight, seen, "mlp.down_proj"), "smooth+rtn:bits=4,group=4", run);
    CHECK(formOf<ColumnTransformed>(left) == nullptr);
    const auto all =
        test::quantized(**chain, layer(weight, seen, "mlp.down_proj"), "smooth:layers=all+rtn:bits=4,group=4", run);
    CHECK(storedBits(all) == storedBits(rounded) + 16 * columns);
}
