// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

#include <span>

namespace qscope::engine {

// Cut k of n qubits parts qubits 0 .. k-1 from k .. n-1. Across a cut a pure state is sum_i s_i |a_i>|b_i> with
// orthonormal sides (Schmidt decomposition); p_i = s_i^2 are the eigenvalues of either side's reduced state.

/// All amplitudes in main memory; OutOfMemory when they do not fit.
[[nodiscard]] Result<std::vector<std::complex<double>>> allAmplitudes(const StateSnapshot& state,
                                                                      const RunContext& context);

/// p_i of a cut, descending, of sum 1; those below 1e-16 may be left out. The smaller side has at most 10 qubits.
[[nodiscard]] Result<std::vector<double>> schmidtProbabilities(std::span<const std::complex<double>> amplitudes,
                                                               int qubits, int cut, const RunContext& context);

/// -sum p log2 p.
[[nodiscard]] double entropyBits(std::span<const double> probabilities);

/// Entanglement entropy of every cut along a circuit.
struct EntropyHistory {
    int qubits = 0;
    std::vector<std::size_t> steps; ///< operations applied, ascending, from none to all
    std::vector<double> bits;       ///< row-major, one row per cut from k = 1 on, one column per element of `steps`
};
/// At most `columns` steps, evenly spread. For one run where the circuit measures on the way. At most 20 qubits.
[[nodiscard]] Result<EntropyHistory> entropyHistory(const Circuit& circuit, const SimulationRequest& request,
                                                    int columns, const RunContext& context);

/// 0 to `operations` in at most `most` (2 or more) even steps, both ends among them.
[[nodiscard]] std::vector<std::size_t> spreadSteps(std::size_t operations, std::size_t most);

/// I(a:b) = S(a) + S(b) - S(ab) in bits for all pairs of qubits, n x n row-major, with 2 S(a) = I(a:rest) on the
/// diagonal. 0: independent; 1: as a classical coin shown to both; 2: a Bell pair.
[[nodiscard]] Result<std::vector<double>> mutualInformation(const StateSnapshot& state, const RunContext& context);

} // namespace qscope::engine
