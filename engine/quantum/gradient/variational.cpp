// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/gradient/variational.h"

#include "engine/backend/cpu_state.h"
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/sim/fusion.h"
#include "engine/quantum/sim/trajectory.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
constexpr double kPi = std::numbers::pi;
constexpr std::size_t kMostGate = 5; ///< qubits of a gate

std::vector<Complex> matrixAt(GateOp& gate, std::size_t index, double angle) {
    gate.parameters[index] = angle;
    return gateMatrix(gate)->entries;
}

} // namespace

Result<Variational> makeVariational(const Circuit& circuit, std::span<const ParameterRef> parameters) {
    const Program program = makeProgram(circuit, SIZE_MAX);
    Variational result;
    result.qubits = circuit.qubits;
    std::map<std::size_t, std::size_t> gateOf; // by operation
    for (std::size_t i = 0; i < program.length; ++i) {
        const Operation& operation = program.flat.operations[i];
        if (std::holds_alternative<BarrierOp>(operation.what) || program.terminal[i]) continue;
        const auto* gate = std::get_if<GateOp>(&operation.what);
        if (!gate || operation.condition)
            return fail(ErrorCode::Unsupported,
                        "line {}: a gradient needs gates alone, not measurements on the way, resets or conditions",
                        operation.span.line);
        if (gate->qubits.size() > kMostGate)
            return fail(ErrorCode::Unsupported,
                        "line {}: gate '{}' is on {} qubits; a gradient takes gates on at most {}", operation.span.line,
                        gate->name, gate->qubits.size(), kMostGate);
        gateOf[i] = result.gates.size();
        result.gates.push_back(*gate);
    }
    for (const ParameterRef& each : parameters) {
        const auto found = gateOf.find(each.operation);
        if (found == gateOf.end() || each.index < 0 ||
            static_cast<std::size_t>(each.index) >= result.gates[found->second].parameters.size())
            return fail(ErrorCode::OutOfRange, "operation {} has no parameter {}", each.operation, each.index);
        const GateOp& gate = result.gates[found->second];
        if (gate.detail && gate.detail->base.empty())
            return fail(ErrorCode::Unsupported, "line {}: '{}' has a fixed matrix, without angles to differentiate by",
                        program.flat.operations[each.operation].span.line, gate.name);
        result.angles.push_back({found->second, static_cast<std::size_t>(each.index)});
    }
    return result;
}

std::vector<Complex> derivative(const GateOp& original, std::size_t index) {
    GateOp gate = original;
    // Entries turn with frequencies 0, 1/2 and 1, for which this combination of differences is exact.
    const double angle = gate.parameters[index];
    const double wide = (1 - std::numbers::sqrt2) / 4;
    const auto a = matrixAt(gate, index, angle + kPi), b = matrixAt(gate, index, angle - kPi);
    const auto c = matrixAt(gate, index, angle + kPi / 2), d = matrixAt(gate, index, angle - kPi / 2);
    std::vector<Complex> result(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) result[i] = wide * (a[i] - b[i]) + 0.5 * (c[i] - d[i]);
    return result;
}

std::vector<double> frequencies(const GateOp& original, std::size_t index) {
    constexpr int kSamples = 8; // of the common period 4 pi
    GateOp gate = original;
    std::vector<std::vector<Complex>> samples;
    for (int k = 0; k < kSamples; ++k) samples.push_back(matrixAt(gate, index, 4 * kPi * k / kSamples));
    const bool controlled = gateMatrix(gate)->controls > 0;
    std::vector<double> present; // of the entries
    for (int half = -2; half <= 2; ++half) {
        double largest = controlled && half == 0 ? 1 : 0; // where a control is not set, nothing turns
        for (std::size_t i = 0; i < samples[0].size(); ++i) {
            Complex sum = 0;
            for (int k = 0; k < kSamples; ++k)
                sum += samples[static_cast<std::size_t>(k)][i] * std::polar(1.0, -2 * kPi * half * k / kSamples);
            largest = std::max(largest, std::abs(sum) / kSamples);
        }
        if (largest > 1e-9) present.push_back(half / 2.0);
    }
    std::vector<double> result;
    for (const double a : present)
        for (const double b : present)
            if (a > b && std::ranges::find(result, a - b) == result.end()) result.push_back(a - b);
    std::ranges::sort(result);
    return result;
}

Result<void> turn(StateBuffer& state, const Variational& circuit, const RunContext& context) {
    Fuser fuser(circuit.qubits, fusionCosts(context.backend));
    for (const GateOp& gate : circuit.gates) {
        fuser.add(gate);
        if (fuser.full()) QSCOPE_CHECK(cpu::applyGates(state, fuser.take(), context));
    }
    return cpu::applyGates(state, fuser.take(), context);
}

Result<double> valueOf(const StateBuffer& state, std::span<const PauliTerm> observable, const RunContext& context) {
    double sum = 0;
    for (const PauliTerm& term : observable) {
        QSCOPE_TRY(const double value, cpu::expectation(state, term.string, context));
        sum += term.coefficient * value;
    }
    return sum;
}

} // namespace qscope::engine
