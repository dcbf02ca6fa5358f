// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/bound_method.h"

namespace qscope::engine {

/// The method `file`: the weights that another checkpoint of the same model has stored.
[[nodiscard]] std::unique_ptr<QuantMethod> makeStoredWeights();

} // namespace qscope::engine
