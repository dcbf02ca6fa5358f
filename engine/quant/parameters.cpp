// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/parameters.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

namespace qscope::engine {

namespace {

bool isWord(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    });
}

/// The whole text as a number, or nothing.
template<class T>
std::optional<T> number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<bool> flag(std::string_view text) {
    if (text == "true" || text == "1") return true;
    if (text == "false" || text == "0") return false;
    return std::nullopt;
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

/// Exact for every bound in a table: whole numbers without a point.
std::string bound(double value) { return fmt::format("{:.15g}", value); }

Result<ParamValue> parsed(const ParamSpec& spec, const std::string& text) {
    const auto outside = [&] {
        return fail(ErrorCode::OutOfRange, "{}={} is not from {} to {}", spec.key, text, bound(spec.minimum),
                    bound(spec.maximum));
    };
    switch (spec.type) {
    case ParamType::Flag: {
        const auto value = flag(text);
        if (!value) return fail(ErrorCode::OutOfRange, "{}={} is neither true nor false", spec.key, text);
        return ParamValue(*value);
    }
    case ParamType::Integer: {
        const auto value = number<std::int64_t>(text);
        if (!value) return fail(ErrorCode::OutOfRange, "{}={} is not a whole number", spec.key, text);
        if (static_cast<double>(*value) < spec.minimum || static_cast<double>(*value) > spec.maximum) return outside();
        return ParamValue(*value);
    }
    case ParamType::Real: {
        const auto value = number<double>(text);
        if (!value || !std::isfinite(*value)) return fail(ErrorCode::OutOfRange, "{}={} is not a number", spec.key, text);
        if (*value < spec.minimum || *value > spec.maximum) return outside();
        return ParamValue(*value);
    }
    case ParamType::Choice:
        if (!spec.choices.empty() && std::find(spec.choices.begin(), spec.choices.end(), text) == spec.choices.end())
            return fail(ErrorCode::OutOfRange, "{}={} is none of {}", spec.key, text, joined(spec.choices));
        return ParamValue(text);
    }
    return fail(ErrorCode::OutOfRange, "{} has no type", spec.key);
}

} // namespace

namespace {

/// One method of a chain.
Result<MethodSpec> parseStep(std::string_view text) {
    const auto malformed = [&](std::string_view what) {
        return fail(ErrorCode::OutOfRange, "method '{}': {}; expected id or id:key=value,key=value", text, what);
    };
    const auto colon = text.find(':');
    MethodSpec spec;
    spec.id = text.substr(0, colon);
    if (!isWord(spec.id)) return malformed("the id is missing or has other characters than letters, digits, _ - .");
    if (colon == std::string_view::npos) return spec;
    std::string_view rest = text.substr(colon + 1);
    while (true) {
        const auto comma = rest.find(',');
        const std::string_view pair = rest.substr(0, comma);
        const auto equals = pair.find('=');
        if (equals == std::string_view::npos) return malformed(fmt::format("'{}' has no '='", pair));
        const std::string key(pair.substr(0, equals));
        const std::string value(pair.substr(equals + 1));
        if (!isWord(key)) return malformed(fmt::format("'{}' has no key", pair));
        if (value.empty()) return malformed(fmt::format("'{}' has no value", pair));
        if (!spec.parameters.emplace(key, value).second) return malformed(fmt::format("'{}' is given twice", key));
        if (comma == std::string_view::npos) return spec;
        rest.remove_prefix(comma + 1);
    }
}

/// Where the next step of a chain begins: behind a '+' that a letter follows ("1e+5" is a number).
std::size_t endOfStep(std::string_view text) {
    for (std::size_t at = text.find('+'); at != text.npos; at = text.find('+', at + 1))
        if (at + 1 == text.size() || std::isalpha(static_cast<unsigned char>(text[at + 1])) != 0) return at;
    return text.npos;
}

} // namespace

std::vector<std::string> stepsOf(std::string_view id) {
    std::vector<std::string> steps;
    while (true) {
        const auto plus = id.find('+');
        steps.emplace_back(id.substr(0, plus));
        if (plus == id.npos) return steps;
        id.remove_prefix(plus + 1);
    }
}

Result<MethodSpec> parseMethodSpec(std::string_view text) {
    if (endOfStep(text) == text.npos) return parseStep(text);
    MethodSpec chain;
    for (std::string_view rest = text;;) {
        const std::size_t end = endOfStep(rest);
        QSCOPE_TRY(const MethodSpec step, parseStep(rest.substr(0, end)));
        chain.id += (chain.id.empty() ? "" : "+") + step.id;
        for (const auto& [key, value] : step.parameters) chain.parameters.emplace(step.id + "." + key, value);
        if (end == rest.npos) return chain;
        rest.remove_prefix(end + 1);
    }
}

std::string toText(const MethodSpec& spec) {
    std::string text;
    const auto steps = stepsOf(spec.id);
    for (const std::string& step : steps) {
        text += (text.empty() ? "" : "+") + step;
        const std::string prefix = steps.size() == 1 ? "" : step + ".";
        char separator = ':';
        for (const auto& [key, value] : spec.parameters) {
            if (!key.starts_with(prefix)) continue;
            text += fmt::format("{}{}={}", separator, key.substr(prefix.size()), value);
            separator = ',';
        }
    }
    return text;
}

Result<ParamValues> resolveParameters(const std::vector<ParamSpec>& table, const MethodSpec& spec) {
    ParamValues values;
    std::vector<std::string> known;
    for (const ParamSpec& row : table) {
        known.push_back(row.key);
        values[row.key] = row.defaultValue;
    }
    for (const auto& entry : spec.parameters) {
        const std::string& key = entry.first;
        const auto row = std::find_if(table.begin(), table.end(), [&](const ParamSpec& r) { return r.key == key; });
        if (row == table.end()) {
            if (known.empty()) return fail(ErrorCode::OutOfRange, "{}: '{}' is unknown, it has no parameters", spec.id, key);
            return fail(ErrorCode::OutOfRange, "{}: '{}' is unknown, it has {}", spec.id, key, joined(known));
        }
        auto value = parsed(*row, entry.second);
        if (!value) return during(std::move(value).error(), spec.id);
        values[key] = *std::move(value);
    }
    return values;
}

std::string toText(const ParamValue& value) {
    return std::visit([](const auto& held) { return fmt::format("{}", held); }, value);
}

} // namespace qscope::engine
