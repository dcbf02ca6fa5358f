// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/core/memory_budget.h"
#include "engine/core/read_limits.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>

namespace qscope::engine {

/// A llama2.c tokenizer file as tokenizer.ggml.* metadata: nothing unless it holds exactly `vocabulary` tokens and
/// not a byte more, in memory of the budget, to which the file is added.
[[nodiscard]] std::optional<Metadata> parseLlama2cTokenizer(std::span<const std::byte> file, std::int64_t vocabulary,
                                                            MemoryBudget budget = MemoryBudget(0));

/// The first fitting one beside a model: tokenizer.bin, then *tok*.bin by name. `used` gets its file name.
[[nodiscard]] std::optional<Metadata> llama2cTokenizerBeside(const std::filesystem::path& model, std::int64_t vocabulary,
                                                             MemoryBudget budget, const ReadLimits& limits, std::string& used);

} // namespace qscope::engine
