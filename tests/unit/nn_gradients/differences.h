// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/operator.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace qscope::test {

using engine::Shape;
using engine::nn::Attribute;
using engine::nn::Value;
using Attributes = std::map<std::string, Attribute, std::less<>>;

/// Doubles in [low, high], the same for the same seed.
[[nodiscard]] Value uniformValue(Shape shape, unsigned seed, double low = -1, double high = 1);
[[nodiscard]] Value integerValue(Shape shape, std::vector<std::int64_t> values);

/// The cube root of double's epsilon, at which truncation and rounding of central differences are of one size.
inline constexpr double kDifferenceStep = 6e-6;

/// One application of an operator.
struct OperatorCase {
    std::string op;
    std::vector<std::optional<Value>> inputs; ///< nothing: absent
    Attributes attributes = {};
    int opset = 25;
    std::size_t outputs = 1;
    std::size_t output = 0;                 ///< whose gradient flows
    std::vector<std::size_t> constant = {}; ///< real inputs whose gradient is not asked for
    double step = kDifferenceStep;          ///< larger where inputs are so large that their rounding counts
};

/// Checks the gradients of a random weighted sum of the output's elements with respect to every element of every F64
/// input against central differences of the forward operator, and those in single precision against those in double.
void checkGradients(const OperatorCase& given);

/// The error of asking for the gradients of all real inputs; empty when there is none.
[[nodiscard]] std::string gradientError(const OperatorCase& given);

} // namespace qscope::test
