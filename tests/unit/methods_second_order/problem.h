// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/random.h"
#include "engine/quant/method.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace qscope::test {

/// A random layer whose inputs are correlated and of uneven strength, and its sums, all by definition in double.
struct LayerProblem {
    LayerProblem(std::int64_t outputs, std::int64_t inputs, std::int64_t count, unsigned seed = 1)
        : rows(outputs)
        , columns(inputs)
        , tokens(count)
        , weight(normalValues(static_cast<std::size_t>(outputs * inputs), seed)) {
        const auto size = static_cast<std::size_t>(columns);
        const auto noise = normalValues(static_cast<std::size_t>(count) * (size + 4), seed + 1);
        const auto mixing = normalValues(4 * size, seed + 2);
        for (std::size_t t = 0; t < static_cast<std::size_t>(count); ++t)
            for (std::size_t c = 0; c < size; ++c) {
                float x = 0.5F * noise[t * (size + 4) + c];
                for (std::size_t k = 0; k < 4; ++k) x += mixing[k * size + c] * noise[t * (size + 4) + size + k];
                inputsOfTokens.push_back(x * (c % 7 == 3 ? 3.0F : 1.0F));
            }
        statistics.channels = columns;
        statistics.tokens = count;
        statistics.secondMoments = crossOf(inputsOfTokens);
    }

    /// Σ y xᵀ over tokens.
    [[nodiscard]] std::vector<double> crossOf(const std::vector<float>& y) const {
        const auto size = static_cast<std::size_t>(columns);
        std::vector<double> sums(size * size);
        for (std::size_t t = 0; t < static_cast<std::size_t>(tokens); ++t)
            for (std::size_t i = 0; i < size; ++i)
                for (std::size_t j = 0; j < size; ++j)
                    sums[i * size + j] +=
                        static_cast<double>(y[t * size + i]) * static_cast<double>(inputsOfTokens[t * size + j]);
        return sums;
    }

    [[nodiscard]] engine::QuantInput input() const {
        engine::QuantInput made{{{rows, columns}, "layer.weight"}, engine::makeTensor({rows, columns}, weight)};
        made.subject.hasCalibration = true;
        made.calibration = &statistics;
        return made;
    }

    /// d M dᵀ with d a row of `what` minus the same row of the weight.
    [[nodiscard]] double lossOfRow(const std::vector<float>& what, std::int64_t row,
                                   const std::vector<double>& moments) const {
        double loss = 0;
        const auto difference = [&](std::int64_t c) {
            const auto at = static_cast<std::size_t>(row * columns + c);
            return static_cast<double>(what[at]) - static_cast<double>(weight[at]);
        };
        for (std::int64_t i = 0; i < columns; ++i)
            for (std::int64_t j = 0; j < columns; ++j)
                loss += difference(i) * moments[static_cast<std::size_t>(i * columns + j)] * difference(j);
        return loss;
    }
    [[nodiscard]] double loss(const engine::QuantizedTensor& tensor) const {
        const auto values = valuesOf(tensor);
        double sum = 0;
        for (std::int64_t row = 0; row < rows; ++row) sum += lossOfRow(values, row, statistics.secondMoments);
        return sum;
    }
    static std::vector<float> valuesOf(const engine::QuantizedTensor& tensor) {
        std::vector<float> values(static_cast<std::size_t>(engine::elementCount(tensor.shape)));
        REQUIRE(engine::dequantize(tensor, 0, values));
        return values;
    }

    std::int64_t rows, columns, tokens;
    std::vector<float> weight;
    std::vector<float> inputsOfTokens; ///< [tokens, columns]
    engine::InputStatistics statistics;
};

inline Result<engine::QuantizedTensor> quantized(const engine::QuantMethod& method, const std::string& text,
                                                 const engine::QuantInput& input, TestRun& run) {
    const auto spec = engine::parseMethodSpec(text);
    REQUIRE(spec);
    const auto values = engine::resolveParameters(method.info().parameters, *spec);
    if (!values) FAIL(describe(values.error()));
    return method.quantize(input, *values, 0, run.context);
}

} // namespace qscope::test
