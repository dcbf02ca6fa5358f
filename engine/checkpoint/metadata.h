// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace qscope::engine {

/// The value types of GGUF metadata, with its numbers (formats.md, section 1); other formats use the widest that fits.
enum class MetadataType : std::uint8_t {
    U8 = 0, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64
};

/// A typed value. Arrays hold one element type in `elementType`; integers are widened in memory and narrowed on writing.
struct MetadataValue {
    MetadataType type = MetadataType::String;
    MetadataType elementType = MetadataType::String; ///< of an array
    std::variant<std::string, std::int64_t, std::uint64_t, double, bool, std::vector<std::string>,
                 std::vector<std::int64_t>, std::vector<std::uint64_t>, std::vector<double>, std::vector<bool>,
                 std::vector<MetadataValue>> ///< the last: an array of arrays
        value;

    friend bool operator==(const MetadataValue&, const MetadataValue&) = default;
};

/// Key and value in file order. Keys are unique.
using Metadata = std::vector<std::pair<std::string, MetadataValue>>;

[[nodiscard]] const MetadataValue* find(const Metadata& metadata, std::string_view key);

/// For people: arrays as "[2048 strings]", long text cut.
[[nodiscard]] std::string describe(const MetadataValue& value);

} // namespace qscope::engine
