// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/memory_budget.h"
#include "engine/core/read_limits.h"

#include <span>

namespace qscope::engine {

/// The sizes at the front of a llama2.c file, and which of the three layouts follows.
struct Llama2cHeader {
    int version = 0;            ///< 0 has no magic number, 2 holds codes of eight bits
    ModelConfig config;
    std::int64_t groupSize = 0; ///< codes per scale, in version 2
    std::uint64_t bytes = 0;    ///< of the header
};

inline constexpr std::size_t kLlama2cHeaderBytes = 256; ///< at most
/// Whether the first bytes (256 suffice) have the magic number, or sizes as only version 0 begins with.
[[nodiscard]] bool looksLikeLlama2c(std::span<const std::byte> start);

/// Reads the header at the front of `file`. Malformed when a transformer cannot have such sizes.
[[nodiscard]] Result<Llama2cHeader> readLlama2cHeader(std::span<const std::byte> file);

/// Lists the tensors by Hugging Face's names, in file order; the file has exactly the size that follows from the header.
/// Matrices of version 2 are listed whole and then as codes and scales. See formats.md, section 9.
[[nodiscard]] Result<std::vector<TensorInfo>> listLlama2c(const Llama2cHeader& header, const std::shared_ptr<const MappedFile>& file,
                                                          MemoryBudget& budget, const ReadLimits& limits);

} // namespace qscope::engine
