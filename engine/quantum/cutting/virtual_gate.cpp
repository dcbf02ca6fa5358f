// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/cutting/virtual_gate.h"

#include "engine/quantum/modified_gate.h"

#include <Eigen/Eigenvalues>

#include <cmath>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::Matrix2cd;

std::vector<Complex> rowMajor(const Matrix& m) { return {m(0, 0), m(0, 1), m(1, 0), m(1, 1)}; }

/// exp(i angle Z)
Matrix turn(double angle) {
    Matrix m = Matrix::Zero();
    m(0, 0) = std::polar(1.0, angle);
    m(1, 1) = std::polar(1.0, -angle);
    return m;
}

} // namespace

std::optional<VirtualGate> virtualGate(const GateOp& gate) {
    if (gate.qubits.size() != 2) return std::nullopt;
    const auto known = gateMatrix(gate);
    if (!known) return std::nullopt;
    VirtualGate result;
    if (known->controls == 1) {
        // V = W diag(e^ia, e^ib) W^-1 of a set control: with c t = (1 - Zc - Zt + Zc Zt) / 4 of the two bits, the phase
        // a c + (b - a) c t is (b - a) / 4 Z Z and local turns.
        const auto v = known->entries;
        Matrix matrix;
        matrix << v[0], v[1], v[2], v[3];
        const Eigen::ComplexSchur<Matrix> schur(matrix); // of a unitary matrix: diagonal
        const double a = std::arg(schur.matrixT()(0, 0));
        const double b = std::arg(schur.matrixT()(1, 1));
        result.angle = (b - a) / 4;
        const Matrix w = schur.matrixU();
        const Matrix control = turn(-a / 2 - result.angle);
        const Matrix back = w.adjoint();
        result.before[0] = rowMajor(control);
        result.before[1] = rowMajor(back);
        result.after[0] = rowMajor(Matrix::Identity());
        const Matrix target = w * turn(-result.angle);
        result.after[1] = rowMajor(target);
        return result;
    }
    if (gate.detail || gate.name.size() != 3 || gate.name[0] != 'r' || gate.parameters.size() != 1) return std::nullopt;
    // exp(-i angle P Q / 2), by changes of basis between Z and P, and Z and Q.
    Matrix hadamard, quarter;
    hadamard << 1, 1, 1, -1;
    hadamard /= std::sqrt(2.0);
    quarter << 1, Complex(0, 1), Complex(0, 1), 1; // turns Z into Y
    quarter /= std::sqrt(2.0);
    result.angle = -gate.parameters[0] / 2;
    for (std::size_t k = 0; k < 2; ++k) {
        const char letter = gate.name[k + 1];
        if (letter != 'x' && letter != 'y' && letter != 'z') return std::nullopt;
        Matrix basis = Matrix::Identity(); // basis Z basis^-1 = P
        if (letter == 'x') basis = hadamard;
        if (letter == 'y') basis = quarter;
        const Matrix back = basis.adjoint();
        result.before[k] = rowMajor(back);
        result.after[k] = rowMajor(basis);
    }
    return result;
}

} // namespace qscope::engine
