// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"

namespace qscope::engine::cpu {

/// Bytes that 2^bits amplitudes take (saturating).
[[nodiscard]] std::uint64_t stateBytes(int bits, Precision precision);
/// Bytes of main memory that a new state may take now.
[[nodiscard]] std::uint64_t freeMemory();

// The state operations of the CPU backend; see `ComputeBackend` for what each promises.

[[nodiscard]] Result<std::unique_ptr<StateBuffer>> makeState(int bits, Precision precision);
[[nodiscard]] Result<std::unique_ptr<StateBuffer>> copyState(const StateBuffer& state);
[[nodiscard]] Result<void> applyGates(StateBuffer& state, std::span<const FusedGate> gates, const RunContext& context);
[[nodiscard]] Result<std::vector<double>> marginals(const StateBuffer& state, std::span<const int> qubits,
                                                    const RunContext& context);
[[nodiscard]] Result<void> amplitudes(const StateBuffer& state, std::uint64_t first,
                                      std::span<std::complex<double>> out);
[[nodiscard]] Result<double> expectation(const StateBuffer& state, const PauliString& pauli, const RunContext& context);
[[nodiscard]] Result<void> collapse(StateBuffer& state, int qubit, bool outcome, double probability,
                                    const RunContext& context);
[[nodiscard]] Result<std::vector<std::uint64_t>> sample(const StateBuffer& state, std::span<const double> sorted,
                                                        const RunContext& context);

} // namespace qscope::engine::cpu
