// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace qscope::engine {

using LibraryValue = std::variant<bool, std::int64_t, double, std::string>;

/// One parameter of a ready circuit, as data: forms, checks and help come from it. Its type is that of its default;
/// a text is one of `choices`.
struct LibraryParameter {
    std::string key;
    std::string label; ///< in forms: "Marked entry"
    LibraryValue byDefault;
    double minimum = 0; ///< of numbers, inclusive
    double maximum = 0;
    std::vector<std::string> choices = {};
    std::string help = {};
    std::string unit = {};
};

/// A value for every parameter of a circuit, checked against its table.
class LibraryValues {
public:
    explicit LibraryValues(std::map<std::string, LibraryValue, std::less<>> values)
        : m_values(std::move(values)) {}
    [[nodiscard]] bool flag(std::string_view key) const { return std::get<bool>(m_values.find(key)->second); }
    [[nodiscard]] int integer(std::string_view key) const {
        return static_cast<int>(std::get<std::int64_t>(m_values.find(key)->second));
    }
    [[nodiscard]] double real(std::string_view key) const { return std::get<double>(m_values.find(key)->second); }
    [[nodiscard]] const std::string& choice(std::string_view key) const {
        return std::get<std::string>(m_values.find(key)->second);
    }

private:
    std::map<std::string, LibraryValue, std::less<>> m_values;
};

/// A circuit that the library makes from its parameters.
struct LibraryCircuit {
    std::string id;        ///< "grover"
    std::string name;      ///< "Grover's search"
    std::string group;     ///< "Search and oracles"
    std::string summary;   ///< what it does and what comes out, a sentence or two
    std::string reference; ///< authors, title, year
    std::vector<LibraryParameter> parameters;
    /// The statements as OpenQASM; OutOfRange for values that do not go together.
    std::function<Result<std::string>(const LibraryValues&)> generate;
};

/// All circuits, those of a group next to each other.
[[nodiscard]] std::span<const LibraryCircuit> circuitLibrary();
/// Null when there is none.
[[nodiscard]] const LibraryCircuit* findLibraryCircuit(std::string_view id);

/// What the user wrote: a circuit and the parameters that differ from their defaults, as text.
struct LibrarySpec {
    std::string id;
    std::map<std::string, std::string> parameters = {};
};
/// "grover:qubits=4,marked=5", and back. OutOfRange for text that has no such form.
[[nodiscard]] Result<LibrarySpec> parseLibrarySpec(std::string_view text);
[[nodiscard]] std::string toText(const LibrarySpec& spec);
[[nodiscard]] std::string valueText(const LibraryValue& value);

/// The circuit as a program that `parseQasm` reads: a comment that says what it is, then the statements. OutOfRange,
/// naming what there is, for an unknown circuit or parameter and for values outside their ranges.
[[nodiscard]] Result<std::string> libraryProgram(const LibrarySpec& spec);

} // namespace qscope::engine
