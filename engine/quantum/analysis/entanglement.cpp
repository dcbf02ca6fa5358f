// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/entanglement.h"

#include "engine/backend/cpu_state.h"
#include "engine/core/parallel.h"
#include "engine/quantum/analysis/step_states.h"
#include "engine/quantum/sim/state_views.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <functional>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::MatrixXcd;
using Amplitudes = Eigen::Map<const Matrix>; ///< rows: the low qubits' values, columns: the high ones'

constexpr int kMostSide = 10;              ///< qubits of a cut's smaller side: eigenvalues of a matrix of 2^10
constexpr int kMostQubits = 2 * kMostSide; ///< of a state all of whose cuts are wanted
constexpr Eigen::Index kLowRank = 64;      ///< a state of higher Schmidt rank is treated as a full one
constexpr double kNegligible = 1e-16; ///< of the trace: what it leaves out changes an entropy by less than 1e-11 bits

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
    if (solver.info() != Eigen::Success)
        return fail(ErrorCode::OutOfRange, "the eigenvalues of a reduced state do not converge");
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
        if (lowSide)
            result.middleCols(begin, end - begin).noalias() = a * a.middleRows(begin, end - begin).adjoint();
        else
            result.middleCols(begin, end - begin).noalias() = a.adjoint() * a.middleCols(begin, end - begin);
        return {};
    }));
    return result;
}

/// A small matrix with the same non-zero eigenvalues as `density`, when the state has a low Schmidt rank, else an empty
/// one: Cholesky with pivots, which needs only as many of density's columns as its rank.
Result<Matrix> lowRank(const Amplitudes& a, const RunContext& context) {
    const bool lowSide = a.rows() <= a.cols();
    const Eigen::Index size = std::min(a.rows(), a.cols());
    Eigen::VectorXd left =
        lowSide ? Eigen::VectorXd(a.rowwise().squaredNorm()) : Eigen::VectorXd(a.colwise().squaredNorm().transpose());
    const double trace = left.sum();
    Matrix factor(size, std::min(size, kLowRank));
    for (Eigen::Index rank = 0;; ++rank) {
        if (context.cancelled()) return cancelled();
        Eigen::Index pivot = 0;
        const double largest = left.maxCoeff(&pivot);
        if (largest <= kNegligible * trace) return Matrix(factor.leftCols(rank).adjoint() * factor.leftCols(rank));
        if (rank == factor.cols()) return Matrix();
        auto column = factor.col(rank);
        if (lowSide)
            column.noalias() = a * a.row(pivot).adjoint();
        else
            column.noalias() = a.adjoint() * a.col(pivot);
        const Eigen::VectorXcd earlier = factor.row(pivot).head(rank).adjoint();
        column.noalias() -= factor.leftCols(rank) * earlier;
        column /= std::sqrt(largest);
        left -= column.cwiseAbs2();
        left(pivot) = 0;
    }
}

} // namespace

Result<std::vector<Complex>> allAmplitudes(const StateSnapshot& state, const RunContext& context) {
    if (const auto bytes = cpu::stateBytes(state.qubits, Precision::Double); bytes > cpu::freeMemory())
        return fail(ErrorCode::OutOfMemory, "a copy of the state of {} qubits does not fit the free memory",
                    state.qubits);
    std::vector<Complex> amplitudes(std::size_t{1} << state.qubits);
    constexpr std::size_t kBlock = 1 << 16;
    for (std::size_t first = 0; first < amplitudes.size(); first += kBlock) {
        if (context.cancelled()) return cancelled();
        QSCOPE_CHECK(context.backend.amplitudes(
            *state.buffer, first, std::span(amplitudes).subspan(first, std::min(kBlock, amplitudes.size() - first))));
    }
    return amplitudes;
}

Result<std::vector<double>> schmidtProbabilities(std::span<const Complex> amplitudes, int qubits, int cut,
                                                 const RunContext& context) {
    if (cut < 1 || cut >= qubits)
        return fail(ErrorCode::OutOfRange, "a cut at {} of {} qubits; 1 to {} are possible", cut, qubits, qubits - 1);
    if (std::min(cut, qubits - cut) > kMostSide)
        return fail(ErrorCode::OutOfRange,
                    "the Schmidt spectrum of a cut into {} and {} qubits needs the eigenvalues of a "
                    "matrix of 2^{} rows; 2^{} are the limit",
                    cut, qubits - cut, std::min(cut, qubits - cut), kMostSide);
    const Amplitudes a(amplitudes.data(), Eigen::Index{1} << cut, Eigen::Index{1} << (qubits - cut));
    QSCOPE_TRY(Matrix matrix, lowRank(a, context));
    if (matrix.size() == 0) {
        QSCOPE_TRY(matrix, density(a, context));
    }
    QSCOPE_TRY(const Eigen::VectorXd values, eigenvalues(std::move(matrix), context));
    const double total = values.sum();
    std::vector<double> spectrum;
    for (const double value : values) spectrum.push_back(std::max(0.0, value / total));
    std::ranges::sort(spectrum, std::greater{});
    return spectrum;
}

