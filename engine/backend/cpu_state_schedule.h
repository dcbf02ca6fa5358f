// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/state.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine::cpu {

/// What a gate does to qubits, as masks. Two gates commute on a qubit that both only read.
struct GateUse {
    std::uint64_t mixed = 0; ///< amplitudes that differ in these are mixed: they must be at hand together
    std::uint64_t read = 0;  ///< these only decide by what an amplitude is multiplied
    [[nodiscard]] std::uint64_t all() const { return mixed | read; }
};
[[nodiscard]] GateUse useOf(const FusedGate& gate);

/// The three controlled nots that a swap is, each of which mixes one qubit only; nothing for any other gate.
[[nodiscard]] std::vector<FusedGate> partsOfSwap(const FusedGate& gate);

/// Gates that can run together before all others.
struct GateGroup {
    std::vector<const FusedGate*> gates; ///< in order
    std::uint64_t mixed = 0;             ///< by any of them
};

/// Takes out of `pending` all gates that nothing left there must precede, that mix at most `most` qubits outside
/// `always` together, and no qubit outside `allowed`. When `single`, only gates that mix at most one qubit each.
[[nodiscard]] GateGroup takeGroup(std::vector<const FusedGate*>& pending, std::uint64_t always, int most,
                                  std::uint64_t allowed, bool single);

/// Takes the largest group that some choice of `most` qubits besides the lowest `always` allows; at least the first
/// gate.
[[nodiscard]] GateGroup takeLargestGroup(std::vector<const FusedGate*>& pending, int always, int most, int bits);

} // namespace qscope::engine::cpu
