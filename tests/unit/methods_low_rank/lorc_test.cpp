// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/forms.h"
#include "engine/quant/pipeline.h"
#include "plugins/low_rank/low_rank_methods.h"
#include "plugins/round_to_nearest/rtn_method.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <Eigen/SVD>

#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kLorc = makeLorc();
const auto kRounding = makeRoundToNearest();

double squaresBetween(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    return sum;
}

} // namespace

TEST_CASE("LoRC undoes an error of its rank", "[low rank]") {
    test::TestRun run;
    constexpr std::size_t rows = 24, columns = 32;
    const auto left = test::normalValues(rows * 2, 1, 0.1F), right = test::normalValues(2 * columns, 2, 0.1F);
    std::vector<float> values(rows * columns);
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t row = i / columns, column = i % columns;
        // Steps of 1 from -7 to 7, both ends in each row, and at column 0 nothing on top: the grid stays as it is.
        values[i] = column == 0 ? 7.0F : static_cast<float>((row * 5 + column * 3) % 13) - 6;
        if (column > 0) values[i] += left[row * 2] * right[column] + left[row * 2 + 1] * right[columns + column];
    }
    const auto chain = Pipeline::of({kRounding.get(), kLorc.get()});
    REQUIRE(chain);
    const QuantInput input = inputOf(makeTensor({rows, columns}, values));
    const auto plain = test::quantized(*kRounding, input, "rtn:bits=4,granularity=output-channel", run);
    const auto repaired = test::quantized(**chain, input, "rtn:bits=4,granularity=output-channel+lorc:rank=2", run);
    CHECK(squaresBetween(test::valuesOf(plain), values) > 0.05);
    CHECK(squaresBetween(test::valuesOf(repaired), values) < 1e-6);
    CHECK(storedBits(repaired) == storedBits(plain) + 16 * 2 * (rows + columns));
}

TEST_CASE("What LoRC leaves is the error's smaller singular values", "[low rank]") {
    test::TestRun run;
    constexpr std::int64_t rows = 20, columns = 16;
    const auto values = test::normalValues(rows * columns, 3);
    const QuantInput input = inputOf(makeTensor({rows, columns}, values));
    const auto base = test::valuesOf(test::quantized(*kRounding, input, "rtn:bits=2,group=8", run));
    Eigen::MatrixXd error(rows, columns);
    for (std::int64_t i = 0; i < rows * columns; ++i)
        error(i / columns, i % columns) =
            static_cast<double>(values[static_cast<std::size_t>(i)] - base[static_cast<std::size_t>(i)]);
    const Eigen::VectorXd singular = Eigen::JacobiSVD<Eigen::MatrixXd>(error).singularValues();
    const auto chain = Pipeline::of({kRounding.get(), kLorc.get()});
    for (const int rank : {1, 6, 12}) {
        const auto repaired =
            test::quantized(**chain, input, fmt::format("rtn:bits=2,group=8+lorc:rank={}", rank), run);
        CHECK(squaresBetween(test::valuesOf(repaired), values) ==
              Approx(singular.tail(columns - rank).squaredNorm()).epsilon(1e-2));
    }
    QuantInput watched = input;
    std::vector<Trace> traces;
    watched.traces = &traces;
    (void)test::quantized(**chain, watched, "rtn:bits=2,group=8+lorc:rank=3", run);
    REQUIRE(traces.size() == 2);
    REQUIRE(traces[0].y.size() == 3);
    CHECK(traces[0].y[0] == Approx(singular(0)).epsilon(1e-3));
    CHECK(traces[1].y[2] == Approx(100 * singular.head(3).squaredNorm() / singular.squaredNorm()).epsilon(1e-2));
    CHECK_FALSE(kLorc->quantize(input, test::parametersFor(*kLorc, "lorc"), 0, run.context));
}
