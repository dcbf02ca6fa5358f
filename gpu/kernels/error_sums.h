// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Sums per workgroup: a², (a - b)², a b, b², and the largest |a - b|.
inline constexpr std::uint32_t kErrorSums = 5;

/// How many workgroups share `elements` pairs; `sums` holds kErrorSums sums for each.
[[nodiscard]] std::uint32_t errorSumGroups(std::uint32_t elements);

/// Sums over pairs of singles; read with `readSums` and add up the workgroups.
void errorSums(Recorder& recorder, const Device& device, std::uint32_t elements, const Buffer& a, const Buffer& b,
               const Buffer& sums);

} // namespace qscope::gpu
