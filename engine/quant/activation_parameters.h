// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/calibration.h"
#include "engine/quant/parameters.h"

#include <optional>

namespace qscope::engine {

/// Rows that a method appends to its table when it can also quantize what flows while the model runs: activations=8,
/// activation-scale=token, activation-group=128, activation-symmetric, static, cache=8.
[[nodiscard]] std::vector<ParamSpec> activationParameters(std::int64_t defaultBits = 0);

/// What these rows say; nothing when they ask for nothing. Static ranges are those of the calibration (null: none, and the
/// grid follows each batch).
[[nodiscard]] std::optional<ActivationQuantization> activationsFrom(const ParamValues& parameters, const Calibration* calibration);

} // namespace qscope::engine
