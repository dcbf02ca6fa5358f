// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/ground_state.h"

#include "engine/core/random.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr int kDenseQubits = 6;
constexpr int kBasis = 60;

using Vector = Eigen::Map<Eigen::VectorXcd>;
Vector map(StateVector& v) { return {v.data(), static_cast<Eigen::Index>(v.size())}; }

double sizeOf(const PauliSum& sum) {
    double size = 0;
    for (const PauliTerm& term : sum.terms) size += std::abs(term.coefficient);
    return size;
}

Result<double> residual(const PauliSum& hamiltonian, EigenState& state, const RunContext& context) {
    StateVector image(state.vector.size());
    QSCOPE_CHECK(applySum(hamiltonian, state.vector, image, context));
    return (map(image) - state.energy * map(state.vector)).norm();
}

Result<std::vector<EigenState>> byDiagonalisation(const PauliSum& hamiltonian, int count, const RunContext& context) {
    QSCOPE_TRY(const auto dense, denseMatrix(hamiltonian));
    const auto size = Eigen::Index{1} << hamiltonian.qubits;
    using RowMajor = Eigen::Matrix<std::complex<double>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver(Eigen::MatrixXcd(Eigen::Map<const RowMajor>(dense.data(), size, size)));
    if (solver.info() != Eigen::Success) return fail(ErrorCode::OutOfRange, "the eigenvalues of a Pauli sum do not converge");
    std::vector<EigenState> states;
    for (Eigen::Index k = 0; k < count; ++k) {
        EigenState state{solver.eigenvalues()(k), StateVector(static_cast<std::size_t>(size)), 0};
        map(state.vector) = solver.eigenvectors().col(k);
        QSCOPE_TRY(state.residual, residual(hamiltonian, state, context));
        states.push_back(std::move(state));
    }
    return states;
}

} // namespace

Result<std::vector<EigenState>> lowestStates(const PauliSum& hamiltonian, int count, const LanczosOptions& options,
                                             const RunContext& context) {
    const std::uint64_t dimension = hamiltonian.qubits < 63 ? std::uint64_t{1} << hamiltonian.qubits : UINT64_MAX;
    if (count < 1 || static_cast<std::uint64_t>(count) > std::min<std::uint64_t>(dimension, 64))
        return fail(ErrorCode::OutOfRange, "{} eigenstates of {} qubits; 1 to 64 of those there are", count, hamiltonian.qubits);
    if (hamiltonian.qubits <= kDenseQubits) return byDiagonalisation(hamiltonian, count, context);
    QSCOPE_TRY(const int fits, vectorsThatFit(hamiltonian.qubits, count + 10, count + kBasis + 3));
    const double enough = options.tolerance * std::max(sizeOf(hamiltonian), 1e-300);
    std::vector<EigenState> states;
    std::vector<StateVector> locked;
    for (int index = 0; index < count; ++index) {
        EigenState state;
        state.vector.resize(dimension);
        for (std::uint64_t i = 0; i < dimension; ++i)
            state.vector[i] = {uniform(options.seed, static_cast<std::uint64_t>(index), 2 * i) - 0.5,
                               uniform(options.seed, static_cast<std::uint64_t>(index), 2 * i + 1) - 0.5};
        bool found = false;
        for (int restart = 0; restart < options.restarts && !found; ++restart) {
            const int steps = static_cast<int>(std::min<std::int64_t>(fits - count - 3, static_cast<std::int64_t>(dimension) - index));
            QSCOPE_TRY(const KrylovBasis basis, krylovBasis(hamiltonian, state.vector, steps, locked, context));
            const auto size = std::ssize(basis.vectors);
            Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
            solver.computeFromTridiagonal(Eigen::Map<const Eigen::VectorXd>(basis.diagonal.data(), size),
                                          Eigen::Map<const Eigen::VectorXd>(basis.beside.data(), size - 1));
            if (solver.info() != Eigen::Success) return fail(ErrorCode::OutOfRange, "the eigenvalues of a Lanczos matrix do not converge");
            state.energy = solver.eigenvalues()(0);
            map(state.vector).setZero();
            for (Eigen::Index k = 0; k < size; ++k) {
                StateVector part = basis.vectors[static_cast<std::size_t>(k)];
                map(state.vector) += solver.eigenvectors()(k, 0) * map(part);
            }
            map(state.vector).normalize();
            found = basis.beside.back() * std::abs(solver.eigenvectors()(size - 1, 0)) <= enough;
        }
        if (!found) return fail(ErrorCode::OutOfRange, "eigenstate {} does not converge within {} restarts", index, options.restarts);
        QSCOPE_TRY(state.residual, residual(hamiltonian, state, context));
        locked.push_back(state.vector);
        states.push_back(std::move(state));
    }
    std::ranges::stable_sort(states, {}, &EigenState::energy);
    return states;
}

} // namespace qscope::engine
