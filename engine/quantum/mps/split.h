// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <Eigen/Core>

namespace qscope::engine {

/// A matrix as the product of two of lower rank, by its singular values.
struct Split {
    Eigen::MatrixXcd left;  ///< orthonormal columns
    Eigen::MatrixXcd right; ///< singular values times orthonormal rows, scaled to the norm of the matrix
    double dropped = 0;     ///< share of the squared norm that was left out
};
/// Keeps at most `most` singular values, and fewer when all others together hold at most `cutoff` of the squared norm.
[[nodiscard]] Split split(const Eigen::MatrixXcd& matrix, int most, double cutoff);

/// Orthonormal columns and what multiplies them from the right.
struct Orthogonal {
    Eigen::MatrixXcd q;
    Eigen::MatrixXcd r;
};
[[nodiscard]] Orthogonal orthogonal(const Eigen::MatrixXcd& matrix);

} // namespace qscope::engine
