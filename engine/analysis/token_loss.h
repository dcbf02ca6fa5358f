// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <span>

namespace qscope::engine {

/// What the logits of one position say, in double precision from single-precision logits.
struct LogitSums {
    double logPartition = 0;    ///< log sum exp(logits)
    std::int32_t likeliest = 0; ///< the first of equals
};
[[nodiscard]] LogitSums logitSums(std::span<const float> logits);

/// Kullback-Leibler divergence sum p (log p - log q) of the softmax q of `logits` from the softmax p of `reference`, in
/// nats. Exactly 0 for equal logits; rounding never makes it negative.
[[nodiscard]] double klDivergence(std::span<const float> reference, const LogitSums& referenceSums,
                                  std::span<const float> logits, const LogitSums& sums);

} // namespace qscope::engine
