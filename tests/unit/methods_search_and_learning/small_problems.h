// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/uniform_step.h"
#include "plugins/search_and_learning/block_reconstruction.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <array>
#include <cmath>

namespace qscope::test {

/// A row of two weights whose loss is (w - target) H (w - target)ᵀ, H = [[1, .9], [.9, 1]]: rounding both 0.4 down to
/// whole numbers costs 0.608, one up 0.088.
struct TwoWeights {
    std::array<double, 2> target{0.4, 0.4};

    double loss(std::span<const float> w) const {
        const double a = static_cast<double>(w[0]) - target[0], b = static_cast<double>(w[1]) - target[1];
        return a * a + 1.8 * a * b + b * b;
    }
    std::vector<float> gradient(std::span<const float> w) const {
        const double a = static_cast<double>(w[0]) - target[0], b = static_cast<double>(w[1]) - target[1];
        return {static_cast<float>(2 * a + 1.8 * b), static_cast<float>(2 * b + 1.8 * a)};
    }
};

/// Whole numbers 0 to 3, one group of a row.
inline engine::UniformStep wholeNumbers() { return {1, 0, 0, 3}; }
inline engine::QuantizedTensor rowOutline(std::int64_t columns, int bits = 2, std::int64_t rows = 1) {
    return {{rows, columns}, engine::GridCodes{{bits, false}, {rows, columns, 1, columns}, {}}};
}

/// Steps of an optimizer on what one learned weight says about a loss.
template<class Gradient>
void descend(engine::LearnedWeight& weight, std::int64_t steps,
             std::vector<std::pair<engine::optimize::Optimizer*, double>> rates, Gradient gradient,
             std::uint64_t seed = 1) {
    TestRun run;
    for (std::int64_t step = 0; step < steps; ++step) {
        const engine::Moment moment{step, steps, seed};
        const auto values = weight.values(moment, run.context);
        REQUIRE(values);
        REQUIRE(weight.take(gradient(*values), moment, run.context));
        for (const engine::LearnedNumbers& numbers : weight.learned())
            REQUIRE(rates[numbers.rate].first->step(std::vector{numbers.parameter}, rates[numbers.rate].second,
                                                    run.context));
        weight.moved();
    }
}

inline std::vector<float> valuesOf(const engine::QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(engine::elementCount(tensor.shape)));
    REQUIRE(engine::dequantize(tensor, 0, values));
    return values;
}
inline std::vector<float> finishedValues(engine::LearnedWeight& weight) {
    TestRun run;
    const auto result = weight.finished(run.context);
    REQUIRE(result);
    return valuesOf(*result);
}

} // namespace qscope::test
