// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine::qasm3 {

namespace {

struct Constant {
    std::string_view name;
    double value;
};
constexpr Constant kConstants[] = {{"pi", std::numbers::pi},      {"π", std::numbers::pi}, {"tau", 2 * std::numbers::pi},
                                   {"τ", 2 * std::numbers::pi}, {"euler", std::numbers::e}, {"ℇ", std::numbers::e}};

struct FunctionName {
    std::string_view name;
    ClassicalOp op;
};
constexpr FunctionName kFunctions[] = {
    {"sin", ClassicalOp::Sin},       {"cos", ClassicalOp::Cos},         {"tan", ClassicalOp::Tan},
    {"arcsin", ClassicalOp::Arcsin}, {"arccos", ClassicalOp::Arccos},   {"arctan", ClassicalOp::Arctan},
    {"asin", ClassicalOp::Arcsin},   {"acos", ClassicalOp::Arccos},     {"atan", ClassicalOp::Arctan},
    {"exp", ClassicalOp::Exp},       {"log", ClassicalOp::Log},         {"sqrt", ClassicalOp::Sqrt},
    {"ceiling", ClassicalOp::Ceiling}, {"floor", ClassicalOp::Floor},   {"popcount", ClassicalOp::Popcount},
    {"mod", ClassicalOp::Modulo},    {"pow", ClassicalOp::Power},       {"rotl", ClassicalOp::RotateLeft},
    {"rotr", ClassicalOp::RotateRight}};

bool wholeDivision(const Value& a, const Value& b) {
    if (!a.known || !b.known || a.known->type.real() || b.known->type.real() || b.known->word == 0) return false;
    if (a.known->type.kind == ScalarKind::Angle || b.known->type.kind == ScalarKind::Angle) return false;
    return std::fmod(a.known->asDouble(), b.known->asDouble()) != 0;
}

} // namespace

/// `whole`: the value is used at once, before anything else can run.
std::optional<Value> Compiler::value(const Expression& expression, bool whole) {
    switch (expression.kind) {
    case ExpressionKind::Integer:
        if (expression.integer >> 63) return constant(Scalar{{ScalarKind::Uint, 64}, expression.integer, 0});
        return constant(Scalar::integer(static_cast<std::int64_t>(expression.integer)));
    case ExpressionKind::Real: return number(expression.real);
    case ExpressionKind::Boolean: return constant(Scalar::boolean(expression.integer != 0));
    case ExpressionKind::Timing: return constant(Scalar{{ScalarKind::Duration, 64}, 0, expression.real});
    case ExpressionKind::DurationOf:
        return constant(Scalar{{ScalarKind::Duration, 64}, 0, std::numeric_limits<double>::quiet_NaN()});
    case ExpressionKind::BitString: {
        Scalar bits{{ScalarKind::Bits, 0}, 0, 0};
        for (const char digit : expression.text) {
            if (digit == '_') continue;
            bits.word = bits.word << 1 | (digit == '1' ? 1u : 0u);
            ++bits.type.width;
        }
        if (bits.type.width <= 64) return constant(bits);
        error(expression.span, fmt::format("a string of {} bits; values have at most 64", bits.type.width));
        return std::nullopt;
    }
    case ExpressionKind::Name: return named(expression);
    case ExpressionKind::Index: return indexed(expression);
    case ExpressionKind::Call: return called(expression, whole);
    case ExpressionKind::Unary: {
        const auto inner = value(*expression.parts[0]);
        return inner ? checked(unary(expression.op, *inner), expression.span) : std::nullopt;
    }
    case ExpressionKind::Binary: {
        const auto left = value(*expression.parts[0]);
        const auto right = value(*expression.parts[1]);
        if (!left || !right) return std::nullopt;
        if (expression.op == ClassicalOp::Divide && wholeDivision(*left, *right))
            m_messages.once(Severity::Warning, expression.span,
                            fmt::format("line {}: the division of two whole numbers drops the remainder; write 1.0/2 for a half",
                                        expression.span.line));
        return checked(binary(expression.op, *left, *right), expression.span);
    }
    case ExpressionKind::Cast: {
        const auto inner = value(*expression.parts[0]);
        const auto type = inner ? typeOf(*expression.type) : std::nullopt;
        return type ? checked(cast(*inner, *type), expression.span) : std::nullopt;
    }
    case ExpressionKind::Measure: {
        const auto from = measured(*expression.parts[0]);
        if (!from) return std::nullopt;
        if (from->size() > 64) {
            error(expression.span, fmt::format("{} measured bits; values have at most 64", from->size()));
            return std::nullopt;
        }
        const int size = static_cast<int>(from->size());
        const int first = siteRegister(expression.span.begin, "_m", size);
        if (first < 0) return std::nullopt;
        for (int i = 0; i < size; ++i) emit({MeasureOp{(*from)[static_cast<std::size_t>(i)], first + i}, {}, {}});
        return operand({ClassicalOp::Bits, {ScalarKind::Bits, size}, first, {}});
    }
    case ExpressionKind::Imaginary: error(expression.span, "complex numbers are not simulated"); return std::nullopt;
    case ExpressionKind::HardwareQubit:
    case ExpressionKind::Set:
    case ExpressionKind::Range: break;
    }
    error(expression.span, "this is no value");
    return std::nullopt;
}

