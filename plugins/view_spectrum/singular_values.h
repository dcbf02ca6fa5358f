// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/tensor/tensor.h"

#include <span>
#include <vector>

namespace qscope {

/// Singular values of a matrix, largest first.
struct SingularValues {
    std::vector<double> values;
    bool complete = true;    ///< all min(rows, columns) of them, or the largest alone
    double sumOfSquares = 0; ///< of the matrix's entries, which is that of all singular values

    /// Sum of squares over the largest square: at most the rank, little for a matrix that one direction rules.
    [[nodiscard]] double stableRank() const;
    /// exp(-Σ p ln p), p the singular values over their sum (Roy and Vetterli, The effective rank, 2007). NaN unless
    /// all are known.
    [[nodiscard]] double effectiveRank() const;
    /// Least number of singular values that hold this part of the sum of squares; 0 when those known do not.
    [[nodiscard]] std::size_t rankHolding(double part) const;
    /// Percentage of the sum of squares that the largest 1, 2, ... hold.
    [[nodiscard]] std::vector<double> held() const;
};

/// Up to this length of the shorter side all singular values are found, beyond it the largest `kLargestValues`.
inline constexpr std::int64_t kExactSide = 1024;
inline constexpr std::int64_t kLargestValues = 256;

/// Short sides: roots of the eigenvalues of A Aᵀ or Aᵀ A, summed in double (what is smaller than about 1e-7 of the
/// largest is rounding), by Householder tridiagonalization. Long ones: `truncatedSvd`, of which the last values may be
/// a few percent low. OutOfRange for values that are not finite.
[[nodiscard]] Result<SingularValues> singularValues(std::span<const float> matrix, const engine::MatrixShape& shape,
                                                    const RunContext& context);

/// The entropy between both parts of a matrix taken as a matrix product state, over all places where it can be cut.
///
/// The entries of W [rows, columns], divided by their norm, are the amplitudes of a state whose sites are the prime
/// factors of rows (ascending), then those of columns; the first site is the most significant digit of the row. A cut
/// behind the first sites, of together L levels, makes of W, read row by row, a matrix [L, rows columns / L]; with its
/// singular values σ and p = σ² / Σ σ² the entropy is S = -Σ p log2 p, in bits. Behind the last site of the rows that
/// matrix is W itself. At most log2 min(L, rows columns / L).
/// Source: Schollwöck, The density-matrix renormalization group in the age of matrix product states, 2011, section 4.
struct CutEntropies {
    std::vector<double> levels; ///< log2 L, from 0 to log2(rows columns)
    std::vector<double> bits;   ///< NaN where the cut is too large to be computed
    std::vector<double> most;   ///< log2 min(L, rows columns / L)
    std::vector<double> random; ///< mean over random states, log2 m - m / (2 n ln 2), m <= n both parts (Page, 1993)
    std::size_t rowsEnd = 0;    ///< index of the cut between rows and columns
    std::size_t leftOut = 0;    ///< cuts that are too large
};

/// A cut is computed when min(L, count / L) times the count of entries is at most 2^32. OutOfRange for values that are
/// not finite or all zero.
[[nodiscard]] Result<CutEntropies> cutEntropies(std::span<const float> matrix, const engine::MatrixShape& shape,
                                                const RunContext& context);

} // namespace qscope
