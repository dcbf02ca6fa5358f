// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// DiscQuant: the whole network's rounding at once, by the divergence of its prediction.
[[nodiscard]] std::unique_ptr<QuantMethod> makeDiscquant();

} // namespace qscope::engine
