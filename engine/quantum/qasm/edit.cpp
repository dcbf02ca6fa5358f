// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/edit.h"

#include "engine/quantum/qasm/statements.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <set>

namespace qscope::engine {

namespace {

using qasm::callIn;
using qasm::statementAt;

bool version3(const Circuit& circuit) { return circuit.version.starts_with('3'); }

const SourceSpan& spanOf(const Circuit& circuit, std::size_t operation) { return circuit.operations[operation].span; }

std::string_view slice(std::string_view text, std::size_t begin, std::size_t end) {
    return text.substr(begin, end - begin);
}

/// Whether `qubit name;` declares one qubit without an index, or `bit name;` one bit.
bool isScalar(std::string_view text, std::string_view type, std::string_view name) {
    for (const auto& statement : statementsOf(text)) {
        const auto first = qasm::scanPart(text, statement.begin);
        const auto second = first ? qasm::scanPart(text, first->end) : std::nullopt;
        if (second && slice(text, first->begin, first->end) == type && slice(text, second->begin, second->end) == name)
            return true;
    }
    return false;
}

std::string elementText(std::string_view text, std::span<const Register> registers, std::string_view type, int index) {
    for (const auto& each : registers) {
        if (index < each.first || index >= each.first + each.size) continue;
        if (each.name == "$") return fmt::format("${}", index);
        if (each.size == 1 && isScalar(text, type, each.name)) return each.name;
        return fmt::format("{}[{}]", each.name, index - each.first);
    }
    return {};
}

std::string bitText(std::string_view text, const Circuit& circuit, int bit) {
    return elementText(text, circuit.cregs, "bit", bit);
}

std::string qubitList(std::string_view text, const Circuit& circuit, const std::vector<int>& qubits) {
    std::string list;
    for (const int qubit : qubits) list += (list.empty() ? "" : ", ") + qubitText(text, circuit, qubit);
    return list;
}

/// The statement that an operation comes from.
Result<StatementRange> statementOf(std::string_view text, const Circuit& circuit, std::size_t operation) {
    const auto found = statementAt(text, spanOf(circuit, operation).begin);
    if (!found)
        return fail(ErrorCode::Unsupported, "line {} cannot be edited from the drawing",
                    spanOf(circuit, operation).line);
    return *found;
}

/// The operations that a statement makes.
std::vector<std::size_t> operationsOf(const Circuit& circuit, const StatementRange& statement) {
    std::vector<std::size_t> made;
    for (std::size_t i = 0; i < circuit.operations.size(); ++i)
        if (const auto at = spanOf(circuit, i).begin; at >= statement.begin && at < statement.end) made.push_back(i);
    return made;
}

/// Refuses statements with a body: what is in it may run more than once.
Result<void> editable(std::string_view text, const Circuit& circuit, std::size_t operation,
                      const StatementRange& statement) {
    const auto& what = circuit.operations[operation].what;
    const bool block = std::ranges::count(slice(text, statement.begin, statement.end), '{') > 0;
    const auto first = qasm::scanPart(text, statement.begin);
    const auto word = first ? slice(text, first->begin, first->end) : std::string_view();
    if (std::holds_alternative<ControlOp>(what) || block || word == "for" || word == "while" ||
        (word == "if" && version3(circuit)))
        return fail(ErrorCode::Unsupported, "line {} makes this in a loop or a block: edit it in the text",
                    spanOf(circuit, operation).line);
    return {};
}

/// The statement of one operation, on these qubits: what surrounds its operands stays as written.
std::string rewritten(std::string_view text, const Circuit& circuit, std::size_t operation,
                      const StatementRange& statement, const std::vector<int>& qubits) {
    const auto& what = circuit.operations[operation].what;
    const std::string list = qubitList(text, circuit, qubits);
    // Of OpenQASM 2 the span begins behind a condition, which stays.
    const auto call = callIn(text, spanOf(circuit, operation).begin, statement.end);
    const std::string_view condition = slice(text, statement.begin, call.begin);
    if (const auto* measure = std::get_if<MeasureOp>(&what)) {
        const std::string bit = bitText(text, circuit, measure->clbit);
        const bool assigned =
            slice(text, statement.begin, statement.end).find('=') != std::string_view::npos && condition.empty();
        return assigned ? fmt::format("{} = measure {};", bit, list)
                        : fmt::format("{}measure {} -> {};", condition, list, bit);
    }
    return fmt::format("{}{} {};", condition, slice(text, call.begin, call.operands), list);
}

/// The range of a statement with the line it stands on alone.
TextEdit removal(std::string_view text, const StatementRange& statement) {
    std::size_t begin = statement.begin, end = statement.end;
    while (begin > 0 && (text[begin - 1] == ' ' || text[begin - 1] == '\t')) --begin;
    while (end < text.size() && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r')) ++end;
    const bool startsLine = begin == 0 || text[begin - 1] == '\n';
    const bool endsLine = end == text.size() || text[end] == '\n';
    if (startsLine && endsLine) return {begin, std::min(end + 1, text.size()), {}};
    return {statement.begin, startsLine ? end : statement.end, {}}; // a comment beside it stays
}

/// Where a new statement goes, and with which line ends.
TextEdit insertion(std::string_view text, const Circuit& circuit, std::size_t before, const std::string& statement) {
    if (before < circuit.operations.size())
        if (const auto next = statementAt(text, spanOf(circuit, before).begin))
            return {next->begin, next->begin, statement + "\n"};
    const auto all = statementsOf(text);
    std::size_t end = all.empty() ? text.size() : all.back().end;
    // Behind a comment on the last statement's line.
    if (const auto line = text.find('\n', end); !all.empty())
        if (const auto part = qasm::scanPart(text, end);
            part && part->kind == qasm::PartKind::Comment && part->begin < std::min(line, text.size()))
            end = part->end;
    return {end, end, "\n" + statement};
}

/// The first bit that no measurement goes to.
std::optional<int> freeBit(const Circuit& circuit) {
    std::set<int> used;
    for (const auto& operation : circuit.operations)
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) used.insert(measure->clbit);
    for (const auto& each : circuit.cregs)
        for (int bit = each.first; !each.local && bit < each.first + each.size; ++bit)
            if (!used.contains(bit)) return bit;
    return std::nullopt;
}

/// A register for measurements, behind the last declaration of one.
std::pair<TextEdit, std::string> newRegister(std::string_view text, const Circuit& circuit) {
    std::string name = "c";
    const auto taken = [&] {
        const auto same = [&](const Register& each) { return each.name == name; };
        return std::ranges::any_of(circuit.cregs, same) || std::ranges::any_of(circuit.qregs, same);
    };
    for (int i = 1; taken(); ++i) name = fmt::format("c{}", i);
    std::size_t end = 0;
    for (const auto& statement : statementsOf(text)) {
        const auto first = qasm::scanPart(text, statement.begin);
        const auto word = slice(text, first->begin, first->end);
        constexpr std::array kHeads{"OPENQASM", "include", "qreg", "creg", "qubit", "bit", "input"};
        if (std::ranges::find(kHeads, word) != kHeads.end()) end = statement.end;
    }
    const std::string declaration = version3(circuit) ? fmt::format("\nbit[{}] {};", circuit.qubits, name)
                                                      : fmt::format("\ncreg {}[{}];", name, circuit.qubits);
    return {{end, end, declaration}, name + "[0]"};
}

constexpr std::array<std::string_view, 19> kKnownWords{"pi",     "tau",    "euler", "sin",  "cos",  "tan",  "exp",
                                                       "ln",     "log",    "sqrt",  "asin", "acos", "atan", "arcsin",
                                                       "arccos", "arctan", "π",     "τ",    "ℇ"};

bool isLiteral(std::string_view text, const StatementRange& range) {
    const std::string_view until = text.substr(0, range.end);
    std::size_t at = range.begin;
    while (const auto part = qasm::scanPart(until, at)) {
        at = part->end;
        if (part->kind == qasm::PartKind::Word &&
            std::ranges::find(kKnownWords, slice(until, part->begin, at)) == kKnownWords.end())
            return false;
    }
    return true;
}

} // namespace

std::string applied(std::string_view text, std::vector<TextEdit> edits) {
    std::ranges::stable_sort(edits, std::greater(), &TextEdit::begin);
    std::string result(text);
    for (const auto& edit : edits) result.replace(edit.begin, edit.end - edit.begin, edit.text);
    return result;
}

std::string qubitText(std::string_view text, const Circuit& circuit, int qubit) {
    return elementText(text, circuit.qregs, "qubit", qubit);
}

std::vector<int> qubitsOf(const Operation& operation) {
    return std::visit(
        [](const auto& what) -> std::vector<int> {
            using What = std::decay_t<decltype(what)>;
            if constexpr (std::is_same_v<What, ControlOp>)
                return {};
            else if constexpr (std::is_same_v<What, MeasureOp> || std::is_same_v<What, ResetOp>)
                return {what.qubit};
            else
                return what.qubits;
        },
        operation.what);
}

Result<std::vector<TextEdit>> insertOperation(std::string_view text, const Circuit& circuit, std::size_t before,
                                              std::string_view gate, const std::vector<std::string>& parameters,
                                              const std::vector<int>& qubits) {
    const std::string list = qubitList(text, circuit, qubits);
    if (gate != "measure") {
        const std::string values = parameters.empty() ? "" : fmt::format("({})", fmt::join(parameters, ", "));
        return std::vector{insertion(text, circuit, before, fmt::format("{}{} {};", gate, values, list))};
    }
    std::vector<TextEdit> edits;
    std::string bit;
    if (const auto free = freeBit(circuit)) {
        bit = bitText(text, circuit, *free);
    } else {
        auto [declaration, first] = newRegister(text, circuit);
        edits.push_back(std::move(declaration));
        bit = std::move(first);
    }
    edits.push_back(insertion(text, circuit, before,
                              version3(circuit) ? fmt::format("{} = measure {};", bit, list)
                                                : fmt::format("measure {} -> {};", list, bit)));
    if (edits.size() == 2 && edits[0].begin == edits[1].begin) { // one after the other at the same place
        edits[0].text += edits[1].text;
        edits.pop_back();
    }
    return edits;
}

Result<std::vector<TextEdit>> removeOperation(std::string_view text, const Circuit& circuit, std::size_t operation) {
    QSCOPE_TRY(const auto statement, statementOf(text, circuit, operation));
    const auto made = operationsOf(circuit, statement);
    if (made.size() == 1) return std::vector{removal(text, statement)};
    QSCOPE_CHECK(editable(text, circuit, operation, statement));
    std::string rest;
    for (const std::size_t other : made)
        if (other != operation)
            rest += (rest.empty() ? "" : "\n") +
                    rewritten(text, circuit, other, statement, qubitsOf(circuit.operations[other]));
    return std::vector{TextEdit{statement.begin, statement.end, rest}};
}

Result<std::vector<TextEdit>> moveOperation(std::string_view text, const Circuit& circuit, std::size_t operation,
                                            std::size_t before, const std::vector<int>& qubits) {
    QSCOPE_TRY(const auto statement, statementOf(text, circuit, operation));
    const auto made = operationsOf(circuit, statement);
    const bool sameQubits = qubits == qubitsOf(circuit.operations[operation]);
    if (!sameQubits || made.size() > 1) QSCOPE_CHECK(editable(text, circuit, operation, statement));
    const std::string moved = sameQubits && made.size() == 1 ? std::string(slice(text, statement.begin, statement.end))
                                                             : rewritten(text, circuit, operation, statement, qubits);
    const bool stays = before == operation || before == operation + 1 ||
                       (before < circuit.operations.size() && spanOf(circuit, before).begin >= statement.begin &&
                        spanOf(circuit, before).begin < statement.end);
    if (stays && made.size() == 1) return std::vector{TextEdit{statement.begin, statement.end, moved}};
    QSCOPE_TRY(auto edits, removeOperation(text, circuit, operation));
    if (stays) { // out of a statement on whole registers: behind what is left of it
        edits.front().text += "\n" + moved;
        return edits;
    }
    edits.push_back(insertion(text, circuit, before, moved));
    return edits;
}

std::vector<LiteralAngle> literalAngles(std::string_view text, const Circuit& circuit, std::size_t operation) {
    const auto& what = circuit.operations[operation].what;
    const auto* gate = std::get_if<GateOp>(&what);
    const auto* own = std::get_if<CallOp>(&what);
    const auto statement = statementAt(text, spanOf(circuit, operation).begin);
    if (!statement || (!gate && !own) || !editable(text, circuit, operation, *statement)) return {};
    const auto& values = gate ? gate->parameters : own->parameters;
    const auto call = callIn(text, spanOf(circuit, operation).begin, statement->end);
    if (call.parameters.size() != values.size()) return {};
    std::vector<LiteralAngle> angles;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto& range = call.parameters[i];
        if (std::isfinite(values[i]) && isLiteral(text, range))
            angles.push_back({static_cast<int>(i), range.begin, range.end, values[i]});
    }
    return angles;
}

std::string writtenAngle(double radians) {
    constexpr std::int64_t kParts = 48;
    const double parts = radians / std::numbers::pi * kParts;
    const double whole = std::round(parts);
    if (std::abs(parts - whole) > 1e-9 || std::abs(whole) > 1e6) return fmt::format("{}", radians);
    const auto numerator = static_cast<std::int64_t>(whole);
    if (numerator == 0) return "0";
    const std::int64_t divisor = std::gcd(numerator, kParts);
    const std::int64_t above = numerator / divisor, below = kParts / divisor;
    const std::string text = above == 1 ? "pi" : above == -1 ? "-pi" : fmt::format("{}*pi", above);
    return below == 1 ? text : fmt::format("{}/{}", text, below);
}

} // namespace qscope::engine
