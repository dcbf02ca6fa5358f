// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace qscope {

/// A whole file mapped read-only. The size is fixed at opening: a file truncated by someone else while it is open
/// makes later reads fault, as with every memory map.
class MappedFile {
public:
    /// Io when the file cannot be opened or mapped; an empty file maps to an empty span.
    [[nodiscard]] static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);
    /// Bytes that were made while reading the file at `path`, kept like the file itself.
    [[nodiscard]] static std::shared_ptr<const MappedFile> holding(std::filesystem::path path, std::vector<std::byte> bytes);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    [[nodiscard]] std::span<const std::byte> bytes() const { return m_bytes; }
    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }

private:
    MappedFile(std::filesystem::path path, std::span<const std::byte> bytes)
        : m_path(std::move(path)), m_bytes(bytes) {}

    std::filesystem::path m_path;
    std::vector<std::byte> m_held; ///< empty when the bytes are mapped
    std::span<const std::byte> m_bytes;
};

} // namespace qscope
