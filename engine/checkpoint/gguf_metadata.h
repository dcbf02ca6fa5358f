// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/metadata.h"
#include "engine/core/byte_reader.h"
#include "engine/core/memory_budget.h"
#include "engine/core/read_limits.h"

namespace qscope::engine {

/// What a model may still ask for, in all its parts. An item of one byte takes eight in memory, a pair of 14 bytes two
/// hundred.
struct MetadataBudget {
    explicit MetadataBudget(const ReadLimits& limits) : items(limits.arrayItems), depth(limits.nestingDepth) {}
    MemoryBudget memory{0};
    std::uint64_t pairs = 100'000; ///< real files have some dozens
    std::uint64_t items;           ///< of arrays
    int depth;
};

/// Reads one value of the given type number; what its arrays take goes off the budget.
[[nodiscard]] Result<MetadataValue> readMetadataValue(ByteReader& reader, std::uint32_t type, const ReadLimits& limits,
                                                      MetadataBudget& budget);

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
