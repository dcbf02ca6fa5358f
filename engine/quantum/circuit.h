// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/diagnostics.h"
#include "engine/core/result.h"
#include "engine/quantum/classical.h"

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
    bool local = false; ///< bits of a block or subroutine: they hold values on the way and are no part of the outcome
};

/// Runs an operation only while a classical register, read as an unsigned number, has this value.
struct Condition {
    int creg = 0; ///< index into `Circuit::cregs`
    std::uint64_t value = 0;
};

/// What few gates have: parameters that are known later, more controls than the table offers, or a matrix of their own.
struct GateDetail {
    /// One per parameter, where any of them depends on an input or a classical value; else none.
    std::vector<ClassicalExpression> expressions;
    int controls = 0;                          ///< the first qubits; the rest belongs to `base` or `entries`
    std::string base;                          ///< a gate of the table with the same parameters; empty: `entries`
    std::vector<std::complex<double>> entries; ///< row-major, first qubit the lowest bit, at most 5 qubits
    /// What `entries` was made of when that was no gate of the table: the lines of `bodyName`, for writing it down.
    std::shared_ptr<const std::vector<struct Operation>> body;
    std::string bodyName;
    double bodyPhase = 0;
};

/// A gate of the table (`gates.h`), one that modifiers made of such a gate ("ctrl(5) @ x", see `detail`), or an `opaque`
/// one that has no matrix. `gateMatrix` (`modified_gate.h`) knows the matrix of the first two.
struct GateOp {
    std::string name;
    std::vector<double> parameters; ///< not a number where only `detail->expressions` knows
    std::vector<int> qubits;        ///< as written: controls first where the gate has any
    std::shared_ptr<const GateDetail> detail = nullptr;
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
    std::vector<double> parameters; ///< not a number where they are known later
    std::vector<int> qubits;
    std::shared_ptr<const std::vector<struct Operation>> body;
};

/// What only a run can decide; `control` is never null.
struct ControlOp {
    std::shared_ptr<const struct Control> control;
};

struct Operation {
    std::variant<GateOp, MeasureOp, ResetOp, BarrierOp, CallOp, ControlOp> what;
    std::optional<Condition> condition;
    SourceSpan span;
};

/// A branch, a loop, or something done to classical values while a circuit runs.
struct Control {
    enum class Kind : std::uint8_t {
        If,       ///< `bodies`: then, else
        While,    ///< one body, as long as `value` holds
        Block,    ///< all bodies once, in order; `Break` leaves it, `Continue` goes on with the next body
        Call,     ///< one body; `Return` leaves it
        Break,
        Continue,
        Return,
        End,      ///< of the whole run
        Assign,   ///< `value` to `target`
        External  ///< something that is kept, but cannot run: `label` says what
    };
    Kind kind = Kind::If;
    std::string label;         ///< as drawn: "if c[0]", "i = (i + 1)"
    std::vector<int> qubits;   ///< that the bodies touch, ascending
    ClassicalExpression value; ///< If, While: the condition
    ClassicalStep target;      ///< Assign: `Bits` or `Variable`
    std::vector<std::vector<Operation>> bodies;
};

/// `input float theta`: known when the circuit runs.
struct InputParameter {
    std::string name;
    ScalarType type;
    SourceSpan span;
};
/// A classical variable of a run; zero at first.
struct ClassicalVariable {
    std::string name;
    ScalarType type;
};

/// A circuit as written: what is drawn and stepped through. Conventions: `conventions.h`. Immutable once built.
struct Circuit {
    std::string version; ///< "2.0", "3.0"
    std::vector<Register> qregs;
    std::vector<Register> cregs;
    int qubits = 0;
    int clbits = 0;
    std::vector<Operation> operations;
    double globalPhase = 0; ///< radians
    std::vector<InputParameter> inputs = {};
    std::vector<ClassicalVariable> variables = {};
};

/// The circuit with a value for each of its inputs. OutOfRange, with the names, when one lacks its value, has one that
/// it cannot take, or there is no such input.
[[nodiscard]] Result<Circuit> bindInputs(const Circuit& circuit, const std::map<std::string, double>& values);

/// Whether a run must decide something on the way: branches, loops, classical variables, parameters that are measured.
[[nodiscard]] bool hasControlFlow(const Circuit& circuit);
/// A sentence about the first thing that is kept but cannot run, with its line.
[[nodiscard]] std::optional<std::string> notSimulated(const Circuit& circuit);

/// An expression as OpenQASM 3 writes it, with the circuit's names.
[[nodiscard]] std::string expressionText(const ClassicalExpression& expression, const Circuit& circuit);

/// Calls opened up until only gates, and controls with their bodies as they are, are left, each with the span of the statement it came from.
/// `origin[i]` is the index in `circuit.operations` that flat operation i belongs to.
struct FlatCircuit {
    std::vector<Operation> operations;
    std::vector<std::size_t> origin;
};
[[nodiscard]] FlatCircuit flatten(const Circuit& circuit);

/// Longest chain of gates, measurements and resets that share a qubit or classical bit, calls opened up;
/// barriers do not count, a branch or a loop counts once.
[[nodiscard]] int depth(const Circuit& circuit);
/// Number of operations by name, as written.
[[nodiscard]] std::map<std::string, int> gateCounts(const Circuit& circuit);

} // namespace qscope::engine
