// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/spelling.h"
#include "engine/quantum/qasm3/compiler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace qscope::engine::qasm3 {

namespace {

const char* plural(std::size_t count) { return count == 1 ? "" : "s"; }

/// What the version's `stdgates.inc` holds, and nothing else. Source: OpenQASM 3 standard library.
constexpr std::string_view kStandard[] = {"p",   "x",   "y",   "z",    "h",  "s",     "sdg", "t",  "tdg", "sx", "rx", "ry", "rz",
                                          "cx",  "cy",  "cz",  "cp",   "crx", "cry",  "crz", "ch", "swap", "ccx", "cswap", "cu",
                                          "CX",  "phase", "cphase", "id", "u1", "u2", "u3"};

std::string_view tableName(std::string_view name) { return name == "phase" ? "p" : name == "cphase" ? "cp" : name; }

/// The phase that the language gives a gate beyond the table's: U is e^{i theta/2} times the table's, u2 and u3 have
/// determinant 1 (quantum_conventions.md, 2).
Result<Value> extraPhase(std::string_view name, const std::vector<Value>& parameters) {
    if (name == "U") return binary(ClassicalOp::Multiply, number(0.5), parameters[0]);
    if (name != "u2" && name != "u3") return number(0);
    const std::size_t first = name == "u2" ? 0 : 1;
    QSCOPE_TRY(const Value sum, binary(ClassicalOp::Add, parameters[first], parameters[first + 1]));
    return binary(ClassicalOp::Multiply, number(-0.5), sum);
}

} // namespace

const GateInfo* Compiler::tableGate(const Name& name) {
    const GateInfo* info = findGate(tableName(name.text));
    if (!info || name.text == "delay") return nullptr;
    if (name.text == "U") return info;
    if (std::ranges::find(kStandard, name.text) == std::end(kStandard))
        m_messages.once(Severity::Warning, name.span,
                        fmt::format("'{}' is not part of \"stdgates.inc\"; its usual definition is used", name.text));
    else if (!m_included)
        m_messages.once(Severity::Warning, name.span, "gates of \"stdgates.inc\" are used without including it");
    return info;
}

std::optional<Compiler::Shape> Compiler::shapeOf(const Name& name) {
    if (name.text == "gphase") return Shape{1, 0};
    if (const auto own = m_gates.find(name.text); own != m_gates.end())
        return Shape{own->second.source.parameters.size(), own->second.source.qubits.size(), own->second.count};
    if (const GateInfo* info = tableGate(name))
        return Shape{static_cast<std::size_t>(info->parameters), static_cast<std::size_t>(info->qubits)};
    std::vector<std::string_view> known(std::begin(kStandard), std::end(kStandard));
    if (m_gates.size() <= 1000)
        for (const auto& [id, gate] : m_gates) known.push_back(id);
    for (const auto& [id, function] : m_functions) known.push_back(id);
    std::ranges::sort(known);
    std::string closest = qasm::closestName(name.text, known);
    if (!closest.empty()) closest = fmt::format("'{}'?", closest);
    error(name.span, fmt::format("there is no gate '{}'", name.text.substr(0, 80)), std::move(closest));
    return std::nullopt;
}

std::optional<std::vector<std::pair<Modifier::Kind, double>>> Compiler::modifiersOf(const GateCall& call, std::size_t& controls) {
    constexpr std::size_t kMostControls = 1000;
    std::vector<std::pair<Modifier::Kind, double>> result;
    if (call.modifiers.size() > static_cast<std::size_t>(m_limits.nestingDepth)) {
        error(call.gate.span, fmt::format("{} modifiers on one gate; {} are the limit", call.modifiers.size(), m_limits.nestingDepth));
        return std::nullopt;
    }
    for (const Modifier& modifier : call.modifiers) {
        double amount = 1;
        if (modifier.kind == Modifier::Kind::Power) {
            const auto given = value(*modifier.argument);
            const auto exponent = given ? checked(cast(*given, {}), modifier.argument->span) : std::nullopt;
            if (!exponent) return std::nullopt;
            if (!exponent->known || !std::isfinite(exponent->known->real)) {
                error(modifier.argument->span, "a power is a finite number that is known when the circuit is built");
                return std::nullopt;
            }
            amount = exponent->known->real;
        } else if (modifier.argument) {
            const auto count = integer(*modifier.argument, "a number of controls");
            if (!count) return std::nullopt;
            if (*count < 1 || *count > 1000) {
                error(modifier.argument->span, fmt::format("{} controls; 1 to 1000 are possible", *count));
                return std::nullopt;
            }
            amount = static_cast<double>(*count);
        }
        if (modifier.kind == Modifier::Kind::Control || modifier.kind == Modifier::Kind::NegatedControl)
            controls += static_cast<std::size_t>(amount);
        result.emplace_back(modifier.kind, amount);
    }
    if (controls > kMostControls) {
        error(call.gate.span, fmt::format("{} controls; 1 to {} are possible", controls, kMostControls));
        return std::nullopt;
    }
    return result;
}

