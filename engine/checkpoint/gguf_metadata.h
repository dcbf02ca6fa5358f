// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/core/byte_reader.h"
#include "engine/core/read_limits.h"

namespace qscope::engine {

/// Reads one value of the given type number. Arrays of arrays are Unsupported.
[[nodiscard]] Result<MetadataValue> readMetadataValue(ByteReader& reader, std::uint32_t type, const ReadLimits& limits);

/// A string: length, then bytes; at most `maximumBytes`.
[[nodiscard]] Result<std::string_view> readGgufText(ByteReader& reader, std::uint64_t maximumBytes);

/// Appends the value's type number and bytes. OutOfRange when a number does not fit in its type.
[[nodiscard]] Result<void> appendMetadataValue(std::string& bytes, const MetadataValue& value);
void appendGgufText(std::string& bytes, std::string_view text);

/// Appends a value's bytes as they lie in memory (little-endian).
template<class T>
void appendValue(std::string& bytes, T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

} // namespace qscope::engine
