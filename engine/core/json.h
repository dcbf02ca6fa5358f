// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/core/result.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string_view>

namespace qscope {

/// JSON that keeps the order of its keys, as files are written for people.
using Json = nlohmann::ordered_json;

/// Parses untrusted JSON: bounded depth, no duplicate keys, valid UTF-8; Malformed says where.
[[nodiscard]] Result<Json> parseJson(std::string_view text, const ReadLimits& limits = {});

/// Reads and parses a whole file (at most `limits.headerBytes` long).
[[nodiscard]] Result<Json> readJsonFile(const std::filesystem::path& path, const ReadLimits& limits = {});

} // namespace qscope
