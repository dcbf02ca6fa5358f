// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

[[nodiscard]] std::unique_ptr<QuantMethod> makeMinifloat(); ///< every split of 3 to 8 bits into exponent and fraction
[[nodiscard]] std::unique_ptr<QuantMethod> makeLevels();    ///< any grid of levels
[[nodiscard]] std::unique_ptr<QuantMethod> makeBitMod();    ///< one of four tables per group
[[nodiscard]] std::unique_ptr<QuantMethod> makeLlmFp4();    ///< searched formats, pre-shifted exponents of activations
[[nodiscard]] std::unique_ptr<QuantMethod> makePowerOfSqrt2(); ///< learned scale on powers of the square root of two
[[nodiscard]] std::unique_ptr<QuantMethod> makeBlockFloat();   ///< block floating point, keys sorted
[[nodiscard]] std::unique_ptr<QuantMethod> makeBlocks();       ///< MX, NVFP4 and what lies between
[[nodiscard]] std::unique_ptr<QuantMethod> makeFpDiffusion();  ///< floats with learned rounding
[[nodiscard]] std::unique_ptr<QuantMethod> makeFp4Dit();       ///< the same, aware of steps
[[nodiscard]] std::unique_ptr<QuantMethod> makeMinMax();       ///< integers of convolutions and linear layers
[[nodiscard]] std::unique_ptr<QuantMethod> makeEqualize();     ///< the same after cross-layer equalization

} // namespace qscope::engine
