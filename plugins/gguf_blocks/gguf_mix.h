// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// One method per mix of llama-quantize whose main type can be encoded.
[[nodiscard]] std::vector<std::unique_ptr<QuantMethod>> makeMixMethods();

} // namespace qscope::engine
