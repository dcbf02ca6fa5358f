// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quant/forms.h"
#include "engine/tensor/level_tables.h"
#include "plugins/low_rank/low_rank_methods.h"
#include "plugins/low_rank/lq_codes.h"
#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"
#include "tests/unit/plan/sample_model.h"

#include <algorithm>
#include <cmath>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeLqLora();

double weightedError(const std::vector<float>& found, const std::vector<float>& values,
                     const std::vector<float>& weights) {
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        sum += static_cast<double>(weights[i]) *
               std::pow(static_cast<double>(found[i]) - static_cast<double>(values[i]), 2);
    return sum;
}

} // namespace

TEST_CASE("Normal floats have the levels of their publications", "[low rank]") {
    const auto four = normalFloatLevels(4);
    REQUIRE(four.size() == 16);
    for (std::size_t i = 0; i < 16; ++i) CHECK(four[i] == Approx(kNf4[i]).margin(1e-6));
    const std::vector<float> three{-1, -0.4786F, -0.2171F, 0, 0.1609F, 0.3379F, 0.5626F, 1}, two{-1, 0, 0.3379F, 1};
    const auto foundThree = normalFloatLevels(3), foundTwo = normalFloatLevels(2);
    REQUIRE(foundThree.size() == 8);
    REQUIRE(foundTwo.size() == 4);
    for (std::size_t i = 0; i < 8; ++i) CHECK(foundThree[i] == Approx(three[i]).margin(1e-4));
    for (std::size_t i = 0; i < 4; ++i) CHECK(foundTwo[i] == Approx(two[i]).margin(1e-4));
    CHECK(std::ranges::is_sorted(normalFloatLevels(8)));
}

TEST_CASE("Codes go to the level nearest to a weight over the scale that is read again", "[low rank]") {
    test::TestRun run;
    const auto values = test::normalValues(1000, 5); // the last block and the last run are not full
    const LqFormat format{3, 4, 16, 8, ScaleType::F16};
    const auto codes = roundToLevels(values, format, run.context);
    REQUIRE(codes);
    const QuantizedTensor tensor = tensorOf({10, 100}, *codes);
    const auto found = test::valuesOf(tensor), levels = normalFloatLevels(3);
    std::vector<double> peaks;
    for (std::size_t begin = 0; begin < values.size(); begin += 16) {
        double peak = 0;
        for (std::size_t i = begin; i < std::min<std::size_t>(1000, begin + 16); ++i)
            peak = std::max(peak, std::abs(static_cast<double>(values[i])));
        peaks.push_back(peak);
    }
    const double least = *std::ranges::min_element(peaks);
    for (std::size_t block = 0; block < peaks.size(); ++block) {
        double most = 0;
        for (std::size_t b = block / 8 * 8; b < std::min(peaks.size(), block / 8 * 8 + 8); ++b)
            most = std::max(most, peaks[b] - least);
        most = static_cast<double>(roundedTo(ScaleType::F16, static_cast<float>(most)));
        const double scale = least + std::nearbyint((peaks[block] - least) / most * 15) * most / 15;
        for (std::size_t i = block * 16; i < std::min<std::size_t>(1000, block * 16 + 16); ++i) {
            double nearest = 1e9;
            for (const float level : levels)
                if (std::abs(static_cast<double>(level) * scale - static_cast<double>(values[i])) <
                    std::abs(nearest - static_cast<double>(values[i])))
                    nearest = static_cast<double>(level) * scale;
            CHECK(static_cast<double>(found[i]) == Approx(nearest).epsilon(1e-5).margin(1e-6));
        }
    }
    CHECK(storedBits(tensor) == 1000 * 3 + 63 * 4 + 8 * 16 + 32);
    CHECK(gridLevels(tensor, 0, 20).size() == 8);
}

TEST_CASE("LQ-LoRA lowers the weighted error; equal weights are none, and no rank is the codes alone", "[low rank]") {
    test::TestRun run;
    constexpr std::int64_t rows = 48, columns = 64;
    auto values = test::normalValues(rows * columns, 6);
    const auto strong = test::normalValues(columns, 7, 3); // a strong direction
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] += strong[i % columns] * std::sin(static_cast<float>(i / columns));
    std::vector<float> fisher(values.size());
    for (std::size_t i = 0; i < fisher.size(); ++i)
        fisher[i] = (i / columns % 5 == 0 ? 20.0F : 1.0F) * (i % columns % 7 == 0 ? 9.0F : 1.0F);
    const std::vector<float> equal(values.size(), 0.25F);
    const TensorView weight = makeTensor({rows, columns}, values);
    QuantInput input = inputOf(weight);
    input.fisher = fisher;

    const auto alone = test::quantized(*kMethod, input, "lq_lora:bits=3,rank=0", run);
    const auto codes = roundToLevels(values, {3, 8, 64, 256, ScaleType::F32}, run.context);
    CHECK(test::valuesOf(alone) == test::valuesOf(tensorOf({rows, columns}, *codes)));
    const auto once = test::quantized(*kMethod, input, "lq_lora:bits=3,rank=4,rounds=1", run);
    const auto often = test::quantized(*kMethod, input, "lq_lora:bits=3,rank=4", run);
    const auto unweighted = test::quantized(*kMethod, input, "lq_lora:bits=3,rank=4,weights=none", run);
    const auto error = [&](const QuantizedTensor& result) {
        return weightedError(test::valuesOf(result), values, fisher);
    };
    CHECK(error(once) < 0.8 * error(alone));
    CHECK(error(often) <= error(once));
    CHECK(error(often) < error(unweighted));
    CHECK(storedBits(often) == rows * columns * 3 + 48 * 8 + 32 + 32 + 16 * 4 * (rows + columns));

    input.fisher = equal;
    CHECK(test::valuesOf(test::quantized(*kMethod, input, "lq_lora:bits=3,rank=4", run)) == test::valuesOf(unweighted));
    const ThreadLimit limit(1);
    CHECK(test::valuesOf(test::quantized(*kMethod, input, "lq_lora:bits=3,rank=4,weights=none", run)) ==
          test::valuesOf(unweighted));
}

TEST_CASE("LQ-LoRA's budget is kept over the model, and spent better than evenly", "[low rank]") {
    test::SampleModel sample;
    REQUIRE(sample.registries.methods.add(makeLqLora()));
    Plan plan = sample.plan({"lq_lora:budget=3.25,rank=0", "lq_lora:bits=3,block=64,scale-bits=8,run=256,rank=0",
                             "lq_lora:bits=3,scale-bits=8,block=32,rank=0"},
                            {"model.layers.0.self_attn.*proj*|model.layers.1.self_attn.*proj*"});
    plan.calibration.text = sample.page;
    plan.calibration.sequences = 2;
    plan.calibration.length = 64;
    const auto report = sample.ran(plan);
    REQUIRE(report->methods.size() == 3);
    CHECK(report->methods[0].bitsPerWeight <= 3.25);
    CHECK(report->methods[0].bitsPerWeight > 3.2);
    std::set<std::string> kinds;
    for (const TensorResult& tensor : report->methods[0].tensors) kinds.insert(describe(*tensor.quantized));
    CHECK(kinds.size() > 1);
}
