// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <span>
#include <vector>

namespace qscope::engine {

/// A square matrix, row-major.
struct SquareMatrix {
    std::int64_t size = 0;
    std::vector<double> values;

    [[nodiscard]] double at(std::int64_t row, std::int64_t column) const {
        return values[static_cast<std::size_t>(row * size + column)];
    }
};

/// The upper triangular U, with a positive diagonal, for which UᵀU is the inverse of a symmetric positive definite
/// matrix; zeros below the diagonal. One Cholesky factorisation from the last row up and one triangular inverse, both
/// in blocks, in double precision on all cores; the same bits on any number of threads. OutOfRange when the matrix is
/// not positive definite.
[[nodiscard]] Result<SquareMatrix> inverseFactor(SquareMatrix matrix, const RunContext& context);

/// The second moments of a layer's inputs in an order of its channels, with `damping` times their mean added to each on
/// the diagonal. Channels in which nothing arrived count as if they had one: they pull at no other.
[[nodiscard]] SquareMatrix dampedMoments(std::span<const double> moments, std::span<const std::int32_t> order,
                                         double damping);

/// The inverse factor of the damped moments; where rounding left them not positive definite, `damping` grows by 0.01 at
/// a time as in GPTQModel, at most to 1, with a note that names `subject`.
[[nodiscard]] Result<SquareMatrix> dampedInverseFactor(std::span<const double> moments,
                                                       std::span<const std::int32_t> order, double damping,
                                                       const std::string& subject, const RunContext& context);

/// alpha * striu(D Uᵀ) U, where striu keeps what lies above the diagonal: what of the mismatch D = ΔX Xᵀ of each
/// channel the channels behind it can take up (GPTAQ). `cross` is D in the order of channels, `order` that of U.
[[nodiscard]] Result<std::vector<float>> mismatchCarry(std::span<const double> cross,
                                                       std::span<const std::int32_t> order, const SquareMatrix& factor,
                                                       double alpha, const RunContext& context);

} // namespace qscope::engine
