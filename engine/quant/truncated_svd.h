// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/tensor/tensor.h"

#include <span>
#include <vector>

namespace qscope::engine {

/// A matrix of low rank as a product left right. The roots of the singular values are in both, so that neither needs a
/// wider range than the other.
struct LowRankFactors {
    std::int64_t rank = 0;
    std::vector<float> left;    ///< [rows, rank]
    std::vector<float> right;   ///< [rank, columns]
    std::vector<double> values; ///< singular values, descending
};

/// The nearest matrix of at most this rank in the sum of squares, as the largest singular values and their vectors:
/// found in a random subspace ten dimensions wider than the rank, turned towards the matrix twice (Halko,
/// Martinsson and Tropp, "Finding structure with randomness", 2011, algorithms 4.4 and 5.1). Exact, as far as double
/// precision goes, for matrices whose rank that subspace reaches, and when it is the whole space; of noise, what is left
/// is up to 3 % more than the least. The same numbers on any number of threads. OutOfRange for values that are not
/// finite. Leaves progress alone.
[[nodiscard]] Result<LowRankFactors> truncatedSvd(std::span<const float> matrix, MatrixShape shape, std::int64_t rank,
                                                  const RunContext& context);

/// Both factors as half precision holds them; OutOfRange beyond its range.
[[nodiscard]] Result<void> roundToHalves(LowRankFactors& factors);

/// matrix += sign left right, on all cores. Leaves progress alone.
[[nodiscard]] Result<void> addProduct(std::span<float> matrix, MatrixShape shape, const LowRankFactors& factors,
                                      float sign, const RunContext& context);

} // namespace qscope::engine
