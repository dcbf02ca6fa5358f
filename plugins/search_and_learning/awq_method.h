// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

namespace qscope::engine {

/// The transform `awq`: scales input channels by a power of their magnitude before a rounding.
[[nodiscard]] std::unique_ptr<QuantMethod> makeAwqScale();
/// The rounding `awq_clip`: round to nearest on ranges that were searched group by group.
[[nodiscard]] std::unique_ptr<QuantMethod> makeAwqClip();

} // namespace qscope::engine
