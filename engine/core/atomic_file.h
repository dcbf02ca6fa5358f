// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace qscope {

/// Writes to a temporary file beside the target and renames it at `commit`, so that readers see the old file or the
/// whole new one. Without `commit` the destructor removes the temporary file; what a killed program leaves is removed by
/// the next `create` for the same target.
class AtomicFile {
public:
    [[nodiscard]] static Result<AtomicFile> create(const std::filesystem::path& target);
    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&&) = delete;
    ~AtomicFile();

    [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);
    [[nodiscard]] Result<void> write(std::string_view text);
    /// Bytes written so far.
    [[nodiscard]] std::uint64_t position() const { return m_position; }
    /// Flushes to disk, then renames over the target.
    [[nodiscard]] Result<void> commit();
    /// Where the bytes are until `commit`; flushed, so that it can be opened again and checked.
    [[nodiscard]] Result<std::filesystem::path> flushed();

private:
    AtomicFile(std::filesystem::path target, std::filesystem::path temporary, int descriptor);

    std::filesystem::path m_target;
    std::filesystem::path m_temporary;
    int m_descriptor;
    std::uint64_t m_position = 0;
};

/// The whole text in one atomic write.
[[nodiscard]] Result<void> writeFileAtomically(const std::filesystem::path& target, std::string_view text);

} // namespace qscope