Compiler::Flow Compiler::execute(const GateCall& call) {
    const SourceSpan span = m_span;
    if (const auto function = m_functions.find(call.gate.text); function != m_functions.end() && call.modifiers.empty()) {
        m_messages.once(Severity::Warning, call.gate.span,
                        fmt::format("'{}' is a subroutine; its arguments belong in parentheses", call.gate.text));
        std::vector<const Expression*> arguments;
        for (const auto& each : call.parameters) arguments.push_back(each.get());
        for (const auto& each : call.operands) arguments.push_back(each.get());
        (void)this->call(function->second, arguments, span, true);
        return Flow::Next;
    }
    const auto shape = shapeOf(call.gate);
    if (!shape) return Flow::Next;
    if (call.parameters.size() != shape->parameters) {
        error(call.gate.span, fmt::format("'{}' takes {} parameter{}, not {}", call.gate.text, shape->parameters,
                                          plural(shape->parameters), call.parameters.size()));
        return Flow::Next;
    }
    std::size_t controls = 0;
    const auto modifiers = modifiersOf(call, controls);
    if (!modifiers) return Flow::Next;
    std::vector<Value> parameters;
    for (const auto& each : call.parameters) {
        const auto given = value(*each, true);
        auto fitted = given ? checked(cast(*given, {}), each->span) : std::nullopt;
        if (!fitted) return Flow::Next;
        if (fitted->known && !std::isfinite(fitted->known->real) && !m_looking) {
            error(each->span, "a parameter is not a finite number here");
            return Flow::Next;
        }
        parameters.push_back(std::move(*fitted));
    }
    const std::size_t wanted = shape->qubits + controls;
    if (call.operands.size() != wanted) {
        error(call.gate.span, fmt::format("'{}' acts on {} qubit{}{}, not {}", call.gate.text, wanted, plural(wanted),
                                          controls > 0 ? " with its controls" : "", call.operands.size()));
        return Flow::Next;
    }
    std::vector<Symbol> operands;
    std::size_t repeats = 1;
    bool whole = false;
    for (const auto& each : call.operands) {
        auto found = qubits(*each);
        if (!found) return Flow::Next;
        if (!found->single) {
            const std::size_t size = found->qubits->size();
            if (whole && size != repeats) {
                error(each->span, fmt::format("a register of {} qubits where the registers before it have {}", size, repeats));
                return Flow::Next;
            }
            whole = true;
            repeats = size;
        }
        operands.push_back(std::move(*found));
    }
    const Uncounted uncounted(*this, shape->count.certain, span);
    if (!reserve(repeats, shape->count.operations)) return Flow::Next;
    for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
        std::vector<int> on;
        on.reserve(operands.size());
        for (const Symbol& operand : operands) on.push_back(operand.single ? operand.qubits->front() : (*operand.qubits)[repeat]);
        if (on.size() > 1) {
            auto sorted = on;
            std::ranges::sort(sorted);
            if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
                error(span, fmt::format("'{}' gets {} twice", call.gate.text, qubitName(*twice)));
                return Flow::Next;
            }
        }
        // The controls of the leftmost modifier come first. Powers and inverses pass through controls.
        const std::uint64_t before = m_operations;
        auto made = piece(call.gate, parameters, {on.begin() + static_cast<std::ptrdiff_t>(controls), on.end()}, span);
        if (!made) return Flow::Next;
        const std::uint64_t opened = std::max<std::uint64_t>(m_operations - before, 1);
        // Each modifier makes another copy of what the gate opens to.
        if (!modifiers->empty() && !charge(opened * modifiers->size())) return Flow::End;
        for (std::size_t i = modifiers->size(); i-- > 0;) {
            const auto& [kind, amount] = (*modifiers)[i];
            Result<void> done;
            if (kind == Modifier::Kind::Inverse) done = invert(*made);
            else if (kind == Modifier::Kind::Power) {
                // A copy of a call stands for all that it opens to.
                const std::size_t once = made->operations.size();
                done = raise(*made, amount, left() / opened);
                const std::uint64_t more = made->operations.size() > once ? (made->operations.size() - once) * opened : 0;
                if (done && (!reserve(more, 1) || !spend(more))) return Flow::End;
                m_operations += more;
            }
            if (!done) {
                error(call.modifiers[i].span, done.error().message);
                return Flow::Next;
            }
        }
        std::size_t end = controls;
        for (std::size_t i = modifiers->size(); i-- > 0;) {
            const auto& [kind, amount] = (*modifiers)[i];
            if (kind == Modifier::Kind::Inverse || kind == Modifier::Kind::Power) continue;
            const auto count = static_cast<std::size_t>(amount);
            end -= count;
            const auto done = control(*made, std::span(on).subspan(end, count), kind == Modifier::Kind::NegatedControl);
            if (!done) {
                error(call.modifiers[i].span, done.error().message);
                return Flow::Next;
            }
        }
        m_span = span;
        append(std::move(*made));
        if (m_messages.stopped()) return Flow::End;
    }
    return Flow::Next;
}

