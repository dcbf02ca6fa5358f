// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

#include <optional>

namespace qscope::engine::cpu {

// Two states of n qubits as one of n + 1: the right one where the highest qubit is 0, the left one where it is 1. A
// gate on the other qubits then changes both at once.

/// What stands between the two states for the targets of a gate: C[r][c] = sum over the other qubits, where the gate's
/// controls are set, of conj(left) with the targets as in r times right with the targets as in c (`targets[0]` the
/// lowest bit). Row-major; for a diagonal gate only the entries with r = c.
using Cross = std::vector<std::complex<double>>;

/// Applies `gates`, which are unitary and none of which may touch the highest qubit, and gives for each that is
/// `wanted` what stands between the two states just before it (nothing for the others); others may go first that leave
/// this as it is. Double precision, wanted gates on at most five targets, else OutOfRange. Sums are taken in parts that
/// do not depend on the number of threads.
[[nodiscard]] Result<std::vector<Cross>> applyCrossed(StateBuffer& pair, std::span<const FusedGate> gates,
                                                      const std::vector<bool>& wanted, const RunContext& context);

} // namespace qscope::engine::cpu
