// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/atomic_file.h"

#include <string>
#include <vector>

namespace qscope::engine {

/// A stored member of a zip archive.
struct ZipMember {
    std::string name;
    std::uint64_t offset = 0; ///< of its local header from the archive's start
    std::uint64_t bytes = 0;
    std::uint32_t checksum = 0; ///< CRC-32
};

/// What stands before a member's bytes. Sizes and offsets of 2^32 - 1 and more take ZIP64's fields, here and below.
/// Source: PKWARE, .ZIP File Format Specification 6.3.10.
[[nodiscard]] std::string zipLocalHeader(const ZipMember& member);

/// The directory and the end record, which begin at `start`, right behind the last member.
[[nodiscard]] std::string zipDirectory(const std::vector<ZipMember>& members, std::uint64_t start);

/// Writes a zip archive of stored members into a file that begins with it.
class ZipWriter {
public:
    explicit ZipWriter(AtomicFile& file) : m_file(file) {}

    /// Writes what stands before a member, which the caller then writes: exactly `bytes`, with this CRC-32.
    [[nodiscard]] Result<void> begin(std::string name, std::uint64_t bytes, std::uint32_t checksum);
    /// The directory and the end record.
    [[nodiscard]] Result<void> finish();

private:
    AtomicFile& m_file;
    std::vector<ZipMember> m_members;
};

/// CRC-32 of bytes that follow those of `before` (0: none).
[[nodiscard]] std::uint32_t zipChecksum(std::uint32_t before, std::span<const std::byte> bytes);

} // namespace qscope::engine