/// The phase of a circuit adds up; inside of branches nobody can see it.
void Compiler::append(Piece piece) {
    for (Operation& operation : piece.operations) emit(std::move(operation));
    if (m_opening > 0) {
        const auto sum = checked(binary(ClassicalOp::Add, m_phase, piece.phase), m_span);
        if (sum) m_phase = *sum;
    } else if (m_depth == 0 && piece.phase.known) {
        m_circuit.globalPhase += piece.phase.known->asDouble();
    } else if (m_depth == 0) {
        m_messages.once(Severity::Note, m_span, "a global phase that depends on an input is left out: nothing can show it");
    }
}

std::optional<Piece> Compiler::piece(const Name& name, const std::vector<Value>& parameters, std::vector<int> qubits, const SourceSpan& span) {
    Piece result{std::string(tableName(name.text)), {}, qubits, number(0), span};
    if (name.text == "gphase") {
        result.phase = parameters[0];
        return result;
    }
    if (const auto own = m_gates.find(name.text); own != m_gates.end() && !own->second.table)
        return opened(own->second, parameters, std::move(qubits), span);
    const GateInfo* info = findGate(tableName(name.text));
    result.operations.push_back({gateOf(std::string(info->name), parameters, std::move(qubits)), {}, span});
    // A file's own definition has been found equal to the table's gate, phase and all.
    if (m_gates.contains(name.text)) return result;
    auto phase = checked(extraPhase(name.text, parameters), span);
    if (!phase) return std::nullopt;
    result.phase = std::move(*phase);
    return result;
}

std::optional<Piece> Compiler::opened(Gate& gate, const std::vector<Value>& parameters, std::vector<int> qubits, const SourceSpan& span) {
    const GateDefinition& source = gate.source;
    if (gate.open) {
        error(span, fmt::format("'{}' calls itself", source.name.text));
        return std::nullopt;
    }
    if (m_opening >= m_limits.nestingDepth) {
        error(span, fmt::format("gates within gates deeper than {}", m_limits.nestingDepth));
        return std::nullopt;
    }
    Scope scope;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        Symbol symbol;
        symbol.variable.name = source.parameters[i];
        symbol.variable.known = parameters[i];
        symbol.variable.constant = true;
        scope.emplace(source.parameters[i].text, std::move(symbol));
    }
    for (std::size_t i = 0; i < qubits.size(); ++i) {
        Symbol symbol;
        symbol.kind = Symbol::Kind::Qubits;
        symbol.qubits = std::make_shared<const std::vector<int>>(std::vector{qubits[i]});
        symbol.single = true;
        scope.emplace(source.qubits[i].text, std::move(symbol));
    }
    std::vector<Operation> body;
    auto* const into = std::exchange(m_into, &body);
    const std::size_t base = std::exchange(m_base, m_scopes.size());
    Value outer = std::exchange(m_phase, number(0));
    m_scopes.push_back(std::move(scope));
    gate.open = true;
    ++m_opening;
    (void)run(*source.body, false);
    --m_opening;
    gate.open = false;
    m_scopes.pop_back();
    m_base = base;
    m_into = into;
    m_span = span;
    Piece result{std::string(source.name.text), {}, qubits, std::exchange(m_phase, std::move(outer)), span};
    if (m_messages.stopped()) return std::nullopt;
    const GateOp formal = gateOf({}, parameters, {});
    result.operations.push_back({CallOp{std::string(source.name.text), formal.parameters, std::move(qubits),
                                        std::make_shared<const std::vector<Operation>>(std::move(body))},
                                 {}, span});
    return result;
}

