// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// One method per block format that can be encoded.
[[nodiscard]] std::vector<std::unique_ptr<QuantMethod>> makeBlockMethods();

} // namespace qscope::engine
