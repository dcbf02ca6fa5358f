// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/core/result.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace qscope::engine {

/// One plain file of a tar archive; both point into the archive.
struct TarEntry {
    std::string_view name;
    std::span<const std::byte> content;
};

/// The name in the header at the front of `bytes`, or nothing when its checksum is not that of a header.
[[nodiscard]] std::optional<std::string_view> tarMemberName(std::span<const std::byte> bytes);

/// Lists the plain files; folders and extended headers are passed over. Names are unique. Source: POSIX.1-1988 (ustar).
[[nodiscard]] Result<std::vector<TarEntry>> readTarDirectory(std::span<const std::byte> file, const ReadLimits& limits);

} // namespace qscope::engine