void Compiler::define(GateDefinition definition) {
    const Name name = definition.name;
    const GateInfo* known = findGate(name.text);
    if (m_gates.contains(name.text)) return error(name.span, fmt::format("there is a gate '{}' already", name.text));
    if (known && known->set == GateSet::Language && name.text == "U")
        return error(name.span, fmt::format("'{}' is part of the language", name.text));
    if (definition.parameters.size() > 1000 || definition.qubits.size() > 1000)
        return error(name.span, "a gate has at most 1000 parameters and 1000 qubits");
    std::set<std::string_view> seen;
    for (const auto* names : {&definition.parameters, &definition.qubits})
        for (const Name& each : *names)
            if (!seen.insert(each.text).second) error(each.span, fmt::format("'{}' is named twice", each.text));

    Gate gate;
    gate.count = countOf(*definition.body, [](std::string_view) { return 1; });
    constexpr std::uint64_t kQubits = 32; // in a list that takes as much memory as an operation
    gate.count.operations += 1 + definition.qubits.size() / kQubits;
    gate.source = std::move(definition);
    auto& kept = m_gates.emplace(name.text, std::move(gate)).first->second;
    // Opened once for a look, so that what is wrong in it is said once, and even when nothing calls it.
    constexpr std::uint64_t kMostLooks = 1'000'000;
    if (m_looked > kMostLooks || kept.count.operations > kMostLooks - m_looked) return;
    m_looked += kept.count.operations;
    const std::size_t errors = m_messages.errors();
    const std::uint64_t operations = m_operations, steps = m_steps;
    m_looking = true;
    kept.table = sameGate(kept, name.span);
    m_looking = false;
    m_looked += m_steps - steps;
    m_operations = operations;
    m_steps = steps;
    // A body with an error still defines its name.
    if (m_messages.errors() != errors) kept.source.body = std::make_shared<const Body>();
}

/// The table's gate of the same name, when the definition gives its matrix exactly; nothing otherwise.
const GateInfo* Compiler::sameGate(const Gate& gate, const SourceSpan& span) {
    const auto& source = gate.source;
    const GateInfo* info = findGate(source.name.text);
    const bool candidate = info && static_cast<std::size_t>(info->parameters) == source.parameters.size() &&
                           static_cast<std::size_t>(info->qubits) == source.qubits.size();
    const std::size_t errors = m_messages.errors();
    bool same = candidate;
    // Two sets of angles that nothing is periodic in.
    for (const double seed : {0.7317, 2.1803}) {
        std::vector<Value> parameters;
        std::vector<double> numbers;
        std::vector<int> qubits;
        for (std::size_t i = 0; i < source.parameters.size(); ++i) {
            numbers.push_back(seed * static_cast<double>(i + 1));
            parameters.push_back(number(numbers.back()));
        }
        for (std::size_t i = 0; i < source.qubits.size(); ++i) qubits.push_back(static_cast<int>(i));
        const auto made = opened(m_gates.at(source.name.text), parameters, std::move(qubits), span);
        if (!made || !candidate || m_messages.errors() != errors) return nullptr;
        const auto matrix = denseMatrix(*made);
        if (!matrix) return nullptr;
        const auto wanted = fullMatrix(*info, numbers);
        for (std::size_t i = 0; i < wanted.size(); ++i) same = same && std::abs((*matrix)[i] - wanted[i]) < 1e-13;
    }
    return same ? info : nullptr;
}

} // namespace qscope::engine::qasm3
