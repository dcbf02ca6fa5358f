// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <span>
#include <vector>

namespace qscope::engine::nn {

/// XᵀX of rows that arrive in batches: products of up to 256 rows in single precision, their sums in double. The same
/// bits on any number of threads.
class SecondMoments {
public:
    explicit SecondMoments(std::int64_t channels);

    /// Bytes that `channels` take.
    [[nodiscard]] static std::uint64_t bytes(std::int64_t channels);
    /// Row-major rows of `channels` values. Leaves the context's progress alone.
    [[nodiscard]] Result<void> add(std::span<const float> rows, const RunContext& context);
    /// [channels, channels], both triangles; nothing is left behind.
    [[nodiscard]] std::vector<double> take();

private:
    std::int64_t m_channels;
    std::vector<double> m_sums; ///< row-major; tiles on and below the diagonal are filled
};

/// YᵀX of two lists of rows that arrive side by side, in the same precision.
class CrossMoments {
public:
    explicit CrossMoments(std::int64_t channels);

    /// As many rows of Y as of X.
    [[nodiscard]] Result<void> add(std::span<const float> y, std::span<const float> x, const RunContext& context);
    /// [channels of Y, channels of X]; nothing is left behind.
    [[nodiscard]] std::vector<double> take() { return std::move(m_sums); }

private:
    std::int64_t m_channels;
    std::vector<double> m_sums;
};

} // namespace qscope::engine::nn
