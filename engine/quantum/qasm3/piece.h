// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/qasm3/value.h"

#include <complex>
#include <span>
#include <string>
#include <vector>

namespace qscope::engine::qasm3 {

/// What one call of a gate becomes, and what `inv`, `pow` and `ctrl` make of it. Everything is exact including the phase,
/// which a control makes visible. Where the table has a gate for the result, that gate is used.
struct Piece {
    std::string name; ///< of the gate, with the modifiers so far
    std::vector<Operation> operations;
    std::vector<int> qubits; ///< in the order of the call
    Value phase = number(0); ///< e^{i phase} times the operations
    SourceSpan span;
};

[[nodiscard]] std::vector<Value> parametersOf(const GateOp& gate);
/// A gate of the table with values that are known or come later.
[[nodiscard]] GateOp gateOf(std::string name, std::span<const Value> parameters, std::vector<int> qubits);

[[nodiscard]] Result<void> invert(Piece& piece);
/// Whole powers of anything within `most` operations; others, by the principal branch, where the matrix has at most 5
/// qubits and no parameter comes later.
[[nodiscard]] Result<void> raise(Piece& piece, double exponent, std::uint64_t most);
/// `controls` in front of the piece's qubits; `negated`: they act while zero.
[[nodiscard]] Result<void> control(Piece& piece, std::span<const int> controls, bool negated);

/// The matrix on `qubits` (at most 5), first one the lowest bit; the phase included.
[[nodiscard]] Result<std::vector<std::complex<double>>> denseMatrix(const Piece& piece);

} // namespace qscope::engine::qasm3
