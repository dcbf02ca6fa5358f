// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "plugins/extreme/extreme_methods.h"
#include "tests/unit/methods_extreme/extreme_runs.h"

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeBcq();

double errorOf(const std::vector<float>& values, std::int64_t columns, const std::string& text) {
    test::TestRun run;
    const TensorView weight = makeTensor({static_cast<std::int64_t>(values.size()) / columns, columns}, values);
    return test::relativeError(test::valuesOf(test::quantized(*kMethod, inputOf(weight), text, run)), values);
}

} // namespace

TEST_CASE("BCQ reaches the best one and two bits for normal weights", "[extreme]") {
    const auto values = test::normalValues(1 << 16, 11);
    CHECK(errorOf(values, 1 << 16, "bcq:bits=1,group=0") == Approx(1 - 2 / 3.14159265).epsilon(0.01));
    CHECK(errorOf(values, 1 << 16, "bcq:bits=2,group=0,rounds=100") == Approx(0.1175).epsilon(0.01));
}

TEST_CASE("BCQ of one bit is the mean magnitude with the weights' signs", "[extreme]") {
    test::TestRun run;
    const TensorView weight = makeTensor({1, 4}, {1, -2, 3, -0.5F});
    const float mean = 6.5F / 4; // exact in half precision
    CHECK(test::valuesOf(test::quantized(*kMethod, inputOf(weight), "bcq:bits=1", run)) ==
          std::vector<float>{mean, -mean, mean, -mean});
}

TEST_CASE("BCQ finds sums of signs again, and the uniform grid", "[extreme]") {
    std::vector<float> sums, grid;
    for (int i = 0; i < 64; ++i) {
        sums.push_back((i & 1 ? 1.0F : -1.0F) + (i & 2 ? 0.5F : -0.5F) * (i & 1 ? 1.0F : -1.0F));
        grid.push_back(0.25F * static_cast<float>(i % 8) - 0.5F);
    }
    CHECK(errorOf(sums, 64, "bcq:bits=2") < 1e-10);
    CHECK(errorOf(grid, 64, "bcq:bits=3,offset=true") < 1e-10);
}

TEST_CASE("BCQ gains by each round and by its offset, and counts scales", "[extreme]") {
    auto values = test::normalValues(64 * 128, 12);
    for (float& value : values) value += 0.5F;
    const double start = errorOf(values, 128, "bcq:bits=3,rounds=0"),
                 once = errorOf(values, 128, "bcq:bits=3,rounds=1"), often = errorOf(values, 128, "bcq:bits=3"),
                 moved = errorOf(values, 128, "bcq:bits=3,offset=true");
    CHECK(once < start);
    CHECK(often < once);
    CHECK(moved < often);

    test::TestRun run;
    const TensorView weight = makeTensor({64, 128}, values);
    const auto made = test::quantized(*kMethod, inputOf(weight), "bcq:bits=3,group=64", run);
    CHECK(storedBits(made) == 64 * 128 * 3 + 128 * 3 * 16);
    CHECK(storedBits(test::quantized(*kMethod, inputOf(weight), "bcq:bits=3,group=64,offset=true", run)) ==
          64 * 128 * 3 + 128 * 4 * 16);
    const ThreadLimit limit(1);
    CHECK(test::valuesOf(test::quantized(*kMethod, inputOf(weight), "bcq:bits=3,group=64", run)) ==
          test::valuesOf(made));
}

TEST_CASE("BCQ by inputs makes the weighted error less and the plain one more", "[extreme]") {
    test::TestRun run;
    const auto values = test::normalValues(32 * 64, 13);
    std::vector<float> importance = test::normalValues(64, 14);
    for (float& f : importance) f = f * f * f * f;
    const TensorView weight = makeTensor({32, 64}, values);
    QuantInput input = inputOf(weight);
    input.importance = importance;
    input.subject.hasImportance = true;
    const auto plain = test::valuesOf(test::quantized(*kMethod, input, "bcq:bits=2", run));
    const auto by = test::valuesOf(test::quantized(*kMethod, input, "bcq:bits=2,weights=inputs", run));
    const auto weighted = [&](const std::vector<float>& found) {
        double sum = 0;
        for (std::size_t i = 0; i < values.size(); ++i)
            sum += static_cast<double>(importance[i % 64]) * std::pow(static_cast<double>(found[i] - values[i]), 2);
        return sum;
    };
    CHECK(weighted(by) < weighted(plain));
    CHECK(test::relativeError(by, values) > test::relativeError(plain, values));
    CHECK_FALSE(kMethod->outline({{32, 64}}, test::parametersFor(*kMethod, "bcq:weights=inputs")));
}
