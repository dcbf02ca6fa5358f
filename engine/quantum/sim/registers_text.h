// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

#include <string>
#include <vector>

namespace qscope::engine {

/// Classical bits as registers are printed: last declared leftmost, a space between them.
[[nodiscard]] inline std::string registersText(const std::vector<bool>& clbits, const std::vector<Register>& cregs) {
    std::string text;
    for (std::size_t r = cregs.size(); r-- > 0;) {
        for (int k = cregs[r].size - 1; k >= 0; --k)
            text += clbits[static_cast<std::size_t>(cregs[r].first + k)] ? '1' : '0';
        if (r > 0) text += ' ';
    }
    return text;
}

} // namespace qscope::engine
