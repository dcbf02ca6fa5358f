// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace qscope::test {

using Parameters = std::map<std::string, std::string>;

/// A method's result on a matrix, or its error. The outline must promise the same size.
[[nodiscard]] inline Result<engine::QuantizedTensor> quantizedBy(const engine::QuantMethod& method,
                                                                 const engine::QuantInput& input, Parameters parameters,
                                                                 std::uint64_t seed = 0) {
    TestRun run;
    const auto values = engine::resolveParameters(method.info().parameters, {method.info().id, std::move(parameters)});
    REQUIRE(values);
    const auto outline = method.outline(input.subject, *values);
    auto result = method.quantize(input, *values, seed, run.context);
    if (!result) return result;
    REQUIRE(outline);
    CHECK(engine::storedBits(*outline) == engine::storedBits(*result));
    CHECK(run.progress.done == engine::elementCount(input.subject.shape));
    return result;
}

[[nodiscard]] inline std::vector<float> valuesOf(const engine::QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(engine::elementCount(tensor.shape)));
    REQUIRE(engine::dequantize(tensor, 0, values));
    return values;
}

/// Sum of (w - ŵ)² over sum of w².
[[nodiscard]] inline double relativeErrorOf(const std::vector<float>& weights, const engine::QuantizedTensor& tensor) {
    const auto values = valuesOf(tensor);
    double error = 0, energy = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        error += std::pow(static_cast<double>(weights[i]) - static_cast<double>(values[i]), 2);
        energy += std::pow(static_cast<double>(weights[i]), 2);
    }
    return error / energy;
}

} // namespace qscope::test
