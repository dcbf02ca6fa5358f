// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/state_views.h"

#include <span>

namespace qscope::engine {

/// How far two pure states of equally many qubits are apart. Source: Nielsen and Chuang, section 9.2.
struct StateDistance {
    double fidelity = 1;       ///< |<a|b>|^2
    double traceDistance = 0;  ///< 1/2 tr | |a><a| - |b><b| | = sqrt(1 - fidelity), without loss of digits near 0
    double totalVariation = 0; ///< 1/2 sum |p_i - q_i| over the outcomes of measuring all qubits
};
/// Both states live on the context's backend. Norms are divided out.
[[nodiscard]] Result<StateDistance> distanceOf(const StateSnapshot& a, const StateSnapshot& b,
                                               const RunContext& context);

/// 1/2 tr |a - b| of two states of one qubit: half the distance of their Bloch vectors.
[[nodiscard]] double traceDistance(const BlochVector& a, const BlochVector& b);

/// 1/2 tr |a - b| of two Hermitian matrices, row-major, of equal size.
[[nodiscard]] double traceDistance(std::span<const std::complex<double>> a, std::span<const std::complex<double>> b);

} // namespace qscope::engine
