// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/stabilizer/tableau.h"

namespace qscope::engine {

/// The basis states of a stabilizer state with probability above 0: `first` plus all sums (mod 2) of `directions`, each
/// of probability 2^-directions. Bits as in an index, 64 qubits in each word.
struct Support {
    std::vector<std::uint64_t> first; ///< the lowest one
    std::vector<std::vector<std::uint64_t>>
        directions; ///< element i in rising order adds direction k where bit k of i is set

    [[nodiscard]] std::vector<std::uint64_t> element(std::uint64_t i) const;
};
[[nodiscard]] Result<Support> supportOf(Tableau state, const RunContext& context);

} // namespace qscope::engine
