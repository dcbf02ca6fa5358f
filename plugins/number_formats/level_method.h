// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// Methods that round every weight to the nearest level of a table, times the scale of its group.
[[nodiscard]] std::vector<std::unique_ptr<QuantMethod>> makeLevelMethods();

} // namespace qscope::engine
