// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

namespace qscope::engine {

/// Expectation values of X, Y, Z: the vector of a reduced one-qubit state; length 1 is pure, shorter is mixed.
using BlochVector = std::array<double, 3>;
[[nodiscard]] Result<std::vector<BlochVector>> blochVectors(const StateSnapshot& state, const RunContext& context);

/// Reduced density matrix of `qubits` (at most 6), row-major, 2^k x 2^k, `qubits[0]` the lowest bit.
[[nodiscard]] Result<std::vector<std::complex<double>>>
reducedDensity(const StateSnapshot& state, std::span<const int> qubits, const RunContext& context);

/// Entanglement entropy in bits of each cut between qubits 0..k-1 and k..n-1, k = 1..n-1 (n <= 20; OutOfRange above).
[[nodiscard]] Result<std::vector<double>> entanglementEntropies(const StateSnapshot& state, const RunContext& context);

/// One basis state with its amplitude.
struct Amplitude {
    std::uint64_t index = 0;
    std::complex<double> value;
};
/// The most probable basis states, descending.
[[nodiscard]] Result<std::vector<Amplitude>> largestAmplitudes(const StateSnapshot& state, int count,
                                                               const RunContext& context);

} // namespace qscope::engine
