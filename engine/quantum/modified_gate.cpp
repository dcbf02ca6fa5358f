// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/modified_gate.h"

#include "engine/quantum/gates.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::Matrix<Complex, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

bool isDiagonal(const std::vector<Complex>& entries) {
    const auto size = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(entries.size()))));
    for (std::size_t i = 0; i < entries.size(); ++i)
        if (i / size != i % size && entries[i] != 0.0) return false;
    return true;
}

bool fits(const GateInfo& info, std::size_t qubits, std::size_t parameters) {
    return static_cast<std::size_t>(info.qubits) == qubits && static_cast<std::size_t>(info.parameters) == parameters;
}

bool isModified(const GateOp& gate) { return gate.detail && (!gate.detail->base.empty() || !gate.detail->entries.empty()); }

} // namespace

bool hasMatrix(const GateOp& gate) {
    if (isModified(gate) && gate.detail->base.empty()) return true;
    const GateInfo* info = findGate(isModified(gate) ? gate.detail->base : gate.name);
    const auto extra = isModified(gate) ? static_cast<std::size_t>(gate.detail->controls) : 0;
    return info && fits(*info, gate.qubits.size() - extra, gate.parameters.size());
}

std::optional<GateMatrix> gateMatrix(const GateOp& gate) {
    if (!hasMatrix(gate)) return std::nullopt;
    const bool modified = isModified(gate);
    if (modified && gate.detail->base.empty())
        return GateMatrix{gate.detail->controls, isDiagonal(gate.detail->entries), gate.detail->entries};
    for (const double value : gate.parameters)
        if (std::isnan(value)) return std::nullopt;
    const GateInfo& info = *findGate(modified ? gate.detail->base : gate.name);
    return GateMatrix{info.controls + (modified ? gate.detail->controls : 0), info.diagonal, info.matrix(gate.parameters)};
}

std::vector<Complex> fullMatrix(const GateOp& gate) {
    GateMatrix matrix = *gateMatrix(gate);
    return fullMatrix(matrix.controls, std::move(matrix.entries));
}

std::vector<Complex> matrixPower(std::span<const Complex> entries, double exponent) {
    const auto size = static_cast<Eigen::Index>(std::lround(std::sqrt(static_cast<double>(entries.size()))));
    Matrix matrix = Eigen::Map<const Matrix>(entries.data(), size, size);
    Matrix result = Matrix::Identity(size, size);
    if (exponent == std::trunc(exponent) && std::abs(exponent) <= 0x1p53) {
        if (exponent < 0) matrix.adjointInPlace();
        for (auto left = static_cast<std::uint64_t>(std::abs(exponent)); left > 0; left >>= 1) {
            if (left & 1) result = (result * matrix).eval();
            matrix = (matrix * matrix).eval();
        }
    } else {
        // The Schur form of a unitary matrix is diagonal, its basis orthonormal even where eigenvalues coincide.
        const Eigen::ComplexSchur<Matrix> schur(matrix);
        Matrix powers = Matrix::Zero(size, size);
        for (Eigen::Index i = 0; i < size; ++i) {
            double angle = std::arg(schur.matrixT()(i, i));
            // A rounding error must not turn -1 into the other end of the branch.
            if (angle < -std::numbers::pi + 1e-9) angle += 2 * std::numbers::pi;
            powers(i, i) = std::polar(1.0, angle * exponent);
        }
        result = schur.matrixU() * powers * schur.matrixU().adjoint();
    }
    std::vector<Complex> list(entries.size());
    for (Eigen::Index i = 0; i < size * size; ++i) {
        Complex entry = result.data()[i];
        // What is zero but for rounding is zero: a diagonal matrix stays one.
        if (std::abs(entry.real()) < 1e-15) entry.real(0);
        if (std::abs(entry.imag()) < 1e-15) entry.imag(0);
        list[static_cast<std::size_t>(i)] = entry;
    }
    return list;
}

GeneralAngles generalAngles(std::span<const Complex> m) {
    GeneralAngles angles;
    angles.theta = 2 * std::atan2(std::abs(m[2]), std::abs(m[0]));
    if (std::abs(m[0]) > 1e-12) {
        angles.phase = std::arg(m[0]);
        if (std::abs(m[2]) > 1e-12) {
            angles.phi = std::arg(m[2]) - angles.phase;
            angles.lambda = std::arg(-m[1]) - angles.phase;
        } else {
            angles.lambda = std::arg(m[3]) - angles.phase;
        }
    } else {
        angles.phase = std::arg(-m[1]); // lambda = 0
        angles.phi = std::arg(m[2]) - angles.phase;
    }
    return angles;
}

} // namespace qscope::engine
