// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/operator.h"
#include "tests/support/random_values.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

namespace qscope::test {

using Attributes = std::map<std::string, engine::nn::Attribute, std::less<>>;

/// Applies one operator to values; a null pointer is an absent input.
class OperatorRun {
public:
    TestRun run;
    engine::nn::Session* session = nullptr;
    int opset = 25;

    [[nodiscard]] Result<std::vector<engine::nn::Value>> operator()(std::string_view name,
                                                                    std::vector<const engine::nn::Value*> inputs,
                                                                    Attributes attributes = {}, int outputs = 1) {
        engine::nn::Node node;
        node.op = engine::nn::findOperator(name);
        if (!node.op) return fail(ErrorCode::Unsupported, "there is no operator {}", name);
        node.attributes = std::move(attributes);
        node.opset = opset;
        for (int i = 0; i < outputs; ++i) node.outputs.push_back(i);
        engine::nn::OperatorContext context{run.context, session, {}, {}};
        return node.op->forward(node, inputs, context);
    }

    /// The only output of an application that must work.
    [[nodiscard]] engine::nn::Value only(std::string_view name, std::vector<const engine::nn::Value*> inputs,
                                         Attributes attributes = {}) {
        auto outputs = (*this)(name, std::move(inputs), std::move(attributes));
        if (!outputs) FAIL(outputs.error().message);
        REQUIRE_FALSE(outputs->empty());
        return outputs->front();
    }

    /// The error of an application that must fail.
    [[nodiscard]] ErrorCode error(std::string_view name, std::vector<const engine::nn::Value*> inputs,
                                  Attributes attributes = {}) {
        const auto outputs = (*this)(name, std::move(inputs), std::move(attributes));
        REQUIRE_FALSE(outputs);
        return outputs.error().code;
    }
};

/// Normal values in single precision, or the same ones in double.
template<class T = float>
[[nodiscard]] engine::nn::Value randomValue(const engine::Shape& shape, unsigned seed, float deviation = 1) {
    const auto values = normalValues(static_cast<std::size_t>(engine::elementCount(shape)), seed, deviation);
    return engine::nn::makeValue(shape, std::vector<T>(values.begin(), values.end()));
}

/// Any number type as doubles.
[[nodiscard]] inline std::vector<double> doubles(const engine::nn::Value& value) {
    const auto wide = engine::nn::converted(value, DType::F64);
    REQUIRE(wide);
    const auto all = engine::nn::elements<double>(*wide);
    return {all.begin(), all.end()};
}

/// Largest |a - b|; the sizes must be equal.
[[nodiscard]] inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

} // namespace qscope::test
