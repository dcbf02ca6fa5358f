// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/extreme/extreme_methods.h"
#include "tests/unit/methods_extreme/extreme_runs.h"

#include <set>

using namespace qscope;
using namespace qscope::engine;

namespace {

const auto kMethod = makeTrilm();

} // namespace

TEST_CASE("TriLM's rule has its known error on normal weights", "[extreme]") {
    test::TestRun run;
    const auto values = test::normalValues(256 * 256, 21);
    const TensorView weight = makeTensor({256, 256}, values);
    const auto made = test::quantized(*kMethod, inputOf(weight), "trilm", run);
    CHECK(test::relativeError(test::valuesOf(made), values) == Approx(0.2633).epsilon(0.01));
    CHECK(storedBits(made) == 256 * 256 * 2 + 16);
    const auto sharded = test::quantized(*kMethod, inputOf(weight), "trilm:shards=4", run);
    CHECK(storedBits(sharded) == 256 * 256 * 2 + 4 * 16);
    std::set<float> sizes;
    for (const float w : test::valuesOf(sharded)) sizes.insert(std::abs(w));
    CHECK(sizes.size() == 5);
}

TEST_CASE("TriLM rounds by the rule, by hand", "[extreme]") {
    test::TestRun run;
    // The mean magnitude is 1: half of it goes to zero, more to one.
    const TensorView weight = makeTensor({1, 4}, {0.5F, -0.75F, 2.5F, -0.25F});
    CHECK(test::valuesOf(test::quantized(*kMethod, inputOf(weight), "trilm", run)) == std::vector<float>{0, -1, 1, 0});
    const TensorView zeros = makeTensor({2, 2}, {0, 0, 0, 0});
    CHECK(test::valuesOf(test::quantized(*kMethod, inputOf(zeros), "trilm", run)) == std::vector<float>(4, 0));
    CHECK_FALSE(kMethod->outline({{3, 4}}, test::parametersFor(*kMethod, "trilm:shards=2")));
}

TEST_CASE("Ternary weights stay as they are, also in GGUF's ternary blocks", "[extreme]") {
    test::TestRun run;
    auto values = test::normalValues(4 * 512, 22);
    for (float& value : values) value = std::abs(value) < 0.7F ? 0 : value < 0 ? -0.75F : 0.75F;
    std::fill_n(values.begin() + 256, 256, 0.0F); // a block of zeros
    const TensorView weight = makeTensor({4, 512}, values);
    for (const char* text : {"trilm", "trilm:storage=tq1_0", "trilm:storage=tq2_0"})
        CHECK(test::valuesOf(test::quantized(*kMethod, inputOf(weight), text, run)) == values);
    const auto one = test::quantized(*kMethod, inputOf(weight), "trilm:storage=tq1_0", run);
    CHECK(storedBits(one) == 8 * 54 * 8);
    CHECK_FALSE(kMethod->outline({{4, 100}}, test::parametersFor(*kMethod, "trilm:storage=tq2_0")));

    // Normal weights: the blocks hold the values of the grid.
    const auto normal = test::normalValues(2 * 256, 23);
    const TensorView other = makeTensor({2, 256}, normal);
    CHECK(test::valuesOf(test::quantized(*kMethod, inputOf(other), "trilm:storage=tq2_0", run)) ==
          test::valuesOf(test::quantized(*kMethod, inputOf(other), "trilm", run)));
}
