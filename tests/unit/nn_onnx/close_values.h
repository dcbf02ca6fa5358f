// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/value.h"

#include <optional>

namespace qscope::test {

/// How far results may be from what is expected.
struct Closeness {
    double relative = 0;  ///< of the expected element
    double ofLargest = 0; ///< of the largest magnitude that is expected anywhere in the tensor
};

/// What may differ between two correct calculations in this type: 1e-5 and 1e-6 of single precision (84 and 8 units in
/// the last place: sums of some hundred products in another order), a unit in the last place of halves, 1e-12 of
/// double. Nothing for integers, truth values, texts and floats of a byte.
[[nodiscard]] Closeness closenessOf(DType type);

/// What is wrong with `found`, in one line, or nothing. NaN is expected where there is NaN, infinities exactly.
[[nodiscard]] std::optional<std::string> difference(const engine::nn::Value& found, const engine::nn::Value& expected,
                                                    Closeness closeness);

/// The elements in double precision; any type that `decode` reads.
[[nodiscard]] std::vector<double> numbersOf(const engine::nn::Value& value);

} // namespace qscope::test
