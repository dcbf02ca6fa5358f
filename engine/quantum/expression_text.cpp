// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/circuit.h"
#include "engine/quantum/conventions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

std::string bitsText(const ClassicalStep& step, const Circuit& circuit) {
    const auto after = std::ranges::upper_bound(circuit.cregs, step.index, {}, &Register::first);
    const Register& reg = *std::prev(after);
    const int first = step.index - reg.first;
    if (first == 0 && step.type.width == reg.size) return reg.name;
    if (step.type.width == 1) return fmt::format("{}[{}]", reg.name, first);
    return fmt::format("{}[{}:{}]", reg.name, first, first + step.type.width - 1);
}

std::string constantText(const Scalar& value) {
    switch (value.type.kind) {
    case ScalarKind::Bool: return value.word ? "true" : "false";
    case ScalarKind::Bits: return fmt::format("\"{}\"", bitString(value.word, value.type.width));
    case ScalarKind::Int: return fmt::format("{}", value.asInteger());
    case ScalarKind::Uint: return fmt::format("{}({})", spelling(value.type), value.word);
    case ScalarKind::Angle: return fmt::format("{}(\"{}\")", spelling(value.type), bitString(value.word, value.type.width));
    case ScalarKind::Duration: return fmt::format("{}s", value.real);
    case ScalarKind::Float: break;
    }
    const std::string text = fmt::format("{}", value.real); // the shortest that reads back the same
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

} // namespace

std::string expressionText(const ClassicalExpression& expression, const Circuit& circuit) {
    std::vector<std::string> stack;
    for (const ClassicalStep& step : expression.steps) {
        switch (step.op) {
        case ClassicalOp::Constant: stack.push_back(constantText(step.value)); continue;
        case ClassicalOp::Bits: stack.push_back(bitsText(step, circuit)); continue;
        case ClassicalOp::Variable: stack.push_back(circuit.variables[static_cast<std::size_t>(step.index)].name); continue;
        case ClassicalOp::Input: stack.push_back(circuit.inputs[static_cast<std::size_t>(step.index)].name); continue;
        default: break;
        }
        if (operandsOf(step.op) == 2) {
            const std::string right = std::move(stack.back());
            stack.pop_back();
            const bool call = step.op == ClassicalOp::RotateLeft || step.op == ClassicalOp::RotateRight;
            stack.back() = call ? fmt::format("{}({}, {})", spelling(step.op), stack.back(), right)
                                : fmt::format("({} {} {})", stack.back(), spelling(step.op), right);
        } else if (step.op == ClassicalOp::Cast) {
            stack.back() = fmt::format("{}({})", spelling(step.type), stack.back());
        } else {
            stack.back() = fmt::format("{}({})", spelling(step.op), stack.back());
        }
    }
    std::string text = stack.empty() ? std::string{} : std::move(stack.back());
    // The outermost parentheses say nothing when they are one pair.
    if (text.starts_with('(')) {
        int depth = 0;
        std::size_t end = 0;
        do {
            depth += text[end] == '(' ? 1 : text[end] == ')' ? -1 : 0;
        } while (depth > 0 && ++end < text.size());
        if (end + 1 == text.size()) text = text.substr(1, text.size() - 2);
    }
    return text;
}

} // namespace qscope::engine
