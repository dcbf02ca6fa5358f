// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/cpu_state_buffer.h"
#include "engine/quantum/gradient/gradient.h"

#include <Eigen/Core>

namespace qscope::engine {

/// C[r][c] = sum over the other qubits of conj(left) at r times right at c, for local indices of at most five qubits,
/// the first the lowest bit. Sums are kept per chunk and combined in order.
[[nodiscard]] Result<Eigen::MatrixXcd> crossMatrix(const cpu::CpuState& left, const cpu::CpuState& right,
                                                   const std::vector<int>& qubits, const RunContext& context);

/// into = (sum of the weighted Pauli strings) from; both of one size.
[[nodiscard]] Result<void> applyObservable(const cpu::CpuState& from, std::span<const PauliTerm> observable,
                                           cpu::CpuState& into, const RunContext& context);

} // namespace qscope::engine
