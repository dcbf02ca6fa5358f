// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

namespace qscope::engine {

/// What decides how a circuit is best simulated.
struct CircuitSurvey {
    int qubits = 0;
    std::int64_t gates = 0;
    std::int64_t twoQubitGates = 0;
    std::int64_t largerGates = 0; ///< on three qubits and more
    double cliffordFraction = 1;  ///< of the gates, by their matrices
    std::int64_t events = 0;      ///< measurements and resets on the way
    std::int64_t conditions = 0;
    std::int64_t decisions = 0; ///< branches, loops, assignments; what is in them counts once
    double entanglementBits =
        0; ///< bound on the entropy across any cut of the qubits in order, from the gates across it
};

/// `circuit` has no opaque gates.
[[nodiscard]] CircuitSurvey surveyCircuit(const Circuit& circuit, std::size_t steps = SIZE_MAX);

} // namespace qscope::engine
