// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/distance.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kBlock = 1 << 16;

/// Calls `visit(a_i, b_i)` for all amplitudes.
template<class Visit>
Result<void> overBoth(const StateSnapshot& a, const StateSnapshot& b, const RunContext& context, Visit visit) {
    const std::uint64_t size = std::uint64_t{1} << a.qubits;
    std::vector<std::complex<double>> left(static_cast<std::size_t>(std::min(size, kBlock))), right(left.size());
    for (std::uint64_t first = 0; first < size; first += kBlock) {
        if (context.cancelled()) return cancelled();
        QSCOPE_CHECK(context.backend.amplitudes(*a.buffer, first, left));
        QSCOPE_CHECK(context.backend.amplitudes(*b.buffer, first, right));
        for (std::size_t i = 0; i < left.size(); ++i) visit(left[i], right[i]);
    }
    return {};
}

} // namespace

Result<StateDistance> distanceOf(const StateSnapshot& a, const StateSnapshot& b, const RunContext& context) {
    if (a.qubits != b.qubits)
        return fail(ErrorCode::OutOfRange, "states of {} and {} qubits cannot be compared", a.qubits, b.qubits);
    std::complex<double> overlap;
    double normA = 0, normB = 0;
    QSCOPE_CHECK(overBoth(a, b, context, [&](std::complex<double> x, std::complex<double> y) {
        overlap += std::conj(x) * y;
        normA += std::norm(x);
        normB += std::norm(y);
    }));
    // What of b is not along a: near equal states 1 - fidelity would have lost its digits.
    const std::complex<double> along = overlap / normA;
    double across = 0, variation = 0;
    QSCOPE_CHECK(overBoth(a, b, context, [&](std::complex<double> x, std::complex<double> y) {
        across += std::norm(y - along * x);
        variation += std::abs(std::norm(x) / normA - std::norm(y) / normB);
    }));
    return StateDistance{std::min(1.0, std::norm(overlap) / (normA * normB)), std::min(1.0, std::sqrt(across / normB)),
                         variation / 2};
}

double traceDistance(const BlochVector& a, const BlochVector& b) {
    return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) / 2;
}

double traceDistance(std::span<const std::complex<double>> a, std::span<const std::complex<double>> b) {
    const auto size = static_cast<Eigen::Index>(std::lround(std::sqrt(static_cast<double>(a.size()))));
    using Matrix = Eigen::Matrix<std::complex<double>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Matrix difference =
        Eigen::Map<const Matrix>(a.data(), size, size) - Eigen::Map<const Matrix>(b.data(), size, size);
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(difference, Eigen::EigenvaluesOnly);
    return solver.eigenvalues().cwiseAbs().sum() / 2;
}

} // namespace qscope::engine
