// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/trajectory.h"

namespace qscope::engine {

/// What a chain can grow to, from the gates across each of its cuts; nothing is computed.
struct ChainForecast {
    double bytes = 0;   ///< of the chain at its largest
    double seconds = 0; ///< of one run
    double bits = 0;    ///< bound on log2 of the bond that an exact run needs
    bool exact = true;  ///< no cut can need more than the bond allowed
    std::int64_t gates = 0;
    std::int64_t swaps = 0;
    std::int64_t events = 0; ///< measurements and resets on the way
};
[[nodiscard]] ChainForecast forecastChain(const Program& program, int bond);

} // namespace qscope::engine
