// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/qasm3/syntax.h"

#include <functional>

namespace qscope::engine::qasm3 {

/// Whether leaving a loop, by its condition or by `break` or `continue` in its body, may depend on what only a run knows.
/// Errs on that side. `later` says whether a name that is visible around the loop has no known value; `function` whether
/// a name is a subroutine's.
[[nodiscard]] bool leavesLater(const Body& body, const Expression* condition,
                               const std::function<bool(std::string_view)>& later,
                               const std::function<bool(std::string_view)>& function);

} // namespace qscope::engine::qasm3
