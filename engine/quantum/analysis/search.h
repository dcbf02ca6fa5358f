// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/state_views.h"

namespace qscope::engine {

/// Basis states by their bits: those whose index agrees with `value` wherever `mask` is set.
struct BitPattern {
    std::uint64_t mask = 0;
    std::uint64_t value = 0;
};
/// "1*0", qubit 0 rightmost, where * or ? is either; shorter texts speak of the lowest qubits. OutOfRange for anything
/// else, or more letters than `qubits`.
[[nodiscard]] Result<BitPattern> parsePattern(std::string_view text, int qubits);

struct FoundStates {
    std::vector<Amplitude> largest; ///< descending, equal ones by index
    double probability = 0;         ///< of all that match, listed or not
};
/// The `count` most probable of the states that match. One pass over them; only `count` are ever held.
[[nodiscard]] Result<FoundStates> findStates(const StateSnapshot& state, const BitPattern& pattern, int count,
                                             const RunContext& context);

} // namespace qscope::engine
