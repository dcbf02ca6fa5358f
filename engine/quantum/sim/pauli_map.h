// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"
#include "engine/quantum/sim/channels.h"
#include "engine/quantum/sim/noise_model.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

// Mixed states in the Pauli basis: a state of n qubits is the real vector r_P = Tr(P rho) over all Pauli strings P, and whatever
// happens to it (gates, noise, measurement) is a real matrix, its Pauli transfer matrix: r'_P = sum of R_PQ r_Q with
// R_PQ = Tr(P E(Q)) / 2^k. Against 4^n complex entries this is half the memory and a quarter of the arithmetic, and a gate with its
// noise is one matrix. A letter is two bits, x then z: I = 0, X = 1, Z = 2, Y = 3; qubit q's letter is at bits 2q and 2q + 1.

/// A Pauli transfer matrix on a few qubits, 4^k x 4^k, row-major; `qubits[0]` has the lowest letter of its index.
struct PauliMap {
    std::vector<int> qubits;
    std::vector<double> entries;
};

/// sum over the matrices of K rho K^dagger, each 2^k x 2^k.
[[nodiscard]] PauliMap pauliMap(std::vector<int> qubits, std::span<const DenseMatrix> kraus);
/// A gate of the table.
[[nodiscard]] PauliMap pauliMap(const GateOp& gate);
/// Back to |0>.
[[nodiscard]] PauliMap resetMap(int qubit);
/// A measurement whose outcome nobody keeps.
[[nodiscard]] PauliMap dephasingMap(int qubit);
/// Projects on what lets a measurement record `recorded`; the trace falls to that record's probability.
[[nodiscard]] PauliMap recordMap(int qubit, bool recorded, const ReadoutError& error);

/// `later` after `earlier`; the qubits of one are among the other's.
[[nodiscard]] PauliMap product(const PauliMap& later, const PauliMap& earlier);

/// Joins maps into fewer: noise into its gate, gates into neighbours where the estimated time falls. Order is kept where it matters.
class PauliFuser {
public:
    explicit PauliFuser(int qubits) : m_last(static_cast<std::size_t>(qubits), -1) {}
    void add(PauliMap map);
    [[nodiscard]] bool full() const { return m_maps.size() >= 256; }
    /// What was added since the last time, joined.
    [[nodiscard]] std::vector<PauliMap> take();

private:
    std::vector<PauliMap> m_maps; ///< without qubits: joined into a later one
    std::vector<std::int64_t> m_last; ///< per qubit, the latest map on it, or -1
};

} // namespace qscope::engine
