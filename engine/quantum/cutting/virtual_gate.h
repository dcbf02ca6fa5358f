// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

namespace qscope::engine {

/// A two-qubit gate as local gates around exp(i t Z Z), up to a phase. Local matrices are 2x2, row-major.
struct VirtualGate {
    double angle = 0; ///< t
    std::vector<std::complex<double>> before[2];
    std::vector<std::complex<double>> after[2];
};
/// Nothing for gates that are no such product here: controlled one-qubit gates and rxx, ryy, rzz, rzx are.
[[nodiscard]] std::optional<VirtualGate> virtualGate(const GateOp& gate);

} // namespace qscope::engine
