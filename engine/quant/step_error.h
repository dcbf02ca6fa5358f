// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/uniform_step.h"

#include <span>

namespace qscope::engine {

/// Sum of weight * (|w - ŵ| * unit)^power over the values of a group; `weights` one per value, or empty for 1. `unit`,
/// such as one over the largest magnitude, keeps the powers in the range of single precision. Powers from 1 to 4; each
/// term has a relative error of at most 2^-17 beyond that of the distance in single precision; terms below 2^-120 count
/// as up to that much. The same on every machine.
[[nodiscard]] double stepError(std::span<const float> values, std::span<const float> weights, const UniformStep& step,
                               double power, float unit);

} // namespace qscope::engine
