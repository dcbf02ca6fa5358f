// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// Round to nearest on a uniform grid; see `UniformGrid` for the arithmetic.
[[nodiscard]] std::unique_ptr<QuantMethod> makeRoundToNearest();

} // namespace qscope::engine
