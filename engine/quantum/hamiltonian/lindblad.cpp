// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/lindblad.h"

#include <Eigen/Core>

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::Matrix<Complex, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr int kMostQubits = 7;
constexpr std::size_t kMostJumpQubits = 3;
constexpr int kMostSteps = 10'000'000;

/// sqrt(rate) L on all qubits.
Matrix widened(const Jump& jump, int qubits) {
    const auto size = Eigen::Index{1} << qubits;
    const std::size_t inner = std::size_t{1} << jump.qubits.size();
    Matrix result = Matrix::Zero(size, size);
    for (Eigen::Index column = 0; column < size; ++column) {
        std::size_t local = 0;
        Eigen::Index rest = column;
        for (std::size_t k = 0; k < jump.qubits.size(); ++k) {
            local |= static_cast<std::size_t>(column >> jump.qubits[k] & 1) << k;
            rest &= ~(Eigen::Index{1} << jump.qubits[k]);
        }
        for (std::size_t to = 0; to < inner; ++to) {
            Eigen::Index row = rest;
            for (std::size_t k = 0; k < jump.qubits.size(); ++k) row |= static_cast<Eigen::Index>(to >> k & 1) << jump.qubits[k];
            result(row, column) = std::sqrt(jump.rate) * jump.matrix[to * inner + local];
        }
    }
    return result;
}

/// The right-hand side: -i (G rho - rho G^dagger) + sum L rho L^dagger with G = H - i/2 sum L^dagger L.
class Generator {
public:
    Generator(const Matrix& hamiltonian, std::vector<Matrix> jumps) : m_jumps(std::move(jumps)), m_drift(Complex(0, -1) * hamiltonian) {
        for (const Matrix& jump : m_jumps) m_drift.noalias() -= 0.5 * jump.adjoint() * jump;
    }
    void operator()(const Matrix& rho, Matrix& out) {
        m_half.noalias() = m_drift * rho;
        out = m_half + m_half.adjoint(); // rho is Hermitian
        for (const Matrix& jump : m_jumps) {
            m_half.noalias() = jump * rho;
            out.noalias() += m_half * jump.adjoint();
        }
    }

private:
    std::vector<Matrix> m_jumps;
    Matrix m_drift;
    Matrix m_half;
};

constexpr std::array<std::array<double, 6>, 6> kStages{{{1. / 5},
                                                        {3. / 40, 9. / 40},
                                                        {44. / 45, -56. / 15, 32. / 9},
                                                        {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                                                        {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
                                                        {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}}};
constexpr std::array<double, 7> kError{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40};

Result<void> check(const PauliSum& hamiltonian, std::span<const Jump> jumps, std::size_t entries, std::span<const double> times,
                   double tolerance) {
    const int n = hamiltonian.qubits;
    if (n < 1 || n > kMostQubits) return fail(ErrorCode::OutOfRange, "Lindblad evolution of {} qubits; 1 to {} are possible", n, kMostQubits);
    if (entries != std::size_t{1} << 2 * n) return fail(ErrorCode::OutOfRange, "a density matrix of {} entries for {} qubits", entries, n);
    if (!(tolerance > 0)) return fail(ErrorCode::OutOfRange, "a tolerance of {}", tolerance);
    double before = 0;
    for (const double time : times) {
        if (!(time >= before) || !std::isfinite(time)) return fail(ErrorCode::OutOfRange, "times must ascend from 0; {} follows {}", time, before);
        before = time;
    }
    for (const Jump& jump : jumps) {
        std::uint64_t seen = 0;
        for (const int qubit : jump.qubits) {
            if (qubit < 0 || qubit >= n || (seen >> qubit & 1)) return fail(ErrorCode::OutOfRange, "a jump on qubit {} twice or beyond {}", qubit, n);
            seen |= std::uint64_t{1} << qubit;
        }
        if (jump.qubits.empty() || jump.qubits.size() > kMostJumpQubits || jump.matrix.size() != std::size_t{1} << 2 * jump.qubits.size())
            return fail(ErrorCode::OutOfRange, "a jump on {} qubits with {} entries", jump.qubits.size(), jump.matrix.size());
        if (!(jump.rate >= 0 && std::isfinite(jump.rate))) return fail(ErrorCode::OutOfRange, "a jump at a rate of {}", jump.rate);
    }
    return {};
}

} // namespace

Result<std::vector<std::vector<Complex>>> lindblad(const PauliSum& hamiltonian, std::span<const Jump> jumps,
                                                   const std::vector<Complex>& rho, std::span<const double> times, double tolerance,
                                                   const RunContext& context) {
    QSCOPE_CHECK(check(hamiltonian, jumps, rho.size(), times, tolerance));
    const auto size = Eigen::Index{1} << hamiltonian.qubits;
    QSCOPE_TRY(const auto dense, denseMatrix(hamiltonian));
    std::vector<Matrix> operators;
    for (const Jump& jump : jumps) operators.push_back(widened(jump, hamiltonian.qubits));
    Generator generator(Eigen::Map<const Matrix>(dense.data(), size, size), std::move(operators));

    Matrix state = Eigen::Map<const Matrix>(rho.data(), size, size);
    std::array<Matrix, 7> slopes;
    generator(state, slopes[0]);
    double now = 0;
    double step = 0.01 / std::max(slopes[0].cwiseAbs().maxCoeff(), 1e-3);
    int steps = 0;
    std::vector<std::vector<Complex>> results;
    for (const double time : times) {
        while (now < time) {
            if (context.cancelled()) return cancelled();
            if (++steps > kMostSteps) return fail(ErrorCode::OutOfRange, "an evolution of more than {} steps", kMostSteps);
            const bool last = now + step >= time;
            const double h = last ? time - now : step;
            Matrix next;
            for (std::size_t stage = 0; stage < 6; ++stage) {
                next = state;
                for (std::size_t k = 0; k <= stage; ++k)
                    if (kStages[stage][k] != 0) next += h * kStages[stage][k] * slopes[k];
                generator(next, slopes[stage + 1]);
            }
            Matrix difference = Matrix::Zero(size, size);
            for (std::size_t k = 0; k < 7; ++k)
                if (kError[k] != 0) difference += h * kError[k] * slopes[k];
            const double error = difference.norm();
            if (!std::isfinite(error)) return fail(ErrorCode::OutOfRange, "a Lindblad evolution leaves the numbers");
            const double change = error == 0 ? 5.0 : std::clamp(0.9 * std::pow(tolerance / error, 0.2), 0.2, 5.0);
            if (error <= tolerance) {
                state = std::move(next);
                slopes[0].swap(slopes[6]); // the last stage is at the new state
                now = last ? time : now + h;
                if (!last || change < 1) step = h * change;
            } else {
                step = h * change;
            }
        }
        results.emplace_back(state.data(), state.data() + state.size());
    }
    return results;
}

} // namespace qscope::engine
