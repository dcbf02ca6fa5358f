// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// Half-quadratic quantization: free zero points by a sparse error.
[[nodiscard]] std::unique_ptr<QuantMethod> makeHqq();
/// Outliers apart, and the range of each row searched.
[[nodiscard]] std::unique_ptr<QuantMethod> makeEasyQuant();
/// Groups halved for as long as ranges shrink.
[[nodiscard]] std::unique_ptr<QuantMethod> makeFineQuant();
/// Uniform codes of a power of the weights.
[[nodiscard]] std::unique_ptr<QuantMethod> makePowerQuant();
/// PowerQuant's exponent and codes, learned on layer outputs.
[[nodiscard]] std::unique_ptr<QuantMethod> makeNupes();
/// Groups along rows or along columns, whichever serves the layer's outputs.
[[nodiscard]] std::unique_ptr<QuantMethod> makeAdaDim();
/// Three clusters of weights with a grid each.
[[nodiscard]] std::unique_ptr<QuantMethod> makeSplitQuant();
/// Few bits out of one stored integer of more.
[[nodiscard]] std::unique_ptr<QuantMethod> makeDoubleRounding();

} // namespace qscope::engine
