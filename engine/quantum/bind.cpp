// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/circuit.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

/// Writes numbers in the place of inputs, through all bodies.
class Binder {
public:
    explicit Binder(std::vector<Scalar> values) : m_values(std::move(values)) {}

    Result<void> bind(std::vector<Operation>& operations) {
        for (Operation& operation : operations) {
            if (auto* gate = std::get_if<GateOp>(&operation.what)) {
                QSCOPE_CHECK(bindGate(*gate, operation.span));
            } else if (auto* call = std::get_if<CallOp>(&operation.what)) {
                auto body = *call->body;
                QSCOPE_CHECK(bind(body));
                call->body = std::make_shared<const std::vector<Operation>>(std::move(body));
            } else if (auto* control = std::get_if<ControlOp>(&operation.what)) {
                auto bound = *control->control;
                bindExpression(bound.value);
                for (auto& body : bound.bodies) QSCOPE_CHECK(bind(body));
                control->control = std::make_shared<const Control>(std::move(bound));
            }
        }
        return {};
    }

private:
    void bindExpression(ClassicalExpression& expression) const {
        for (ClassicalStep& step : expression.steps)
            if (step.op == ClassicalOp::Input) {
                const Scalar value = m_values[static_cast<std::size_t>(step.index)];
                step = {ClassicalOp::Constant, value.type, 0, value};
            }
    }

    Result<void> bindGate(GateOp& gate, const SourceSpan& span) const {
        if (!gate.detail || gate.detail->expressions.empty()) return {};
        GateDetail detail = *gate.detail;
        bool later = false;
        for (std::size_t i = 0; i < detail.expressions.size(); ++i) {
            auto& expression = detail.expressions[i];
            bindExpression(expression);
            const bool measured = std::ranges::any_of(expression.steps, [](const ClassicalStep& step) {
                return step.op == ClassicalOp::Bits || step.op == ClassicalOp::Variable;
            });
            later = later || measured;
            if (measured) continue;
            const auto value = evaluate(expression, {});
            if (!value || !std::isfinite(value->asDouble()))
                return fail(ErrorCode::OutOfRange, "line {}: a parameter of '{}' is not a finite number with these inputs",
                            span.line, gate.name);
            gate.parameters[i] = value->asDouble();
        }
        if (!later) detail.expressions.clear();
        const bool plain = detail.expressions.empty() && detail.base.empty() && detail.entries.empty();
        gate.detail = plain ? nullptr : std::make_shared<const GateDetail>(std::move(detail));
        return {};
    }

    std::vector<Scalar> m_values;
};

bool decides(const std::vector<Operation>& operations) {
    return std::ranges::any_of(operations, [](const Operation& operation) {
        if (std::holds_alternative<ControlOp>(operation.what)) return true;
        if (const auto* call = std::get_if<CallOp>(&operation.what)) return decides(*call->body);
        const auto* gate = std::get_if<GateOp>(&operation.what);
        return gate && gate->detail && !gate->detail->expressions.empty();
    });
}

const Operation* external(const std::vector<Operation>& operations) {
    for (const Operation& operation : operations) {
        const auto* control = std::get_if<ControlOp>(&operation.what);
        if (!control) continue;
        if (control->control->kind == Control::Kind::External) return &operation;
        for (const auto& body : control->control->bodies)
            if (const Operation* found = external(body)) return found;
    }
    return nullptr;
}

} // namespace

Result<Circuit> bindInputs(const Circuit& circuit, const std::map<std::string, double>& values) {
    for (const auto& [name, value] : values)
        if (std::ranges::find(circuit.inputs, name, &InputParameter::name) == circuit.inputs.end())
            return fail(ErrorCode::OutOfRange, "the circuit has no input '{}'", name);
    std::vector<Scalar> scalars;
    std::string missing;
    for (const InputParameter& input : circuit.inputs) {
        const auto found = values.find(input.name);
        if (found == values.end()) {
            missing += fmt::format("{}'{}' (line {})", missing.empty() ? "" : ", ", input.name, input.span.line);
            continue;
        }
        const auto number = Scalar::number(found->second);
        const bool bits = input.type.kind == ScalarKind::Bits;
        auto scalar = converted(number, bits ? ScalarType{ScalarKind::Uint, 64} : input.type);
        if (scalar && bits) scalar = converted(*scalar, input.type);
        // Whole numbers must survive the way there and back; an angle may go around.
        const bool whole = !input.type.real() && input.type.kind != ScalarKind::Angle;
        if (!std::isfinite(found->second) || !scalar || (whole && scalar->asDouble() != found->second))
            return fail(ErrorCode::OutOfRange, "input '{}' is {}, which cannot be {}", input.name, spelling(input.type),
                        found->second);
        scalars.push_back(*scalar);
    }
    if (!missing.empty()) return fail(ErrorCode::OutOfRange, "no value is given for the circuit's input {}", missing);
    Circuit bound = circuit;
    if (circuit.inputs.empty()) return bound;
    bound.inputs.clear();
    QSCOPE_CHECK(Binder(std::move(scalars)).bind(bound.operations));
    return bound;
}

bool hasControlFlow(const Circuit& circuit) { return decides(circuit.operations); }

std::optional<std::string> notSimulated(const Circuit& circuit) {
    const Operation* found = external(circuit.operations);
    if (!found) return std::nullopt;
    return fmt::format("line {}: {} is kept, but not simulated", found->span.line,
                       std::get<ControlOp>(found->what).control->label);
}

} // namespace qscope::engine
