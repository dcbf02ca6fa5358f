// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/graph/operator.h"

#include <array>

namespace qscope::engine::nn {

namespace {

Result<std::vector<Value>> identity(const Node&, OperatorInputs inputs, OperatorContext&) {
    return std::vector{*inputs[0]};
}

constexpr std::array kBasic{
    Operator{"Identity", 1, 1, 1, identity},
};

} // namespace

std::span<const Operator> basicOperators() { return kBasic; }

} // namespace qscope::engine::nn
