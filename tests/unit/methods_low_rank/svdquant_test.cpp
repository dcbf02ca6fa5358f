// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "plugins/low_rank/low_rank_methods.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeSvdQuant();
constexpr std::size_t rows = 40, columns = 64, tokens = 48, group = 16;

/// A layer whose inputs have two hot channels.
struct Layer {
    std::vector<float> values = test::normalValues(rows * columns, 1);
    TensorView weight = makeTensor({rows, columns}, values);
    InputStatistics seen;
    QuantInput input = inputOf(weight);

    Layer() {
        seen.channels = columns;
        seen.samples = test::normalValues(tokens * columns, 2);
        seen.sampleRows = tokens;
        seen.channelMax.assign(columns, 0);
        for (std::size_t i = 0; i < seen.samples.size(); ++i) {
            if (i % columns == 3 || i % columns == 40) seen.samples[i] *= 60;
            seen.channelMax[i % columns] = std::max(seen.channelMax[i % columns], std::abs(seen.samples[i]));
        }
        input.calibration = &seen;
        input.subject.hasCalibration = true;
    }

    /// Error of the output by the definition: codes meet inputs rounded in groups behind the factors, the rest exact
    /// ones.
    double outputError(const QuantizedTensor& result, int bits) const {
        const auto* outer = formOf<ColumnTransformed>(result);
        const QuantizedTensor& inner = outer ? *outer->base : result;
        const auto* sum = formOf<LowRankSum>(inner);
        const auto codes = test::valuesOf(sum ? *sum->base : inner);
        double error = 0;
        for (std::size_t t = 0; t < tokens; ++t) {
            std::vector<double> exact(columns), rounded(columns);
            for (std::size_t c = 0; c < columns; ++c) // multiplied columns stand for divided inputs
                exact[c] = static_cast<double>(seen.samples[t * columns + c]) *
                           (outer ? static_cast<double>(outer->factors[c]) : 1.0);
            for (std::size_t begin = 0; begin < columns; begin += group) {
                double largest = 0;
                for (std::size_t c = begin; c < begin + group; ++c) largest = std::max(largest, std::abs(exact[c]));
                const double scale = largest / ((1 << (bits - 1)) - 1);
                for (std::size_t c = begin; c < begin + group; ++c)
                    rounded[c] = scale > 0 ? std::nearbyint(exact[c] / scale) * scale : 0;
            }
            for (std::size_t row = 0; row < rows; ++row) {
                double wanted = 0, got = 0;
                for (std::size_t c = 0; c < columns; ++c) {
                    wanted += static_cast<double>(values[row * columns + c]) *
                              static_cast<double>(seen.samples[t * columns + c]);
                    got += static_cast<double>(codes[row * columns + c]) * rounded[c];
                    for (std::int64_t k = 0; sum && k < sum->rank; ++k)
                        got += static_cast<double>(
                                   sum->left[row * static_cast<std::size_t>(sum->rank) + static_cast<std::size_t>(k)]) *
                               static_cast<double>(sum->right[static_cast<std::size_t>(k) * columns + c]) * exact[c];
                }
                error += (wanted - got) * (wanted - got);
            }
        }
        return error;
    }
};

} // namespace

TEST_CASE("SVDQuant's output is nearer than that of smoothing alone, and that nearer than plain rounding",
          "[low rank]") {
    test::TestRun run;
    const Layer layer;
    const auto plain = test::quantized(*kMethod, layer.input, "svdquant:group=16,rank=0,smooth=none", run);
    const auto smooth = test::quantized(*kMethod, layer.input, "svdquant:group=16,rank=0", run);
    const auto both = test::quantized(*kMethod, layer.input, "svdquant:group=16,rank=4,rounds=5", run);
    CHECK(layer.outputError(smooth, 4) < 0.5 * layer.outputError(plain, 4));
    CHECK(layer.outputError(both, 4) < 0.5 * layer.outputError(smooth, 4));

    const std::uint64_t codes = rows * columns * 4 + rows * columns / group * 16;
    CHECK(storedBits(plain) == codes);
    CHECK(storedBits(smooth) == codes + 16 * columns);
    CHECK(storedBits(both) == codes + 16 * columns + 16 * 4 * (rows + columns));

    const auto what = kMethod->activations(test::parametersFor(*kMethod, "svdquant:group=16"), nullptr);
    REQUIRE(what);
    CHECK(what->linearInputs);
    CHECK(what->bypassLowRank);
    CHECK(what->inputGrid == ActivationGrid{4, true, ActivationScope::Group, group});
    CHECK_FALSE(kMethod->activations(test::parametersFor(*kMethod, "svdquant:activations=0"), nullptr));

    const ThreadLimit limit(1);
    CHECK(test::valuesOf(test::quantized(*kMethod, layer.input, "svdquant:group=16,rank=4,rounds=5", run)) ==
          test::valuesOf(both));
}

TEST_CASE("SVDQuant at full rank keeps the weight as half precision does, and weights that share inputs share factors",
          "[low rank]") {
    test::TestRun run;
    Layer layer;
    const auto full =
        test::valuesOf(test::quantized(*kMethod, layer.input, "svdquant:group=16,rank=64,rounds=1,smooth=none", run));
    for (std::size_t i = 0; i < full.size(); ++i) CHECK(std::abs(full[i] - layer.values[i]) < 0.01F);

    const TensorView other = makeTensor({8, columns}, test::normalValues(8 * columns, 9, 4));
    const std::vector<TensorView> sharing{layer.weight, other};
    layer.input.sharing = sharing;
    const auto first = test::quantized(*kMethod, layer.input, "svdquant:group=16,rank=2,rounds=1", run);
    QuantInput second = inputOf(other);
    second.calibration = &layer.seen;
    second.sharing = sharing;
    const auto result = test::quantized(*kMethod, second, "svdquant:group=16,rank=2,rounds=1", run);
    REQUIRE(formOf<ColumnTransformed>(first));
    REQUIRE(formOf<ColumnTransformed>(result));
    CHECK(formOf<ColumnTransformed>(first)->factors == formOf<ColumnTransformed>(result)->factors);
}