std::optional<Value> Compiler::kept(const Symbol& symbol, const SourceSpan& span) {
    Control control;
    control.kind = Control::Kind::External;
    control.label = symbol.what;
    emitControl(std::move(control), span);
    Variable unknown;
    unknown.name = {"unknown", span};
    unknown.type = symbol.type;
    if (unknown.type.kind == ScalarKind::Bits && unknown.type.width > 64) unknown.type.width = 64;
    give(unknown);
    if (unknown.slot < 0 && unknown.first < 0) return std::nullopt;
    return load(unknown);
}

std::optional<Value> Compiler::named(const Expression& expression) {
    Symbol* symbol = find(expression.text);
    if (!symbol) {
        for (const Constant& known : kConstants)
            if (known.name == expression.text) return number(known.value);
        unknownName({expression.text, expression.span}, "value");
        return std::nullopt;
    }
    if (symbol->kind == Symbol::Kind::Kept) return kept(*symbol, expression.span);
    if (symbol->kind == Symbol::Kind::Qubits) {
        error(expression.span, fmt::format("'{}' is made of qubits and has no value", expression.text), "measure it first");
        return std::nullopt;
    }
    if (symbol->variable.type.kind == ScalarKind::Bits && symbol->variable.type.width > 64) {
        error(expression.span, fmt::format("'{}' has {} bits; values have at most 64", expression.text, symbol->variable.type.width));
        return std::nullopt;
    }
    return load(symbol->variable);
}

std::optional<std::int64_t> Compiler::integer(const Expression& expression, const char* what) {
    const auto found = value(expression);
    if (!found) return std::nullopt;
    if (!found->known) {
        error(expression.span, fmt::format("{} must be known when the circuit is built; this depends on {}", what,
                                           found->measured ? "a measurement" : "an input"));
        return std::nullopt;
    }
    if (found->known->type.real() || found->known->type.kind == ScalarKind::Angle ||
        (found->known->type.kind == ScalarKind::Uint && found->known->word >> 63)) {
        error(expression.span, fmt::format("{} is a whole number, not {}", what, spelling(found->type)));
        return std::nullopt;
    }
    return found->known->asInteger();
}

std::optional<std::vector<std::int64_t>> Compiler::sequence(const Expression& range) {
    std::vector<std::int64_t> result;
    if (range.kind == ExpressionKind::Set) {
        for (const auto& part : range.parts) {
            const auto each = integer(*part, "what is looped over");
            if (!each) return std::nullopt;
            result.push_back(*each);
        }
        return result;
    }
    if (range.kind != ExpressionKind::Range || !range.parts[0] || !range.parts[2]) {
        error(range.span, "a loop goes over a range with both ends, [0:3], or a set, {1, 5}");
        return std::nullopt;
    }
    const auto start = integer(*range.parts[0], "a loop's range");
    const auto stop = integer(*range.parts[2], "a loop's range");
    const auto step = range.parts[1] ? integer(*range.parts[1], "a loop's step") : std::optional<std::int64_t>(1);
    if (!start || !stop || !step) return std::nullopt;
    if (*step == 0) {
        error(range.span, "a step of zero never arrives");
        return std::nullopt;
    }
    const auto distance = static_cast<double>(*stop) - static_cast<double>(*start);
    const double count = std::floor(distance / static_cast<double>(*step)) + 1;
    if (count > static_cast<double>(m_limits.operations)) {
        m_messages.fatal(range.span, fmt::format("this loop runs {:.4g} times; {} are the limit", count, m_limits.operations));
        return std::nullopt;
    }
    for (std::int64_t at = *start, left = std::max<std::int64_t>(static_cast<std::int64_t>(count), 0); left > 0; --left) {
        result.push_back(at);
        if (left > 1) at += *step;
    }
    return result;
}

