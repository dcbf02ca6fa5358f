// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/atomic_file.h"

#include <string>
#include <vector>

namespace qscope::engine {

/// Writes a zip archive of stored members into a file that begins with it. Sizes and offsets of 2^32 - 1 and more take
/// ZIP64's fields. Source: PKWARE, .ZIP File Format Specification 6.3.10.
class ZipWriter {
public:
    explicit ZipWriter(AtomicFile& file) : m_file(file) {}

    /// Writes what stands before a member, which the caller then writes: exactly `bytes`, with this CRC-32.
    [[nodiscard]] Result<void> begin(std::string name, std::uint64_t bytes, std::uint32_t checksum);
    /// The directory and the end record.
    [[nodiscard]] Result<void> finish();

private:
    struct Member {
        std::string name;
        std::uint64_t offset = 0;
        std::uint64_t bytes = 0;
        std::uint32_t checksum = 0;
    };

    AtomicFile& m_file;
    std::vector<Member> m_members;
};

/// CRC-32 of bytes that follow those of `before` (0: none).
[[nodiscard]] std::uint32_t zipChecksum(std::uint32_t before, std::span<const std::byte> bytes);

} // namespace qscope::engine
