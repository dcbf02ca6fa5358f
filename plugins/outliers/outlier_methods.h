// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// Moves part of the inputs' range into the weights, channel by channel.
[[nodiscard]] std::unique_ptr<QuantMethod> makeSmooth();
/// Eight bits on both sides, save in channels with outliers.
[[nodiscard]] std::unique_ptr<QuantMethod> makeLlmInt8();
/// Codebooks per row by weighted clustering, and single weights apart.
[[nodiscard]] std::unique_ptr<QuantMethod> makeSqueezeLlm();
/// Groups of few bits, and the weights of the largest gradients apart.
[[nodiscard]] std::unique_ptr<QuantMethod> makeGwq();

} // namespace qscope::engine
