// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/qasm/ast.h"

#include <span>

namespace qscope::engine::qasm {

/// The value with `parameters` for the formal ones; the steps must be bound. May be infinite or no number.
[[nodiscard]] double evaluate(const Expression& expression, std::span<const double> parameters);

} // namespace qscope::engine::qasm
