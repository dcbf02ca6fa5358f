// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/state_views.h"

namespace qscope::engine {

/// One look at every amplitude of a state.
struct StateScan {
    std::vector<Amplitude> largest; ///< most probable first, lower index first among equals; none of probability 0
    double norm = 0;                ///< sum of all probabilities
};
[[nodiscard]] Result<StateScan> scanState(const StateSnapshot& state, int count, const RunContext& context);

} // namespace qscope::engine
