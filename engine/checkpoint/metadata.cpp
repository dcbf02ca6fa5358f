// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/checkpoint/metadata.h"

#include "engine/checkpoint/catalogue.h"

#include <fmt/format.h>

#include <algorithm>

namespace qscope::engine {

namespace {

std::string_view itemWord(MetadataType type) {
    switch (type) {
    case MetadataType::String: return "strings";
    case MetadataType::Bool: return "flags";
    case MetadataType::F32:
    case MetadataType::F64: return "numbers";
    case MetadataType::Array: return "arrays";
    default: return "integers";
    }
}

} // namespace

const MetadataValue* find(const Metadata& metadata, std::string_view key) {
    const auto found = std::ranges::find(metadata, key, &Metadata::value_type::first);
    return found == metadata.end() ? nullptr : &found->second;
}

std::string describe(const MetadataValue& value) {
    return std::visit(
        [&](const auto& held) -> std::string {
            using T = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<T, std::string>) return printable(held, 200);
            else if constexpr (std::is_same_v<T, bool>) return held ? "true" : "false";
            else if constexpr (std::is_same_v<T, double>) // a single-precision value in its own shortest digits
                return value.type == MetadataType::F32 ? fmt::format("{}", static_cast<float>(held))
                                                       : fmt::format("{}", held);
            else if constexpr (std::is_integral_v<T>) return fmt::format("{}", held);
            else return fmt::format("[{} {}]", held.size(), itemWord(value.elementType));
        },
        value.value);
}

} // namespace qscope::engine
