// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/reader.h"

#include <cstddef>
#include <cstdint>

namespace qscope::test {

/// What holds for a reader and any bytes: they open, or the error is Malformed or Unsupported and one line long. What opens
/// is consistent, and when it is written and read again it is the same. Aborts otherwise.
void checkReader(const engine::CheckpointReader& reader, const std::uint8_t* data, std::size_t size);
/// The same of a file, which may belong to others.
void checkPath(const engine::CheckpointReader& reader, const std::filesystem::path& path);
/// What holds for the error of any reader of untrusted bytes.
void checkError(const Error& error);

} // namespace qscope::test