double entropyBits(std::span<const double> probabilities) {
    double entropy = 0;
    for (const double p : probabilities)
        if (p > 0) entropy -= p * std::log2(p);
    return std::max(entropy, 0.0);
}

Result<std::vector<double>> entanglementEntropies(const StateSnapshot& state, const RunContext& context) {
    if (state.qubits > kMostQubits)
        return fail(ErrorCode::OutOfRange, "entanglement entropies are computed for up to {} qubits; the state has {}",
                    kMostQubits, state.qubits);
    QSCOPE_TRY(const auto amplitudes, allAmplitudes(state, context));
    std::vector<double> entropies;
    for (int cut = 1; cut < state.qubits; ++cut) {
        QSCOPE_TRY(const auto spectrum, schmidtProbabilities(amplitudes, state.qubits, cut, context));
        entropies.push_back(entropyBits(spectrum));
    }
    return entropies;
}

namespace {

/// Marks the cuts that an operation may change. Only what acts across a cut can; a measurement can change any.
void markChanged(const Operation& operation, std::vector<bool>& changed) {
    if (std::holds_alternative<BarrierOp>(operation.what)) return;
    const auto* gate = std::get_if<GateOp>(&operation.what);
    if (!gate) return changed.assign(changed.size(), true);
    const auto [low, high] = std::ranges::minmax(gate->qubits);
    for (int cut = low + 1; cut <= high; ++cut) changed[static_cast<std::size_t>(cut - 1)] = true;
}

} // namespace

Result<EntropyHistory> entropyHistory(const Circuit& circuit, const SimulationRequest& request, int columns,
                                      const RunContext& context) {
    if (circuit.qubits > kMostQubits)
        return fail(ErrorCode::OutOfRange,
                    "entanglement entropies are computed for up to {} qubits; the circuit has {}", kMostQubits,
                    circuit.qubits);
    if (circuit.qubits < 2 || columns < 2) return fail(ErrorCode::OutOfRange, "one qubit alone cannot be cut in two");
    EntropyHistory history;
    history.qubits = circuit.qubits;
    history.steps = spreadSteps(circuit.operations.size(), static_cast<std::size_t>(columns));
    const auto cuts = static_cast<std::size_t>(circuit.qubits - 1);
    const std::size_t width = history.steps.size();
    history.bits.resize(cuts * width);
    context.progress.total = static_cast<std::int64_t>(width);
    const Program program = makeProgram(circuit, SIZE_MAX);
    std::vector<double> now(cuts);
    std::size_t column = 0, next = 0;
    QSCOPE_CHECK(visitSteps(
        circuit, request, history.steps,
        [&](std::size_t steps, const StateSnapshot& state) -> Result<void> {
            std::vector<bool> changed(cuts);
            for (const std::size_t end = lengthOf(program.flat, steps); next < end; ++next)
                if (!program.terminal[next]) markChanged(program.flat.operations[next], changed);
            if (std::ranges::find(changed, true) != changed.end()) {
                QSCOPE_TRY(const auto amplitudes, allAmplitudes(state, context));
                for (std::size_t cut = 0; cut < cuts; ++cut) {
                    if (!changed[cut]) continue;
                    QSCOPE_TRY(const auto spectrum,
                               schmidtProbabilities(amplitudes, circuit.qubits, static_cast<int>(cut) + 1, context));
                    now[cut] = entropyBits(spectrum);
                }
            }
            for (std::size_t cut = 0; cut < cuts; ++cut) history.bits[cut * width + column] = now[cut];
            ++column;
            context.progress.done.store(static_cast<std::int64_t>(column), std::memory_order_relaxed);
            return {};
        },
        context));
    return history;
}

std::vector<std::size_t> spreadSteps(std::size_t operations, std::size_t most) {
    const std::size_t count = std::min(operations + 1, std::max<std::size_t>(most, 2));
    std::vector<std::size_t> steps;
    for (std::size_t i = 0; i < count; ++i) steps.push_back(count < 2 ? 0 : operations * i / (count - 1));
    return steps;
}

} // namespace qscope::engine
