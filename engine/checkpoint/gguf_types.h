// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/dtype.h"

#include <cstdint>
#include <optional>

namespace qscope::engine {

// Numbers of GGUF files (formats.md, sections 1 and 2).

inline constexpr std::uint64_t kGgufAlignment = 32;
inline constexpr std::uint64_t kGgufNameBytes = 63; ///< the public runtime keeps names in 64 bytes with their end mark
inline constexpr std::size_t kGgufRank = 4;

[[nodiscard]] std::optional<DType> dtypeFromGguf(std::uint32_t id);
[[nodiscard]] std::optional<std::uint32_t> ggufId(DType type);
/// Ids that older files used and that mean nothing now.
[[nodiscard]] bool ggufIdWasRemoved(std::uint32_t id);

/// `general.file_type` of a file whose matrices are mostly of this type, or nothing when there is no such number.
[[nodiscard]] std::optional<std::uint32_t> ggufFileType(DType type);

} // namespace qscope::engine
