// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/memory_budget.h"
#include "engine/core/read_limits.h"
#include "engine/core/result.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string_view>

namespace qscope {

/// JSON that keeps the order of its keys, as files are written for people.
using Json = nlohmann::ordered_json;

/// Parses untrusted JSON: bounded depth, no duplicate keys, valid UTF-8; Malformed says where. Unsupported when the
/// document would take more memory than a file of the text's size may.
[[nodiscard]] Result<Json> parseJson(std::string_view text, const ReadLimits& limits = {});

enum class JsonPairs : std::uint8_t { Keep, Join };
/// The same with the memory on another's account. With `Join` a list of two texts in a list becomes one text, with a blank
/// between them: tokenizers hold a million such pairs, which take four times the room.
[[nodiscard]] Result<Json> parseJson(std::string_view text, const ReadLimits& limits, MemoryBudget& budget,
                                     JsonPairs pairs = JsonPairs::Keep);

/// Reads and parses a whole file (at most `limits.headerBytes` long).
[[nodiscard]] Result<Json> readJsonFile(const std::filesystem::path& path, const ReadLimits& limits = {});

/// The same on another's account, to which the file's size is added.
[[nodiscard]] Result<Json> readJsonFile(const std::filesystem::path& path, const ReadLimits& limits, MemoryBudget& budget,
                                        JsonPairs pairs = JsonPairs::Keep);

/// Reads and parses a configuration or the like beside a checkpoint: memory for it is little.
[[nodiscard]] Result<Json> readSideJson(const std::filesystem::path& path, const ReadLimits& limits);

} // namespace qscope
