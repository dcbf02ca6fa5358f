// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/memory_budget.h"
#include "engine/core/read_limits.h"

#include <cstddef>
#include <span>

namespace qscope::engine {

/// The header of one safetensors file; offsets of the tensors count from the start of the file.
struct SafetensorsHeader {
    std::vector<TensorInfo> tensors; ///< in the header's order, `file` left 0
    Metadata metadata;
};

/// Reads the header of a file given whole. The tensors tile the data exactly: no hole, no overlap, no trailing byte.
[[nodiscard]] Result<SafetensorsHeader> parseSafetensorsHeader(std::span<const std::byte> file, MemoryBudget& budget,
                                                               const ReadLimits& limits);

} // namespace qscope::engine
