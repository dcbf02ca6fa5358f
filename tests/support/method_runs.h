// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

namespace qscope::test {

/// The parameters that a text such as "gwq:bits=3" gives a method.
inline engine::ParamValues parametersFor(const engine::QuantMethod& method, const std::string& text) {
    const auto spec = engine::parseMethodSpec(text);
    REQUIRE(spec);
    const auto values = engine::resolveParameters(method.info().parameters, *spec);
    if (!values) FAIL(describe(values.error()));
    return *values;
}

/// The outcome of a rounding that must succeed, and whose outline must tell its size.
inline engine::QuantizedTensor quantized(const engine::QuantMethod& method, const engine::QuantInput& input,
                                         const std::string& text, TestRun& run) {
    const auto parameters = parametersFor(method, text);
    auto result = method.quantize(input, parameters, 0, run.context);
    if (!result) FAIL(describe(result.error()));
    const auto outline = method.outline(input.subject, parameters);
    REQUIRE(outline);
    CHECK(storedBits(*outline) == storedBits(*result));
    return *std::move(result);
}

inline std::vector<float> valuesOf(const engine::QuantizedTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(engine::elementCount(tensor.shape)));
    REQUIRE(engine::dequantize(tensor, 0, values));
    return values;
}

} // namespace qscope::test
