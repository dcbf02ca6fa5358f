// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/json.h"
#include "engine/core/result.h"

#include <cassert>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace qscope::engine {

using ParamValue = std::variant<bool, std::int64_t, double, std::string>;

enum class ParamType : std::uint8_t { Flag, Integer, Real, Choice };

/// One parameter of a method, as data: the form, the flags, the JSON, the checks and the help come from it.
struct ParamSpec {
    std::string key;
    std::string label; ///< in forms: "Group size"
    ParamType type = ParamType::Integer;
    ParamValue defaultValue;
    double minimum = 0; ///< numbers only, inclusive
    double maximum = 0;
    std::vector<std::string> choices; ///< Choice only; none: any text, such as a path
    std::string help;
    std::string unit;
};

/// A value for every parameter of a method, checked against its table.
using ParamValues = std::map<std::string, ParamValue, std::less<>>;

/// The value of a key of the method's own table, as the type that the table gives it.
template<class T>
[[nodiscard]] const T& valueOf(const ParamValues& values, std::string_view key) {
    const auto found = values.find(key);
    assert(found != values.end());
    return std::get<T>(found->second);
}

/// What the user wrote: a method and the parameters that differ from their defaults, as text. A chain of methods has the id
/// "smooth+gptq+lorc" and keys with the step's id in front, "gptq.bits".
struct MethodSpec {
    std::string id;
    std::map<std::string, std::string> parameters;

    friend bool operator==(const MethodSpec&, const MethodSpec&) = default;
};

/// The ids of a chain's methods; of one method, its own.
[[nodiscard]] std::vector<std::string> stepsOf(std::string_view id);

/// "rtn:bits=4,group=128" or "smooth:alpha=0.5+gptq:bits=3+lorc", and back. OutOfRange with a hint for text that has no such form.
[[nodiscard]] Result<MethodSpec> parseMethodSpec(std::string_view text);
[[nodiscard]] std::string toText(const MethodSpec& spec);

/// Fills in defaults and checks types, ranges and choices; an unknown key is an error that names the known ones.
[[nodiscard]] Result<ParamValues> resolveParameters(const std::vector<ParamSpec>& table, const MethodSpec& spec);

[[nodiscard]] std::string toText(const ParamValue& value);

} // namespace qscope::engine
