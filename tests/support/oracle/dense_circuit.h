// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

#include <complex>
#include <span>
#include <string_view>
#include <vector>

namespace qscope::test::oracle {

// Circuits by definition, in double, for at most a dozen qubits: every gate as a matrix written down here once more,
// every product as its plain sum. Slow on purpose; shares nothing with the engine but the circuit's data.

using Complex = std::complex<double>;
using Vector = std::vector<Complex>; ///< amplitudes, or a row-major square matrix

/// The matrix of a gate by name on all of its qubits, the first argument the lowest bit; empty for an unknown name.
[[nodiscard]] Vector matrixOf(std::string_view name, std::span<const double> parameters);

/// sum over columns of M[row][column] state[column], on the given qubits.
[[nodiscard]] Vector applied(const Vector& matrix, std::span<const int> qubits, const Vector& state);

/// The state after all gates; measurements and barriers do nothing.
[[nodiscard]] Vector finalState(const engine::Circuit& circuit);
[[nodiscard]] Vector finalState(const engine::Circuit& circuit, Vector initial);

/// All 2^n columns.
[[nodiscard]] Vector unitaryOf(const engine::Circuit& circuit);

[[nodiscard]] Vector product(const Vector& a, const Vector& b);
[[nodiscard]] Vector adjoint(const Vector& a);
/// Largest |a - b|.
[[nodiscard]] double distance(const Vector& a, const Vector& b);

} // namespace qscope::test::oracle
