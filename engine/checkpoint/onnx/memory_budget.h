// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstdint>

namespace qscope::engine {

/// Bounds what the description of a model takes in memory: on the wire an empty node is two bytes, in memory over a
/// hundred, so that counts alone bound nothing.
class MemoryBudget {
public:
    /// Leaves room under "four times the file and 64 MB" for what is made from the description.
    [[nodiscard]] static MemoryBudget forFile(std::uint64_t bytes) { return MemoryBudget(2 * bytes + 32'000'000); }
    explicit MemoryBudget(std::uint64_t bytes) : m_left(bytes) {}

    /// Unsupported when what was charged before leaves less than `bytes`; ask before allocating.
    [[nodiscard]] Result<void> charge(std::uint64_t bytes) {
        if (bytes > m_left)
            return fail(ErrorCode::Unsupported, "the model's description takes far more memory than its file");
        m_left -= bytes;
        return {};
    }

private:
    std::uint64_t m_left;
};

} // namespace qscope::engine
