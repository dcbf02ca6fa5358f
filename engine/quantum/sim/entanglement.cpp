// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/compute_backend.h"
#include "engine/core/parallel.h"
#include "engine/quantum/sim/state_views.h"

#include <Eigen/Eigenvalues>

#include <cmath>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::MatrixXcd;
using Amplitudes = Eigen::Map<const Matrix>; ///< rows: the low qubits' values, columns: the high ones'

constexpr int kMostQubits = 20;        ///< the middle cut needs the eigenvalues of a matrix of 2^10
constexpr Eigen::Index kLowRank = 64;  ///< a state of higher Schmidt rank is treated as a full one
constexpr double kNegligible = 1e-16;  ///< of the trace: what it leaves out changes an entropy by less than 1e-11 bits

/// Reduces a Hermitian matrix to a real tridiagonal one with the same eigenvalues by Householder reflections, with a
/// look at the stop request per column. Source: Golub and Van Loan, "Matrix Computations", section 8.3.1.
Result<Eigen::VectorXd> eigenvalues(Matrix a, const RunContext& context) {
    const Eigen::Index n = a.rows();
    Eigen::VectorXd beside = Eigen::VectorXd::Zero(n - 1);
    for (Eigen::Index k = 0; k + 1 < n; ++k) {
        if (context.cancelled()) return cancelled();
        const Eigen::Index rest = n - k - 1;
        Eigen::VectorXcd v = a.col(k).tail(rest);
        beside(k) = v.norm(); // its phase does not change the eigenvalues
        if (beside(k) == 0) continue;
        const double first = std::abs(v(0));
        v(0) += (first == 0 ? Complex(1) : v(0) / first) * beside(k);
        v.normalize();
        // H A H with H = 1 - 2 v v^dagger, as a change of rank two of the remaining block.
        auto block = a.bottomRightCorner(rest, rest);
        Eigen::VectorXcd w = block.selfadjointView<Eigen::Lower>() * v;
        w *= 2;
        w -= v.dot(w) * v;
        block.selfadjointView<Eigen::Lower>().rankUpdate(v, w, -1.0);
    }
    const Eigen::VectorXd diagonal = a.diagonal().real();
    if (n == 1) return diagonal;
    Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
    solver.computeFromTridiagonal(diagonal, beside, Eigen::EigenvaluesOnly);
    if (solver.info() != Eigen::Success) return fail(ErrorCode::OutOfRange, "the eigenvalues of a reduced state do not converge");
    return Eigen::VectorXd(solver.eigenvalues());
}

/// The reduced density matrix on the smaller side of the cut, or its transpose.
Result<Matrix> density(const Amplitudes& a, const RunContext& context) {
    const bool lowSide = a.rows() <= a.cols();
    const Eigen::Index size = std::min(a.rows(), a.cols());
    constexpr Eigen::Index kStrip = 16; // columns at a time: short enough for a stop request
    Matrix result(size, size);
    Progress unseen;
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    QSCOPE_CHECK(parallelChunks(size, kStrip, inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        if (lowSide) result.middleCols(begin, end - begin).noalias() = a * a.middleRows(begin, end - begin).adjoint();
        else result.middleCols(begin, end - begin).noalias() = a.adjoint() * a.middleCols(begin, end - begin);
        return {};
    }));
    return result;
}

/// A small matrix with the same non-zero eigenvalues as `density`, when the state has a low Schmidt rank, else an empty
/// one: Cholesky with pivots, which needs only as many of density's columns as its rank.
Result<Matrix> lowRank(const Amplitudes& a, const RunContext& context) {
    const bool lowSide = a.rows() <= a.cols();
    const Eigen::Index size = std::min(a.rows(), a.cols());
    Eigen::VectorXd left = lowSide ? Eigen::VectorXd(a.rowwise().squaredNorm())
                                   : Eigen::VectorXd(a.colwise().squaredNorm().transpose());
    const double trace = left.sum();
    Matrix factor(size, std::min(size, kLowRank));
    for (Eigen::Index rank = 0;; ++rank) {
        if (context.cancelled()) return cancelled();
        Eigen::Index pivot = 0;
        const double largest = left.maxCoeff(&pivot);
        if (largest <= kNegligible * trace) return Matrix(factor.leftCols(rank).adjoint() * factor.leftCols(rank));
        if (rank == factor.cols()) return Matrix();
        auto column = factor.col(rank);
        if (lowSide) column.noalias() = a * a.row(pivot).adjoint();
        else column.noalias() = a.adjoint() * a.col(pivot);
        const Eigen::VectorXcd earlier = factor.row(pivot).head(rank).adjoint();
        column.noalias() -= factor.leftCols(rank) * earlier;
        column /= std::sqrt(largest);
        left -= column.cwiseAbs2();
        left(pivot) = 0;
    }
}

} // namespace

Result<std::vector<double>> entanglementEntropies(const StateSnapshot& state, const RunContext& context) {
    if (state.qubits > kMostQubits)
        return fail(ErrorCode::OutOfRange, "entanglement entropies are computed for up to {} qubits; the state has {}",
                    kMostQubits, state.qubits);
    std::vector<Complex> amplitudes(std::size_t{1} << state.qubits);
    QSCOPE_CHECK(context.backend.amplitudes(*state.buffer, 0, amplitudes));
    std::vector<double> entropies;
    for (int cut = 1; cut < state.qubits; ++cut) {
        const Amplitudes a(amplitudes.data(), Eigen::Index{1} << cut, Eigen::Index{1} << (state.qubits - cut));
        QSCOPE_TRY(Matrix matrix, lowRank(a, context));
        if (matrix.size() == 0) {
            QSCOPE_TRY(matrix, density(a, context));
        }
        QSCOPE_TRY(const Eigen::VectorXd values, eigenvalues(std::move(matrix), context));
        const double total = values.sum();
        double entropy = 0;
        for (const double value : values)
            if (value > 0) entropy -= value / total * std::log2(value / total);
        entropies.push_back(std::max(entropy, 0.0));
    }
    return entropies;
}

} // namespace qscope::engine
