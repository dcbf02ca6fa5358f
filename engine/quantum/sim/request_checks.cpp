// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/request_checks.h"

#include "engine/quantum/modified_gate.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr std::int64_t kMostShots = 100'000'000;

/// The first gate without a matrix, looking into bodies.
const Operation* withoutMatrix(const std::vector<Operation>& operations) {
    for (const Operation& operation : operations) {
        if (const auto* call = std::get_if<CallOp>(&operation.what)) {
            if (withoutMatrix(*call->body)) return &operation;
        } else if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            if (!hasMatrix(*gate)) return &operation;
        } else if (const auto* control = std::get_if<ControlOp>(&operation.what)) {
            for (const auto& body : control->control->bodies)
                if (const Operation* inner = withoutMatrix(body)) return inner;
        }
    }
    return nullptr;
}

std::string opaqueName(const Operation& operation) {
    if (const auto* gate = std::get_if<GateOp>(&operation.what)) return gate->name;
    return opaqueName(*withoutMatrix(*std::get<CallOp>(operation.what).body));
}

} // namespace

Result<void> checkRequest(const Circuit& circuit, const SimulationRequest& request, std::string_view id,
                          Abilities abilities) {
    if (request.method != "auto" && request.method != id)
        return fail(ErrorCode::Unsupported, "the simulator '{}' was asked to run as '{}'", id, request.method);
    if (request.noise && !abilities.noise)
        return fail(ErrorCode::Unsupported,
                    "the simulator '{}' knows no noise; density, trajectories and pauli_transfer do", id);
    if (circuit.qubits < 1) return fail(ErrorCode::Unsupported, "the circuit has no qubits");
    if (!circuit.inputs.empty() || !request.inputs.empty()) {
        QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
        return checkRequest(bound, withoutInputs(request), id, abilities);
    }
    if (const auto kept = notSimulated(circuit)) return fail(ErrorCode::Unsupported, "{}", *kept);
    if (!abilities.decisions && hasControlFlow(circuit))
        return fail(
            ErrorCode::Unsupported,
            "the circuit has branches, loops or classical values, which '{}' does not follow; 'statevector' does{}", id,
            request.noise ? ", without noise" : "");
    if (const Operation* opaque = withoutMatrix(circuit.operations))
        return fail(ErrorCode::Unsupported, "line {}: gate '{}' is opaque: it has no matrix to simulate",
                    opaque->span.line, opaqueName(*opaque));
    if (request.shots < 0 || request.shots > kMostShots)
        return fail(ErrorCode::OutOfRange, "{} shots; 0 to {} are possible", request.shots, kMostShots);
    for (const std::string& text : request.observables) QSCOPE_CHECK(parsePauliFactors(text, circuit.qubits));
    return {};
}

Result<void> refuseAmplitudes(const SimulationRequest& request, std::string_view id) {
    if (!request.amplitudes) return {};
    return fail(ErrorCode::Unsupported, "the simulator '{}' keeps no amplitudes; '{}' does", id,
                request.noise ? "density" : "statevector");
}

Result<void> refuseWideGates(const Circuit& circuit, std::size_t most, std::string_view id) {
    for (const Operation& operation : flatten(circuit).operations)
        if (const auto* gate = std::get_if<GateOp>(&operation.what); gate && gate->qubits.size() > most)
            return fail(ErrorCode::Unsupported, "line {}: gate '{}' is on {} qubits; '{}' takes gates on at most {}",
                        operation.span.line, gate->name, gate->qubits.size(), id, most);
    return {};
}

SimulationRequest withoutInputs(SimulationRequest request) {
    request.inputs.clear();
    return request;
}

bool printsBits(bool measures, const std::vector<Register>& cregs) {
    return measures && !std::ranges::all_of(cregs, &Register::local);
}

std::string bytesText(double bytes) {
    constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit < 6; ++unit) bytes /= 1024;
    return fmt::format("{:.3g} {}", bytes, kUnits[unit]);
}

std::string printedBits(const std::vector<bool>& clbits, const std::vector<Register>& cregs) {
    std::string text;
    for (std::size_t r = cregs.size(); r-- > 0;) {
        if (cregs[r].local) continue;
        if (!text.empty()) text += ' ';
        for (int k = cregs[r].size - 1; k >= 0; --k)
            text += clbits[static_cast<std::size_t>(cregs[r].first + k)] ? '1' : '0';
    }
    return text;
}

bool conditionHolds(const Condition& condition, const std::vector<Register>& cregs, const std::vector<bool>& clbits) {
    const Register& creg = cregs[static_cast<std::size_t>(condition.creg)];
    for (int i = 0; i < creg.size; ++i) {
        const bool wanted = i < 64 && (condition.value >> i & 1);
        if (clbits[static_cast<std::size_t>(creg.first + i)] != wanted) return false;
    }
    return creg.size >= 64 || condition.value >> creg.size == 0;
}

std::vector<OutcomeCount> sortedCounts(const std::map<std::string, std::int64_t>& counts) {
    std::vector<OutcomeCount> result;
    for (const auto& [bits, times] : counts) result.push_back({bits, times});
    std::ranges::stable_sort(result, std::ranges::greater{}, &OutcomeCount::count);
    return result;
}

} // namespace qscope::engine
