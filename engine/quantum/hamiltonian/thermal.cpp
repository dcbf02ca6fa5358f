// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/thermal.h"

#include <Eigen/Eigenvalues>

#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {
constexpr int kMostQubits = 10;
constexpr double kDegenerate = 1e-10; ///< of the widest energy: energies so close to the lowest are ground states
} // namespace

Result<ThermalState> thermalState(const PauliSum& hamiltonian, double beta, const RunContext& context) {
    if (hamiltonian.qubits > kMostQubits)
        return fail(ErrorCode::OutOfRange, "a thermal state of {} qubits; {} are the limit", hamiltonian.qubits, kMostQubits);
    if (!(beta >= 0)) return fail(ErrorCode::OutOfRange, "a thermal state at beta {}", beta);
    if (context.cancelled()) return cancelled();
    QSCOPE_TRY(const auto dense, denseMatrix(hamiltonian));
    const auto size = Eigen::Index{1} << hamiltonian.qubits;
    using RowMajor = Eigen::Matrix<std::complex<double>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(Eigen::MatrixXcd(Eigen::Map<const RowMajor>(dense.data(), size, size)));
    if (solver.info() != Eigen::Success) return fail(ErrorCode::OutOfRange, "the eigenvalues of a Pauli sum do not converge");
    if (context.cancelled()) return cancelled();
    const Eigen::VectorXd& energies = solver.eigenvalues();
    const double lowest = energies(0);
    Eigen::VectorXd weights(size); // relative to the lowest energy, so that none overflows
    for (Eigen::Index k = 0; k < size; ++k)
        weights(k) = std::isinf(beta) ? (energies(k) - lowest <= kDegenerate * energies.cwiseAbs().maxCoeff() ? 1.0 : 0.0)
                                      : std::exp(-beta * (energies(k) - lowest));
    const double sum = weights.sum();
    weights /= sum;
    ThermalState state;
    state.qubits = hamiltonian.qubits;
    state.energies.assign(energies.begin(), energies.end());
    state.populations.assign(weights.begin(), weights.end());
    state.energy = weights.dot(energies);
    for (const double p : state.populations)
        if (p > 0) state.entropy -= p * std::log(p);
    state.freeEnergy = beta == 0 ? -std::numeric_limits<double>::infinity() : std::isinf(beta) ? lowest : lowest - std::log(sum) / beta;
    state.density.resize(static_cast<std::size_t>(size * size));
    Eigen::Map<RowMajor>(state.density.data(), size, size) =
        solver.eigenvectors() * weights.cast<std::complex<double>>().asDiagonal() * solver.eigenvectors().adjoint();
    return state;
}

} // namespace qscope::engine
