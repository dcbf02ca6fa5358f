// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/core/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace qscope::engine {

/// One member of a zip archive. `packed` lies in the archive's own bytes.
struct ZipEntry {
    std::string_view name;
    std::span<const std::byte> packed; ///< as stored; the content itself unless `deflated`
    std::uint64_t offset = 0;          ///< of `packed` from the archive's start
    std::uint64_t bytes = 0;           ///< of the content
    std::uint32_t checksum = 0;        ///< CRC-32 of the content
    bool deflated = false;
};

/// The members of an archive in the order of its central directory, and their names.
struct ZipDirectory {
    std::vector<ZipEntry> entries;
    std::unordered_map<std::string_view, std::size_t> byName;

    [[nodiscard]] const ZipEntry* find(std::string_view name) const {
        const auto found = byName.find(name);
        return found == byName.end() ? nullptr : &entries[found->second];
    }
};

/// What an entry takes in memory: in the list, the index of names and the list of places.
inline constexpr std::uint64_t kZipEntryMemory = sizeof(ZipEntry) + 96;

/// Whether the first bytes are those of a zip archive.
[[nodiscard]] bool looksLikeZip(std::span<const std::byte> start);

/// The name in the local header at the front of `start`, as far as it is there; empty when there is none.
[[nodiscard]] std::string_view firstZipName(std::span<const std::byte> start);

/// Whether members may have this name: a relative path that goes down only.
[[nodiscard]] bool isZipName(std::string_view name);

/// Lists an archive, ZIP64 included, without unpacking anything. The archive must be the whole of `file`: central
/// directory and local headers agree, members do not overlap, names are unique and stay inside. Encrypted, split and
/// otherwise packed archives are Unsupported. Source: PKWARE, .ZIP File Format Specification 6.3.10.
[[nodiscard]] Result<ZipDirectory> readZipDirectory(std::span<const std::byte> file, const ReadLimits& limits);

/// The first bytes of a member's content, at most `most`; all of them are checked against the member's checksum when it
/// was deflated. (What is stored plainly is not: writers of tensors may leave the checksum out.)
[[nodiscard]] Result<std::vector<std::byte>> unpack(const ZipEntry& entry, std::uint64_t most);

} // namespace qscope::engine
