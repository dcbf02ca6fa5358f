// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

namespace qscope::engine {

/// What the noise of one gate does by itself.
struct NoiseShare {
    std::size_t operation = 0; ///< of the circuit as written
    std::string name;          ///< of the gate, "measure" or "reset"; "wait" for idle time at a barrier
    std::vector<int> qubits;
    /// 1 - <psi| E(|psi><psi|) |psi>: what the ideal final state loses in fidelity when this gate alone is noisy. Gates
    /// after it are unitary and keep overlaps, so psi is the ideal state right after the gate and E its channels.
    double loss = 0;
};

/// An ideal and a noisy run of one circuit beside each other.
struct NoiseReport {
    int qubits = 0;
    /// <psi_k| rho_k |psi_k> of the ideal and the mixed state after k operations as written; empty above `kMostExact`
    /// qubits.
    std::vector<double> fidelity;
    /// Product of (1 - loss) over the gates among the first k operations: the fidelity if errors never met or
    /// cancelled.
    std::vector<double> independent;
    std::vector<NoiseShare> shares; ///< in the circuit's order; gates without noise have none
};
inline constexpr int kMostExact = 10;

/// For circuits whose measurements all come last; Unsupported for others, with the line. Errors of readout are no part
/// of a state and do not count. `request.noise` is not null.
[[nodiscard]] Result<NoiseReport> noiseReport(const Circuit& circuit, const SimulationRequest& request,
                                              const RunContext& context);

} // namespace qscope::engine
