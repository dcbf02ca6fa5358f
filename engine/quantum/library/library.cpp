// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/library/library.h"

#include "engine/quantum/library/groups.h"
#include "engine/quantum/qasm/spelling.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace qscope::engine {

namespace {

template<class T>
std::optional<T> number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// "(did you mean 'x'? )there is a, b, c"
std::string hint(std::string_view word, const std::vector<std::string_view>& known) {
    if (known.empty()) return "it has none";
    const std::string close = qasm::closestName(word, known);
    return fmt::format("{}there is {}", close.empty() ? "" : fmt::format("did you mean '{}'? ", close),
                       fmt::join(known, ", "));
}

Result<LibraryValue> parsed(const LibraryParameter& parameter, const std::string& text) {
    const auto wrong = [&](std::string_view what) {
        return fail(ErrorCode::OutOfRange, "{}={} {}", parameter.key, text, what);
    };
    const auto outside = [&](double value) { return !(value >= parameter.minimum && value <= parameter.maximum); };
    const std::string range = fmt::format("is not from {:.15g} to {:.15g}", parameter.minimum, parameter.maximum);
    if (std::holds_alternative<bool>(parameter.byDefault)) {
        if (text == "true" || text == "1") return true;
        if (text == "false" || text == "0") return false;
        return wrong("is neither true nor false");
    }
    if (std::holds_alternative<std::int64_t>(parameter.byDefault)) {
        const auto value = number<std::int64_t>(text);
        if (!value) return wrong("is not a whole number");
        if (outside(static_cast<double>(*value))) return wrong(range);
        return *value;
    }
    if (std::holds_alternative<double>(parameter.byDefault)) {
        const auto value = number<double>(text);
        if (!value) return wrong("is not a number");
        if (outside(*value)) return wrong(range);
        return *value;
    }
    if (std::ranges::find(parameter.choices, text) == parameter.choices.end())
        return wrong(fmt::format("is none of {}", fmt::join(parameter.choices, ", ")));
    return text;
}

Result<LibraryValues> resolved(const LibraryCircuit& circuit, const LibrarySpec& spec) {
    std::map<std::string, LibraryValue, std::less<>> values;
    for (const auto& parameter : circuit.parameters) values.emplace(parameter.key, parameter.byDefault);
    for (const auto& entry : spec.parameters) {
        const auto row = std::ranges::find(circuit.parameters, entry.first, &LibraryParameter::key);
        if (row == circuit.parameters.end()) {
            std::vector<std::string_view> known;
            for (const auto& parameter : circuit.parameters) known.push_back(parameter.key);
            return fail(ErrorCode::OutOfRange, "{} has no parameter '{}'; {}", circuit.id, entry.first,
                        hint(entry.first, known));
        }
        QSCOPE_TRY(auto value, parsed(*row, entry.second));
        values.insert_or_assign(row->key, std::move(value));
    }
    return LibraryValues(std::move(values));
}

/// What the comment says: only parameters that differ from their defaults.
std::string shortSpec(const LibraryCircuit& circuit, const LibrarySpec& spec) {
    LibrarySpec written{circuit.id, {}};
    for (const auto& parameter : circuit.parameters) {
        const auto given = spec.parameters.find(parameter.key);
        if (given != spec.parameters.end() && given->second != valueText(parameter.byDefault))
            written.parameters.insert(*given);
    }
    return toText(written);
}

} // namespace

std::span<const LibraryCircuit> circuitLibrary() {
    static const std::vector<LibraryCircuit> all = [] {
        std::vector<LibraryCircuit> circuits;
        for (const auto group : {library::states, library::fourierTransforms, library::oracles, library::orderFinding,
                                 library::communication, library::codes, library::variational})
            for (auto& circuit : group()) circuits.push_back(std::move(circuit));
        return circuits;
    }();
    return all;
}

const LibraryCircuit* findLibraryCircuit(std::string_view id) {
    const auto all = circuitLibrary();
    const auto found = std::ranges::find(all, id, &LibraryCircuit::id);
    return found == all.end() ? nullptr : &*found;
}

Result<LibrarySpec> parseLibrarySpec(std::string_view text) {
    const auto malformed = [&](std::string_view what) {
        return fail(ErrorCode::OutOfRange, "'{}': {}; expected a circuit, or circuit:key=value,key=value",
                    text.substr(0, 200), what);
    };
    const auto colon = text.find(':');
    LibrarySpec spec{std::string(text.substr(0, colon)), {}};
    if (spec.id.empty()) return malformed("no circuit is named");
    if (colon == text.npos) return spec;
    for (std::string_view rest = text.substr(colon + 1);;) {
        const auto comma = rest.find(',');
        const auto pair = rest.substr(0, comma);
        const auto equals = pair.find('=');
        if (equals == pair.npos || equals == 0 || equals + 1 == pair.size())
            return malformed(fmt::format("'{}' is no key=value", pair));
        const std::string key(pair.substr(0, equals));
        if (!spec.parameters.emplace(key, pair.substr(equals + 1)).second)
            return malformed(fmt::format("'{}' is given twice", key));
        if (comma == rest.npos) return spec;
        rest.remove_prefix(comma + 1);
    }
}

std::string toText(const LibrarySpec& spec) {
    std::string text = spec.id;
    char separator = ':';
    for (const auto& [key, value] : spec.parameters) {
        text += fmt::format("{}{}={}", separator, key, value);
        separator = ',';
    }
    return text;
}

std::string valueText(const LibraryValue& value) {
    return std::visit([](const auto& held) { return fmt::format("{}", held); }, value);
}

Result<std::string> libraryProgram(const LibrarySpec& spec) {
    const LibraryCircuit* circuit = findLibraryCircuit(spec.id);
    if (!circuit) {
        std::vector<std::string_view> known;
        for (const auto& entry : circuitLibrary()) known.push_back(entry.id);
        return fail(ErrorCode::OutOfRange, "the library has no circuit '{}'; {}", spec.id, hint(spec.id, known));
    }
    QSCOPE_TRY(const auto values, resolved(*circuit, spec));
    QSCOPE_TRY(const std::string statements, circuit->generate(values));
    return fmt::format("// {} ({})\n// {}\n// {}\n{}", circuit->name, shortSpec(*circuit, spec), circuit->summary,
                       circuit->reference, statements);
}

} // namespace qscope::engine
