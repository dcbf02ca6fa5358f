// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/writer_names.h"

#include "engine/quantum/gates.h"
#include "engine/quantum/qasm3/parser.h"

#include <algorithm>
#include <iterator>

namespace qscope::engine::qasm {

namespace {

bool isReserved(const std::string& name, int version) {
    constexpr std::string_view kTwo[] = {"OPENQASM", "include", "qreg", "creg", "gate", "opaque", "measure", "reset", "barrier",
                                         "if", "pi", "sin", "cos", "tan", "exp", "ln", "sqrt"};
    constexpr std::string_view kThree[] = {"pi", "tau", "euler", "phase", "cphase", "sizeof"};
    if (version == 2) return std::ranges::find(kTwo, name) != std::end(kTwo);
    return qasm3::isKeyword(name) || std::ranges::find(kThree, name) != std::end(kThree);
}

const Register& registerOf(const std::vector<Register>& registers, int bit) {
    return *std::prev(std::ranges::upper_bound(registers, bit, {}, &Register::first));
}

} // namespace

WrittenNames::WrittenNames(const Circuit& circuit, int version) : m_version(version) {
    m_names.qregs = circuit.qregs;
    m_names.cregs = circuit.cregs;
    m_names.variables = circuit.variables;
    m_names.inputs = circuit.inputs;
    const auto change = [this](std::string& name) {
        if (name == "$" && m_version == 3) return;
        // A register may bear the name of a gate in neither version, though readers forgive it.
        name = take(name == "$" ? "physical" : findGate(name) ? name + "_" : name);
    };
    for (Register& reg : m_names.qregs) change(reg.name);
    for (Register& reg : m_names.cregs) change(reg.name);
    for (ClassicalVariable& variable : m_names.variables) change(variable.name);
    for (InputParameter& input : m_names.inputs) change(input.name);
}

std::string WrittenNames::take(const std::string& wanted) {
    std::string name;
    for (const char c : wanted) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9';
        const bool other = m_version == 3 && static_cast<unsigned char>(c) >= 0x80; // letters beyond ASCII
        if (letter || other || (digit && !name.empty())) name += c;
        else if (!name.empty() && name.back() != '_') name += '_'; // "ctrl @ twist": "ctrl_twist"
    }
    if (name.empty()) name.push_back('g');
    if (isReserved(name, m_version)) name.push_back('_');
    std::string unique = name;
    for (int k = 2; !m_used.insert(unique).second; ++k) unique = fmt::format("{}_{}", name, k);
    return unique;
}

std::string WrittenNames::qubit(int qubit) const {
    const Register& reg = registerOf(m_names.qregs, qubit);
    return reg.name == "$" ? fmt::format("${}", qubit - reg.first) : fmt::format("{}[{}]", reg.name, qubit - reg.first);
}

std::string WrittenNames::bit(int clbit) const {
    const Register& reg = registerOf(m_names.cregs, clbit);
    return fmt::format("{}[{}]", reg.name, clbit - reg.first);
}

std::string writtenParameters(const std::vector<double>& parameters) {
    if (parameters.empty()) return {};
    std::string text;
    for (const double value : parameters) fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "(" : ",", value);
    text += ')';
    return text;
}

Result<std::string> WrittenGates::define(const std::string& name, std::size_t parameters, const std::vector<int>& qubits,
                                         const std::vector<Operation>& body, double phase) {
    std::string text;
    for (std::size_t i = 0; i < parameters; ++i) text += fmt::format("{}p{}", i == 0 ? "(" : ",", i);
    if (parameters > 0) text += ')';
    for (std::size_t i = 0; i < qubits.size(); ++i) text += fmt::format("{}q{}", i == 0 ? " " : ",", i);
    text += " {";
    std::map<int, std::size_t> formal;
    for (std::size_t i = 0; i < qubits.size(); ++i) formal.emplace(qubits[i], i);
    const Naming naming = [&formal](int qubit) { return fmt::format("q{}", formal.at(qubit)); };
    for (const Operation& operation : body) {
        QSCOPE_TRY(const std::string line, m_line(operation, naming));
        text += ' ';
        text += line;
    }
    if (phase != 0) text += fmt::format(" gphase({});", phase);
    text += " }";
    const auto [place, fresh] = m_known.try_emplace(name + text, std::string{});
    if (fresh) {
        place->second = m_names.take(name);
        m_text += fmt::format("gate {}{}\n", place->second, text);
    }
    return place->second;
}

} // namespace qscope::engine::qasm
