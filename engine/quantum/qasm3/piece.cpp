// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm3/piece.h"

#include "engine/quantum/gates.h"
#include "engine/quantum/modified_gate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace qscope::engine::qasm3 {

namespace {

using Complex = std::complex<double>;
using std::numbers::pi;

bool among(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

bool isRotation(std::string_view name) {
    return among(name, {"rx", "ry", "rz", "crx", "cry", "crz", "rxx", "ryy", "rzz", "rzx"});
}
bool isPhase(std::string_view name) { return among(name, {"p", "u1", "cu1", "cp"}); }
bool isGeneral(std::string_view name) { return among(name, {"U", "u", "u3", "cu3"}); }

/// The gate of the table that modifiers were put on, or the gate itself.
const std::string& baseOf(const GateOp& gate) {
    return gate.detail && !gate.detail->base.empty() ? gate.detail->base : gate.name;
}
bool hasEntries(const GateOp& gate) { return gate.detail && !gate.detail->entries.empty(); }

Result<Value> negated(const Value& value) { return unary(ClassicalOp::Negate, value); }
Result<Value> scaled(const Value& value, double factor) { return binary(ClassicalOp::Multiply, number(factor), value); }

GateOp withParameters(const GateOp& gate, std::span<const Value> values) {
    GateOp result = gateOf(gate.name, values, gate.qubits);
    if (!gate.detail) return result;
    GateDetail detail = *gate.detail;
    detail.expressions = result.detail ? result.detail->expressions : std::vector<ClassicalExpression>{};
    result.detail = std::make_shared<const GateDetail>(std::move(detail));
    return result;
}

std::string controlPrefix(std::size_t count) { return count == 1 ? "ctrl @ " : fmt::format("ctrl({}) @ ", count); }

/// The name without the controls that a detail adds.
std::string innerName(const GateOp& gate) {
    if (gate.detail && gate.detail->controls > 0) return gate.name.substr(gate.name.find(" @ ") + 3);
    return gate.name == "cswap" ? "swap" : gate.name;
}

Operation called(const Piece& piece, std::string name, std::vector<int> qubits, std::vector<Operation> body) {
    std::vector<double> parameters;
    if (piece.operations.size() == 1) {
        const auto& only = piece.operations.front().what;
        if (const auto* gate = std::get_if<GateOp>(&only)) parameters = gate->parameters;
        if (const auto* call = std::get_if<CallOp>(&only)) parameters = call->parameters;
    }
    return {CallOp{std::move(name), std::move(parameters), std::move(qubits),
                   std::make_shared<const std::vector<Operation>>(std::move(body))},
            {}, piece.span};
}

/// `count` more controls than `gate` has: the gate of the table for that, or the gate with a detail.
GateOp controlled(const GateOp& gate, std::span<const int> controls) {
    GateOp result = gate;
    result.qubits.assign(controls.begin(), controls.end());
    result.qubits.insert(result.qubits.end(), gate.qubits.begin(), gate.qubits.end());
    const auto count = static_cast<int>(controls.size());
    if (!gate.detail || (gate.detail->base.empty() && gate.detail->entries.empty())) {
        constexpr std::pair<std::string_view, double> kPhases[] = {{"s", pi / 2}, {"sdg", -pi / 2}, {"t", pi / 4}, {"tdg", -pi / 4}};
        for (const auto& [name, angle] : kPhases)
            if (gate.name == name) {
                const Value value = number(angle);
                return controlled(gateOf("p", {&value, 1}, gate.qubits), controls);
            }
        if (gate.name == "u2") {
            const auto values = parametersOf(gate);
            const Value all[] = {number(pi / 2), values[0], values[1]};
            return controlled(gateOf("u3", all, gate.qubits), controls);
        }
        const GateInfo& info = *findGate(gate.name);
        const GateInfo* found = nullptr;
        for (const GateInfo& other : gateTable())
            if (other.matrix == info.matrix && other.controls == info.controls + count && other.parameters == info.parameters)
                found = &other; // the last: cx rather than CX, cp rather than cu1
        if (found) {
            result.name = found->name;
            return result;
        }
    }
    GateDetail detail = gate.detail ? *gate.detail : GateDetail{};
    // OpenQASM 3 has other phases for U and u3; `u` has those of the table.
    const std::string own = gate.name == "U" || gate.name == "u3" ? "u" : gate.name;
    if (detail.base.empty() && detail.entries.empty()) detail.base = own;
    detail.controls += count;
    const bool before = gate.detail && gate.detail->controls > 0;
    result.name = controlPrefix(static_cast<std::size_t>(detail.controls)) + (before ? innerName(gate) : own);
    result.detail = std::make_shared<const GateDetail>(std::move(detail));
    return result;
}

/// A gate with this matrix on the last of the qubits, the first `controls` controlling it.
Result<void> fromMatrix(Piece& piece, std::vector<Complex> matrix, std::size_t controls, std::string name,
                        std::vector<double> parameters) {
    const std::vector<int> on(piece.qubits.begin() + static_cast<std::ptrdiff_t>(controls), piece.qubits.end());
    const std::vector<int> before(piece.qubits.begin(), piece.qubits.begin() + static_cast<std::ptrdiff_t>(controls));
    Piece result{std::move(name), {}, on, number(0), piece.span};
    if (on.size() > 1) {
        GateDetail detail;
        detail.entries = std::move(matrix);
        if (piece.operations.size() == 1 && std::holds_alternative<CallOp>(piece.operations.front().what)) {
            const auto& call = std::get<CallOp>(piece.operations.front().what);
            detail.body = call.body;
            detail.bodyName = call.name;
            detail.bodyPhase = piece.phase.known->asDouble();
        }
        result.operations.push_back({GateOp{result.name, std::move(parameters), on,
                                            std::make_shared<const GateDetail>(std::move(detail))},
                                     {}, piece.span});
    } else {
        for (const GateInfo& info : gateTable()) {
            if (info.qubits != 1 || info.parameters != 0) continue;
            const auto known = info.matrix({});
            const std::size_t pivot = std::abs(known[0]) > 0.5 ? 0 : 2;
            const Complex ratio = matrix[pivot] / known[pivot];
            double distance = std::abs(std::abs(ratio) - 1);
            for (std::size_t i = 0; i < 4; ++i) distance = std::max(distance, std::abs(matrix[i] - ratio * known[i]));
            if (distance > 1e-14) continue;
            result.operations.push_back({GateOp{std::string(info.name), {}, on}, {}, piece.span});
            result.phase = number(std::arg(ratio));
            break;
        }
        if (result.operations.empty()) {
            const GeneralAngles angles = generalAngles(matrix);
            result.phase = number(angles.phase);
            const bool diagonal = matrix[1] == 0.0 && matrix[2] == 0.0;
            const std::vector<double> values =
                diagonal ? std::vector{angles.lambda} : std::vector{angles.theta, angles.phi, angles.lambda};
            result.operations.push_back({GateOp{diagonal ? "p" : "U", values, on}, {}, piece.span});
        }
    }
    if (controls > 0) QSCOPE_CHECK(control(result, before, false));
    result.qubits = piece.qubits;
    piece = std::move(result);
    return {};
}

/// Replaces a piece of a single gate by one of a power of that gate's matrix.
Result<void> powerOfMatrix(Piece& piece, double exponent, const std::string& prefix) {
    const auto* gate = piece.operations.size() == 1 ? std::get_if<GateOp>(&piece.operations.front().what) : nullptr;
    std::vector<double> parameters = gate ? gate->parameters : std::vector<double>{};
    if (const auto* call = piece.operations.size() == 1 ? std::get_if<CallOp>(&piece.operations.front().what) : nullptr)
        parameters = call->parameters;
    const bool silent = piece.phase.known && piece.phase.known->asDouble() == 0;
    if (gate && silent) {
        // Controls stay controls: powers act on what they control.
        const auto known = gateMatrix(*gate);
        if (!known) return fail(ErrorCode::Unsupported, "this power of '{}' needs its parameters now, not later", gate->name);
        piece.qubits = gate->qubits;
        return fromMatrix(piece, matrixPower(known->entries, exponent), static_cast<std::size_t>(known->controls),
                          prefix + innerName(*gate), std::move(parameters));
    }
    QSCOPE_TRY(const auto matrix, denseMatrix(piece));
    return fromMatrix(piece, matrixPower(matrix, exponent), 0, prefix + piece.name, std::move(parameters));
}

Result<void> invertGate(Operation& operation) {
    auto& gate = std::get<GateOp>(operation.what);
    const std::string name = baseOf(gate);
    const bool plain = !hasEntries(gate) && !(gate.detail && !gate.detail->base.empty());
    if (among(name, {"x", "y", "z", "h", "id", "u0", "cx", "CX", "cy", "cz", "ch", "swap", "ccx", "cswap", "c3x", "c4x", "rccx",
                     "ecr", "delay"}))
        return {};
    constexpr std::pair<std::string_view, std::string_view> kPairs[] = {{"s", "sdg"}, {"t", "tdg"}, {"sx", "sxdg"}};
    for (const auto& [a, b] : kPairs)
        if (plain && (name == a || name == b)) {
            gate.name = name == a ? b : a;
            return {};
        }
    auto values = parametersOf(gate);
    if (isRotation(name) || isPhase(name) || isGeneral(name) || among(name, {"fsim", "cu"})) {
        for (Value& value : values) {
            QSCOPE_TRY(value, negated(value));
        }
        if (isGeneral(name) || name == "cu") std::swap(values[1], values[2]);
        gate = withParameters(gate, values);
        return {};
    }
    if (among(name, {"r", "xx_plus_yy"})) {
        QSCOPE_TRY(values[0], negated(values[0]));
        gate = withParameters(gate, values);
        return {};
    }
    if (name == "u2" && plain) {
        QSCOPE_TRY(const Value phi, negated(values[1]));
        QSCOPE_TRY(const Value lambda, negated(values[0]));
        const Value all[] = {number(-pi / 2), phi, lambda};
        gate = gateOf("u3", all, gate.qubits);
        return {};
    }
    if (!hasMatrix(gate)) return fail(ErrorCode::Unsupported, "'{}' has no matrix, and so no inverse", gate.name);
    Piece alone{gate.name, {operation}, gate.qubits, number(0), operation.span};
    QSCOPE_CHECK(powerOfMatrix(alone, -1, "inv @ "));
    if (alone.operations.size() == 1) {
        operation = alone.operations.front();
        return {};
    }
    operation = called(alone, "inv @ " + gate.name, alone.qubits, alone.operations);
    return {};
}

Result<void> invertAll(std::vector<Operation>& operations) {
    std::ranges::reverse(operations);
    for (Operation& operation : operations) {
        if (auto* call = std::get_if<CallOp>(&operation.what)) {
            auto body = *call->body;
            QSCOPE_CHECK(invertAll(body));
            call->body = std::make_shared<const std::vector<Operation>>(std::move(body));
            call->name = call->name.starts_with("inv @ ") ? call->name.substr(6) : "inv @ " + call->name;
        } else if (std::holds_alternative<GateOp>(operation.what)) {
            QSCOPE_CHECK(invertGate(operation));
        }
    }
    return {};
}

Result<void> controlAll(std::vector<Operation>& operations, std::span<const int> controls) {
    for (Operation& operation : operations) {
        if (auto* gate = std::get_if<GateOp>(&operation.what)) {
            if (!hasMatrix(*gate)) return fail(ErrorCode::Unsupported, "'{}' has no matrix to control", gate->name);
            *gate = controlled(*gate, controls);
        } else if (auto* call = std::get_if<CallOp>(&operation.what)) {
            auto body = *call->body;
            QSCOPE_CHECK(controlAll(body, controls));
            call->body = std::make_shared<const std::vector<Operation>>(std::move(body));
            call->name = controlPrefix(controls.size()) + call->name;
            call->qubits.insert(call->qubits.begin(), controls.begin(), controls.end());
        }
    }
    return {};
}

/// Powers that a parameter can carry; false when there are none.
Result<bool> scaledPower(Piece& piece, double exponent) {
    auto* gate = piece.operations.size() == 1 ? std::get_if<GateOp>(&piece.operations.front().what) : nullptr;
    const bool whole = exponent == std::trunc(exponent);
    if (!gate || hasEntries(*gate)) return false;
    const std::string name = baseOf(*gate);
    if (!isRotation(name) && !isPhase(name)) return false;
    auto values = parametersOf(*gate);
    if (!whole) {
        // Within the principal branch, and with no phase that would move it.
        const bool silent = piece.phase.known && piece.phase.known->asDouble() == 0;
        const double most = isPhase(name) ? pi : 2 * pi;
        if (!silent || !values[0].known || std::abs(values[0].known->asDouble()) >= most) return false;
    }
    QSCOPE_TRY(values[0], scaled(values[0], exponent));
    *gate = withParameters(*gate, values);
    QSCOPE_TRY(piece.phase, scaled(piece.phase, exponent));
    return true;
}

} // namespace

std::vector<Value> parametersOf(const GateOp& gate) {
    std::vector<Value> values;
    for (std::size_t i = 0; i < gate.parameters.size(); ++i) {
        if (!gate.detail || gate.detail->expressions.empty() || !std::isnan(gate.parameters[i])) {
            values.push_back(number(gate.parameters[i]));
            continue;
        }
        const auto& code = gate.detail->expressions[i];
        const bool measured = std::ranges::any_of(code.steps, [](const ClassicalStep& step) {
            return step.op == ClassicalOp::Bits || step.op == ClassicalOp::Variable;
        });
        values.push_back({{ScalarKind::Float, 64}, std::nullopt, code, measured});
    }
    return values;
}

GateOp gateOf(std::string name, std::span<const Value> parameters, std::vector<int> qubits) {
    GateOp gate{std::move(name), {}, std::move(qubits)};
    const bool later = std::ranges::any_of(parameters, [](const Value& value) { return !value.known; });
    GateDetail detail;
    for (const Value& value : parameters) {
        gate.parameters.push_back(value.known ? value.known->asDouble() : std::numeric_limits<double>::quiet_NaN());
        if (later) detail.expressions.push_back(codeOf(value));
    }
    if (later) gate.detail = std::make_shared<const GateDetail>(std::move(detail));
    return gate;
}

Result<void> invert(Piece& piece) {
    QSCOPE_CHECK(invertAll(piece.operations));
    QSCOPE_TRY(piece.phase, negated(piece.phase));
    piece.name = "inv @ " + piece.name;
    return {};
}

Result<void> raise(Piece& piece, double exponent, std::uint64_t most) {
    const std::string prefix = fmt::format("pow({}) @ ", exponent);
    const std::string name = prefix + piece.name;
    const bool whole = exponent == std::trunc(exponent);
    QSCOPE_TRY(const bool done, scaledPower(piece, exponent));
    if (done) {
        piece.name = name;
        return {};
    }
    if (exponent == 0) {
        piece.operations.clear();
        piece.phase = number(0);
        piece.name = name;
        return {};
    }
    const bool single = piece.operations.size() == 1 && std::holds_alternative<GateOp>(piece.operations.front().what);
    const bool early = piece.phase.known && denseMatrix(piece).has_value();
    if (whole && (!early || (std::abs(exponent) <= 8 && !single))) {
        if (exponent < 0) QSCOPE_CHECK(invertAll(piece.operations));
        const double times = std::abs(exponent);
        if (times * static_cast<double>(piece.operations.size()) > static_cast<double>(most))
            return fail(ErrorCode::Unsupported, "'{}' is more than {} operations, which is the limit", name, most);
        const auto once = piece.operations;
        for (int i = 1; i < static_cast<int>(times); ++i)
            piece.operations.insert(piece.operations.end(), once.begin(), once.end());
        QSCOPE_TRY(piece.phase, scaled(piece.phase, exponent));
        piece.name = name;
        return {};
    }
    QSCOPE_CHECK(powerOfMatrix(piece, exponent, prefix));
    piece.name = name;
    return {};
}

Result<void> control(Piece& piece, std::span<const int> controls, bool negated) {
    const std::string name = (negated ? "neg" : "") + controlPrefix(controls.size()) + piece.name;
    auto* only = piece.operations.size() == 1 ? std::get_if<GateOp>(&piece.operations.front().what) : nullptr;
    const bool silent = piece.phase.known && piece.phase.known->asDouble() == 0;
    if (!silent && only && controls.size() == 1 && !hasEntries(*only) && among(only->name, {"U", "u", "u3"})) {
        // One gate of the table says both the phase and the gate.
        auto values = parametersOf(*only);
        values.push_back(piece.phase);
        *only = gateOf("cu", values, {controls[0], only->qubits[0]});
    } else {
        QSCOPE_CHECK(controlAll(piece.operations, controls));
        if (!silent) {
            const GateOp gate = gateOf("p", {&piece.phase, 1}, {controls.back()});
            const auto others = controls.first(controls.size() - 1);
            piece.operations.push_back({others.empty() ? gate : controlled(gate, others), {}, piece.span});
        }
    }
    std::vector<int> qubits(controls.begin(), controls.end());
    qubits.insert(qubits.end(), piece.qubits.begin(), piece.qubits.end());
    piece.qubits = std::move(qubits);
    piece.phase = number(0);
    if (negated) {
        std::vector<Operation> body;
        for (const int qubit : controls) body.push_back({GateOp{"x", {}, {qubit}}, {}, piece.span});
        body.insert(body.end(), piece.operations.begin(), piece.operations.end());
        for (const int qubit : controls) body.push_back({GateOp{"x", {}, {qubit}}, {}, piece.span});
        piece.operations = {called(piece, name, piece.qubits, std::move(body))};
    } else if (piece.operations.size() > 1) {
        auto body = std::move(piece.operations);
        piece.operations.clear();
        piece.operations.push_back(called(piece, name, piece.qubits, std::move(body)));
    }
    piece.name = name;
    return {};
}

} // namespace qscope::engine::qasm3
