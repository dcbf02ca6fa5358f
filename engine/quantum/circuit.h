// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/diagnostics.h"

#include <complex>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace qscope::engine {

/// A named run of qubits or classical bits; the first declared register takes the low indices.
struct Register {
    std::string name;
    int first = 0;
    int size = 0;
};

/// Runs an operation only while a classical register, read as an unsigned number, has this value.
struct Condition {
    int creg = 0; ///< index into `Circuit::cregs`
    std::uint64_t value = 0;
};

/// A gate of the table (`gates.h`), or an `opaque` one that has no matrix.
struct GateOp {
    std::string name;
    std::vector<double> parameters;
    std::vector<int> qubits; ///< as written: controls first where the gate has any
};
struct MeasureOp {
    int qubit = 0;
    int clbit = 0;
};
struct ResetOp {
    int qubit = 0;
};
struct BarrierOp {
    std::vector<int> qubits;
};
/// A call of a gate that the file defines; `body` holds operations on the same circuit's qubits, already bound.
struct CallOp {
    std::string name;
    std::vector<double> parameters;
    std::vector<int> qubits;
    std::shared_ptr<const std::vector<struct Operation>> body;
};

struct Operation {
    std::variant<GateOp, MeasureOp, ResetOp, BarrierOp, CallOp> what;
    std::optional<Condition> condition;
    SourceSpan span;
};

/// A circuit as written: what is drawn and stepped through. Conventions: `conventions.h`. Immutable once built.
struct Circuit {
    std::string version; ///< "2.0"
    std::vector<Register> qregs;
    std::vector<Register> cregs;
    int qubits = 0;
    int clbits = 0;
    std::vector<Operation> operations;
    double globalPhase = 0; ///< radians
};

/// Calls opened up until only gates of the table are left, each with the span of the statement it came from.
/// `origin[i]` is the index in `circuit.operations` that flat operation i belongs to.
struct FlatCircuit {
    std::vector<Operation> operations;
    std::vector<std::size_t> origin;
};
[[nodiscard]] FlatCircuit flatten(const Circuit& circuit);

/// Longest chain of gates, measurements and resets that share a qubit or classical bit, calls opened up; barriers do not count.
[[nodiscard]] int depth(const Circuit& circuit);
/// Number of operations by name, as written.
[[nodiscard]] std::map<std::string, int> gateCounts(const Circuit& circuit);

} // namespace qscope::engine
