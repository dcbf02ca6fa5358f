// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace qscope {

/// What a reader may keep in memory for one file: three times its size and 48 MB. A small file can ask for much more than
/// its size (a value of one byte, shared text that appears a million times), so what it asks for is counted, before it is
/// made. Vectors that grow count twice: at times the old and the new one are both full.
class MemoryBudget {
public:
    explicit MemoryBudget(std::uint64_t fileBytes) : m_left(kFree) { add(fileBytes); }

    /// For a reader that makes a description first: twice the file and 32 MB, which leaves room for what is made from it.
    [[nodiscard]] static MemoryBudget forDescription(std::uint64_t fileBytes) {
        MemoryBudget budget(fileBytes);
        budget.m_left -= std::min(budget.m_left, fileBytes + (kFree - 32'000'000));
        return budget;
    }
    /// For a small file, still to be added, that is read beside another one: three times its size and 8 MB.
    [[nodiscard]] static MemoryBudget forSideFile() {
        MemoryBudget budget(0);
        budget.m_left = 8'000'000;
        return budget;
    }

    /// Another file that belongs to the same whole.
    void add(std::uint64_t fileBytes) {
        const std::uint64_t most = UINT64_MAX - m_left;
        m_left += fileBytes > most / 3 ? most : 3 * fileBytes;
    }

    [[nodiscard]] std::uint64_t left() const { return m_left; }

    /// Unsupported when `bytes` more are too many.
    [[nodiscard]] Result<void> spend(std::uint64_t bytes) {
        if (bytes > m_left)
            return fail(ErrorCode::Unsupported, "it unfolds to far more than its size: {} bytes more exceed the {} left", bytes, m_left);
        m_left -= bytes;
        return {};
    }
    /// What was spent and is free again.
    void giveBack(std::uint64_t bytes) { m_left += std::min(bytes, UINT64_MAX - m_left); }

private:
    static constexpr std::uint64_t kFree = 48'000'000;
    std::uint64_t m_left;
};

/// What a text takes besides the std::string itself: short ones lie inside it.
[[nodiscard]] inline std::uint64_t textHeapBytes(std::uint64_t textBytes) { return textBytes < 16 ? 0 : textBytes + 32; }

} // namespace qscope
