// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// GSQ: codes as choices that are drawn softly and learned.
[[nodiscard]] std::unique_ptr<QuantMethod> makeGsq();

} // namespace qscope::engine
