// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/trajectory.h"
#include "engine/quantum/stabilizer/clifford.h"

namespace qscope::engine {

/// One operation of a Clifford circuit.
struct CliffordStep {
    enum class Kind : std::uint8_t { Gate, Measure, Reset };
    Kind kind = Kind::Gate;
    const CliffordGate* gate = nullptr;
    int a = 0; ///< qubit
    int b = 0; ///< second qubit of a gate
    int clbit = 0;
    bool terminal = false; ///< a measurement that nothing later depends on
    const Condition* condition = nullptr;
};

/// A circuit of Clifford gates, measurements and resets, without barriers. Points into `program` and `gates`.
struct CliffordProgram {
    Program program;
    CliffordTable gates;
    std::vector<CliffordStep> steps;
    int qubits = 0;
    int clbits = 0;
    std::int64_t gateCount = 0;
    bool measures = false; ///< classical bits are what is counted, not qubits
    /// Conditions guard Pauli gates only, so that Pauli frames can follow all shots at once.
    bool framed = true;
};

/// Unsupported, with the line, when an operation is not Clifford. `circuit` has passed `checkRequest`.
[[nodiscard]] Result<std::unique_ptr<CliffordProgram>> makeCliffordProgram(const Circuit& circuit, std::size_t steps);

} // namespace qscope::engine