std::optional<std::vector<int>> Compiler::picked(const Expression& index, int size, std::string_view of) {
    const auto inside = [&](std::int64_t at) -> std::optional<int> {
        // The last one is -1.
        const std::int64_t place = at < 0 ? at + size : at;
        if (place >= 0 && place < size) return static_cast<int>(place);
        error(index.span, fmt::format("'{}' has indices 0 to {}, not {}", of, size - 1, at));
        return std::nullopt;
    };
    std::vector<int> result;
    if (index.kind == ExpressionKind::Range) {
        const auto end = [&](const ExpressionPtr& part, std::int64_t otherwise) -> std::optional<int> {
            const auto at = part ? integer(*part, "an index") : std::optional(otherwise);
            return at ? inside(*at) : std::nullopt;
        };
        const auto step = index.parts[1] ? integer(*index.parts[1], "a step") : std::optional<std::int64_t>(1);
        if (!step) return std::nullopt;
        if (*step == 0) {
            error(index.span, "a step of zero never arrives");
            return std::nullopt;
        }
        const auto start = end(index.parts[0], *step > 0 ? 0 : -1);
        const auto stop = end(index.parts[2], *step > 0 ? -1 : 0);
        if (!start || !stop) return std::nullopt;
        if (!charge(static_cast<std::uint64_t>(size) / 64)) return std::nullopt;
        const std::int64_t stride = std::clamp<std::int64_t>(*step, -size, size);
        for (std::int64_t at = *start; stride > 0 ? at <= *stop : at >= *stop; at += stride) result.push_back(static_cast<int>(at));
        if (result.empty()) error(index.span, "this range is empty");
        return result.empty() ? std::nullopt : std::optional(std::move(result));
    }
    const auto add = [&](const Expression& one) {
        const auto at = integer(one, "an index");
        const auto place = at ? inside(*at) : std::nullopt;
        if (place) result.push_back(*place);
        return place.has_value();
    };
    if (index.kind != ExpressionKind::Set) return add(index) ? std::optional(std::move(result)) : std::nullopt;
    for (const auto& part : index.parts)
        if (!add(*part)) return std::nullopt;
    if (result.empty()) error(index.span, "this set is empty");
    return result.empty() ? std::nullopt : std::optional(std::move(result));
}

