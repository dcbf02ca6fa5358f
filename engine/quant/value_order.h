// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

/// Where the values lie in ascending order, equal ones (-0 and 0 among them) as they lie; none may be NaN. Sorts by
/// digits in time proportional to their number, and asks the context all the while: comparing a large matrix's values
/// takes seconds that nobody could interrupt. Unsupported for 2^32 values and more.
[[nodiscard]] Result<std::vector<std::uint32_t>> ascendingOrder(std::span<const float> values,
                                                                const RunContext& context);

} // namespace qscope::engine
