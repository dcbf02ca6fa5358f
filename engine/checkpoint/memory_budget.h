// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <algorithm>
#include <cstdint>

namespace qscope::engine {

/// What a reader may keep in memory for one file: three times its size and 48 MB. A small file can ask for much more than
/// its size (a value of one byte, shared text that appears a million times), so what it asks for is counted.
class MemoryBudget {
public:
    explicit MemoryBudget(std::uint64_t fileBytes)
        : m_left(fileBytes > (UINT64_MAX - kFree) / 3 ? UINT64_MAX : 3 * fileBytes + kFree) {}

    /// For a reader that makes a description first: twice the file and 32 MB, which leaves room for what is made from it.
    [[nodiscard]] static MemoryBudget forDescription(std::uint64_t fileBytes) {
        MemoryBudget budget(fileBytes);
        budget.m_left -= std::min(budget.m_left, fileBytes + (kFree - 32'000'000));
        return budget;
    }

    [[nodiscard]] std::uint64_t left() const { return m_left; }

    /// Unsupported when `bytes` more are too many.
    [[nodiscard]] Result<void> spend(std::uint64_t bytes) {
        if (bytes > m_left)
            return fail(ErrorCode::Unsupported, "it unfolds to far more than its size: {} bytes more exceed the {} left", bytes, m_left);
        m_left -= bytes;
        return {};
    }

private:
    static constexpr std::uint64_t kFree = 48'000'000;
    std::uint64_t m_left;
};

} // namespace qscope::engine
