// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

namespace qscope::engine {

/// How many bits of entanglement a gate can add between its first `left` qubits, in some order, and the
/// others: log2 of a bound on its operator Schmidt rank, exact for two qubits. 0 when `left` is 0 or all of them.
[[nodiscard]] double schmidtBits(const GateOp& gate, int left);

} // namespace qscope::engine
