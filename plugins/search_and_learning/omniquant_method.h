// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// OmniQuant: learned clipping of weights, and learned channel factors.
[[nodiscard]] std::unique_ptr<QuantMethod> makeOmniquant();

} // namespace qscope::engine
