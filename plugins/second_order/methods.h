// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

[[nodiscard]] std::unique_ptr<QuantMethod> makeGptq();
[[nodiscard]] std::unique_ptr<QuantMethod> makeFoem();
[[nodiscard]] std::unique_ptr<QuantMethod> makeGptaq();
[[nodiscard]] std::unique_ptr<QuantMethod> makeDecoupleQ();
[[nodiscard]] std::unique_ptr<QuantMethod> makeDecoupleQBlock();

} // namespace qscope::engine
