// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/hamiltonian/krylov.h"
#include "engine/quantum/hamiltonian/lindblad.h"

namespace qscope::engine {

/// <v| H |v>
[[nodiscard]] Result<double> expectationOf(const PauliSum& sum, const StateVector& v, const RunContext& context);
/// Tr(H rho), rho row-major.
[[nodiscard]] Result<double> expectationOf(const PauliSum& sum, const std::vector<std::complex<double>>& rho,
                                           int qubits);

/// What an evolution is asked for, at `intervals` + 1 equally spaced times from 0 to `time`.
struct TimelineRequest {
    double time = 1;
    int intervals = 20;
    std::vector<PauliSum> observables; ///< on the Hamiltonian's qubits
    int trotterSteps = 0;              ///< of each interval; 0: no product formula
    int trotterOrder = 2;
    double tolerance = 1e-9; ///< of each interval, as in `evolved` and `lindblad`
};

struct Moment {
    double time = 0;
    double energy = 0;
    std::vector<double> values; ///< of the observables
};

struct Timeline {
    std::vector<Moment> exact;
    std::vector<Moment> trotter;       ///< by the product formula
    std::vector<double> trotterErrors; ///< |exact state - the formula's|, at each time
};

/// Without noise: exactly, and by the product formula beside it. `start` is a state of the Hamiltonian's qubits.
[[nodiscard]] Result<Timeline> timeline(const PauliSum& hamiltonian, const StateVector& start,
                                        const TimelineRequest& request, const RunContext& context);

/// With jumps (at most 7 qubits); no product formula.
[[nodiscard]] Result<Timeline> noisyTimeline(const PauliSum& hamiltonian, std::span<const Jump> jumps,
                                             const StateVector& start, const TimelineRequest& request,
                                             const RunContext& context);

} // namespace qscope::engine