std::optional<Value> Compiler::indexed(const Expression& expression) {
    const Expression& base = *expression.parts[0];
    Symbol* symbol = base.kind == ExpressionKind::Name ? find(base.text) : nullptr;
    if (symbol && symbol->kind == Symbol::Kind::Kept) return kept(*symbol, expression.span);
    if (symbol && symbol->kind == Symbol::Kind::Qubits) {
        error(expression.span, fmt::format("'{}' is made of qubits and has no value", base.text), "measure it first");
        return std::nullopt;
    }
    if (expression.parts.size() > 2) {
        error(expression.span, "only arrays have several indices");
        return std::nullopt;
    }
    const Expression& index = *expression.parts[1];
    const bool stored = symbol && symbol->variable.type.kind == ScalarKind::Bits && !symbol->variable.known;
    std::optional<Value> whole;
    ScalarType type = stored ? symbol->variable.type : ScalarType{};
    if (!stored) {
        whole = value(base);
        if (!whole) return std::nullopt;
        type = whole->type;
        if (type.real() || type.kind == ScalarKind::Bool) {
            error(expression.span, fmt::format("{} has no bits to pick", spelling(type)));
            return std::nullopt;
        }
    }
    if (index.kind != ExpressionKind::Range && index.kind != ExpressionKind::Set) {
        const auto at = value(index);
        if (!at) return std::nullopt;
        if (!at->known) {
            // Only a run knows which bit.
            if (!whole) whole = value(base);
            const auto moved = whole ? checked(binary(ClassicalOp::ShiftRight, *whole, *at), expression.span) : std::nullopt;
            const auto raw = moved ? checked(cast(*moved, {ScalarKind::Bits, std::min(type.width, 64)}), expression.span) : std::nullopt;
            return raw ? checked(cast(*raw, {ScalarKind::Bits, 1}), expression.span) : std::nullopt;
        }
    }
    const auto places = picked(index, type.width, base.kind == ExpressionKind::Name ? base.text : "this value");
    if (!places) return std::nullopt;
    if (places->size() > 64) {
        error(expression.span, fmt::format("{} bits; values have at most 64", places->size()));
        return std::nullopt;
    }
    std::optional<Value> result;
    for (std::size_t i = 0; i < places->size();) {
        std::size_t end = i + 1; // a run of neighbours is one operand
        while (end < places->size() && (*places)[end] == (*places)[end - 1] + 1) ++end;
        const ScalarType part{ScalarKind::Bits, static_cast<int>(end - i)};
        std::optional<Value> next;
        if (stored) {
            next = operand({ClassicalOp::Bits, part, symbol->variable.first + (*places)[i], {}});
        } else {
            const auto raw = checked(cast(*whole, {ScalarKind::Bits, type.width}), expression.span);
            const auto by = constant(Scalar::integer((*places)[i]));
            const auto moved = raw ? checked(binary(ClassicalOp::ShiftRight, *raw, by), expression.span) : std::nullopt;
            next = moved ? checked(cast(*moved, part), expression.span) : std::nullopt;
        }
        if (next && result) result = checked(binary(ClassicalOp::Concatenate, *result, *next), expression.span);
        else result = std::move(next);
        if (!result) return std::nullopt;
        i = end;
    }
    return result;
}

std::optional<Value> Compiler::called(const Expression& expression, bool whole) {
    if (const auto function = m_functions.find(expression.text); function != m_functions.end()) {
        std::vector<const Expression*> arguments;
        for (const auto& part : expression.parts) arguments.push_back(part.get());
        return call(function->second, arguments, expression.span, whole);
    }
    if (expression.text == "sizeof" && !expression.parts.empty() && expression.parts.size() <= 2) {
        const Expression& of = *expression.parts[0];
        const Symbol* symbol = of.kind == ExpressionKind::Name ? find(of.text) : nullptr;
        const auto axis = expression.parts.size() == 2 ? integer(*expression.parts[1], "a dimension") : std::optional<std::int64_t>(0);
        if (!axis) return std::nullopt;
        if (symbol && symbol->kind == Symbol::Kind::Kept && *axis >= 0 && *axis < static_cast<std::int64_t>(symbol->extents.size()))
            return constant(Scalar::integer(symbol->extents[static_cast<std::size_t>(*axis)]));
        if (symbol && symbol->kind == Symbol::Kind::Kept && symbol->extents.empty()) return kept(*symbol, expression.span);
        error(expression.span, "'sizeof' takes an array and one of its dimensions");
        return std::nullopt;
    }
    for (const FunctionName& known : kFunctions) {
        if (known.name != expression.text) continue;
        const auto wanted = static_cast<std::size_t>(operandsOf(known.op));
        if (expression.parts.size() != wanted) {
            error(expression.span, fmt::format("'{}' takes {} value{}, not {}", known.name, wanted, wanted == 1 ? "" : "s",
                                               expression.parts.size()));
            return std::nullopt;
        }
        const auto first = value(*expression.parts[0]);
        const auto second = wanted == 2 ? value(*expression.parts[1]) : std::optional(number(0));
        if (!first || !second) return std::nullopt;
        return checked(wanted == 1 ? unary(known.op, *first) : binary(known.op, *first, *second), expression.span);
    }
    const bool gate = m_gates.contains(expression.text) || findGate(expression.text);
    error(expression.span, gate ? fmt::format("'{}' is a gate and has no value", expression.text)
                                : fmt::format("there is no function '{}'", expression.text.substr(0, 80)),
          expression.text == "ln" ? "'log'?" : "");
    return std::nullopt;
}

} // namespace qscope::engine::qasm3
