// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/window.h"

namespace qscope::engine::nn {

/// x [batch, channels, ...] convolved with weight [out, channels / groups, ...], all of one real type; `bias` [out] or
/// null. OutOfRange for shapes that do not fit.
[[nodiscard]] Result<Value> convolved(const Node& node, const Value& x, const Value& weight, const Value* bias,
                                      const RunContext& context);

} // namespace qscope::engine::nn
