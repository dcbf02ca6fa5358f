// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quantum/analysis/entanglement.h"

#include <Eigen/Eigenvalues>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Pair = Eigen::Matrix4cd;

constexpr std::uint64_t kBetweenLooks = 1 << 18; ///< groups of four amplitudes between two looks at the stop request

template<class Matrix>
double entropyOf(const Matrix& density) {
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(density, Eigen::EigenvaluesOnly);
    const auto values = (solver.eigenvalues() / density.trace().real()).eval();
    return entropyBits(std::span(values.data(), static_cast<std::size_t>(values.size())));
}

/// The reduced state of qubits low < high; bit of `low` is the lowest of its index.
Result<Pair> pairDensity(const std::vector<Complex>& amplitudes, int low, int high, const RunContext& context) {
    const std::uint64_t groups = amplitudes.size() / 4;
    const std::uint64_t below = (std::uint64_t{1} << low) - 1, between = (std::uint64_t{1} << (high - 1)) - 1;
    const std::uint64_t a = std::uint64_t{1} << low, b = std::uint64_t{1} << high;
    Pair sum = Pair::Zero();
    for (std::uint64_t first = 0; first < groups; first += kBetweenLooks) {
        if (context.cancelled()) return cancelled();
        const std::uint64_t end = std::min(groups, first + kBetweenLooks);
        for (std::uint64_t i = first; i < end; ++i) {
            // Zeros spread into i at the two qubits' places.
            const std::uint64_t base = (i & below) | (i & between & ~below) << 1 | (i & ~between) << 2;
            const Eigen::Vector4cd v(amplitudes[base], amplitudes[base | a], amplitudes[base | b],
                                     amplitudes[base | a | b]);
            sum.noalias() += v * v.adjoint();
        }
    }
    return sum;
}

/// Of one qubit, from a pair's state.
Eigen::Matrix2cd half(const Pair& pair, bool high) {
    Eigen::Matrix2cd one;
    for (int row = 0; row < 2; ++row)
        for (int column = 0; column < 2; ++column)
            one(row, column) = high ? pair(2 * row, 2 * column) + pair(2 * row + 1, 2 * column + 1)
                                    : pair(row, column) + pair(row + 2, column + 2);
    return one;
}

} // namespace

Result<std::vector<double>> mutualInformation(const StateSnapshot& state, const RunContext& context) {
    const int n = state.qubits;
    if (n < 2) return fail(ErrorCode::OutOfRange, "one qubit alone shares information with nobody");
    QSCOPE_TRY(const auto amplitudes, allAmplitudes(state, context));
    std::vector<std::pair<int, int>> pairs;
    for (int high = 1; high < n; ++high)
        for (int low = 0; low < high; ++low) pairs.emplace_back(low, high);
    std::vector<double> information(static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
    const auto at = [&](int row, int column) -> double& {
        return information[static_cast<std::size_t>(row) * static_cast<std::size_t>(n) +
                           static_cast<std::size_t>(column)];
    };
    context.progress.total = static_cast<std::int64_t>(pairs.size());
    QSCOPE_CHECK(parallelChunks(
        static_cast<std::int64_t>(pairs.size()), 1, context, [&](std::int64_t i, std::int64_t) -> Result<void> {
            const auto [low, high] = pairs[static_cast<std::size_t>(i)];
            QSCOPE_TRY(const Pair pair, pairDensity(amplitudes, low, high, context));
            const double lowEntropy = entropyOf(half(pair, false)), highEntropy = entropyOf(half(pair, true));
            at(low, high) = at(high, low) = std::max(0.0, lowEntropy + highEntropy - entropyOf(pair));
            // Each diagonal entry by one pair alone, as pairs run at the same time.
            if (high == low + 1) at(high, high) = 2 * highEntropy;
            if (low == 0 && high == 1) at(low, low) = 2 * lowEntropy;
            return {};
        }));
    return information;
}

} // namespace qscope::engine
