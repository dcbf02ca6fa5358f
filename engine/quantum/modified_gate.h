// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

#include <complex>
#include <optional>
#include <span>
#include <vector>

namespace qscope::engine {

/// The matrix of a gate and how many of its first qubits control it.
struct GateMatrix {
    int controls = 0;
    bool diagonal = false;
    std::vector<std::complex<double>> entries; ///< on the other qubits, row-major, first one the lowest bit
};

/// Nothing for an opaque gate, for one whose operands are not those of its name, or while a parameter is not known.
[[nodiscard]] std::optional<GateMatrix> gateMatrix(const GateOp& gate);
/// On all qubits of the gate, controls included, row-major; `gateMatrix` must give one.
[[nodiscard]] std::vector<std::complex<double>> fullMatrix(const GateOp& gate);
/// Whether `gateMatrix` would give one, parameters apart.
[[nodiscard]] bool hasMatrix(const GateOp& gate);

/// The unitary matrix to a real power: e^{ia} becomes e^{ia exponent} with a in (-pi, pi]. Whole powers by multiplication.
/// Source: OpenQASM 3 specification, gate modifiers.
[[nodiscard]] std::vector<std::complex<double>> matrixPower(std::span<const std::complex<double>> matrix, double exponent);

/// theta, phi, lambda, phase with `matrix` = e^{i phase} U(theta, phi, lambda) of `conventions.h`, for a one-qubit unitary.
struct GeneralAngles {
    double theta = 0, phi = 0, lambda = 0, phase = 0;
};
[[nodiscard]] GeneralAngles generalAngles(std::span<const std::complex<double>> matrix);

} // namespace qscope::engine
