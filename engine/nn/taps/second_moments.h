// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"

#include <span>
#include <vector>

namespace qscope::engine::nn {

/// XᵀX of rows that arrive in batches: products of up to 128 rows in single precision, their sums in double. The same
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

} // namespace qscope::engine::nn
