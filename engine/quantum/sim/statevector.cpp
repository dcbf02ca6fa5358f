// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/core/random.h"
#include "engine/quantum/conventions.h"
#include "engine/quantum/gates.h"
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/sim/simulation.h"
#include "engine/quantum/sim/state_scan.h"
#include "engine/quantum/sim/trajectory.h"

#include <algorithm>
#include <chrono>
#include <map>

namespace qscope::engine {

namespace {

constexpr int kMostQubits = 48; ///< 2^48 amplitudes: more than any one machine holds
constexpr std::int64_t kMostShots = 100'000'000;

std::string bytesText(int qubits, Precision precision) {
    // Beyond 64-bit sizes as well: 2^(qubits + 3 or 4) bytes.
    const int power = qubits + (precision == Precision::Single ? 3 : 4);
    constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    const int unit = std::min(power / 10, 6);
    if (power - 10 * unit > 30) return fmt::format("2^{} bytes", power);
    return fmt::format("{} {}", std::int64_t{1} << (power - 10 * unit), kUnits[unit]);
}

std::string freeText(std::uint64_t bytes) { return fmt::format("{:.3g} GiB", static_cast<double>(bytes) / (1u << 30)); }

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

bool allClifford(const std::vector<Operation>& operations) {
    return std::ranges::all_of(operations, [](const Operation& operation) {
        if (const auto* call = std::get_if<CallOp>(&operation.what)) return allClifford(*call->body);
        if (const auto* control = std::get_if<ControlOp>(&operation.what))
            return std::ranges::all_of(control->control->bodies, allClifford);
        const auto* gate = std::get_if<GateOp>(&operation.what);
        const GateInfo* info = gate ? findGate(gate->name) : nullptr;
        return !gate || (info && info->clifford);
    });
}

std::string otherEngine(const Circuit& circuit) {
    return allClifford(circuit.operations)
               ? "all of its gates are Clifford gates, so that a stabilizer engine could run it"
               : "a matrix product state engine could run it if its qubits are weakly entangled";
}

Result<void> checkRequest(const Circuit& circuit, const SimulationRequest& request, std::string_view id) {
    if (request.method != "auto" && request.method != id)
        return fail(ErrorCode::Unsupported, "the simulator '{}' was asked to run as '{}'", id, request.method);
    if (circuit.qubits < 1) return fail(ErrorCode::Unsupported, "the circuit has no qubits");
    if (!circuit.inputs.empty() || !request.inputs.empty()) QSCOPE_CHECK(bindInputs(circuit, request.inputs));
    if (const auto kept = notSimulated(circuit)) return fail(ErrorCode::Unsupported, "{}", *kept);
    if (const Operation* opaque = withoutMatrix(circuit.operations))
        return fail(ErrorCode::Unsupported, "line {}: gate '{}' is opaque: it has no matrix to simulate", opaque->span.line,
                    opaqueName(*opaque));
    if (circuit.qubits > kMostQubits)
        return fail(ErrorCode::OutOfMemory, "a state vector of {} qubits needs {}, more than any machine has; {}",
                    circuit.qubits, bytesText(circuit.qubits, request.precision), otherEngine(circuit));
    if (request.shots < 0 || request.shots > kMostShots)
        return fail(ErrorCode::OutOfRange, "{} shots; 0 to {} are possible", request.shots, kMostShots);
    for (const std::string& text : request.observables) QSCOPE_CHECK(parsePauli(text, circuit.qubits));
    return {};
}

/// Classical bits as registers are printed: last declared leftmost, a space between them; local ones are no outcome.
std::string printed(const std::vector<bool>& clbits, const std::vector<Register>& cregs) {
    std::string text;
    for (std::size_t r = cregs.size(); r-- > 0;) {
        if (cregs[r].local) continue;
        if (!text.empty()) text += ' ';
        for (int k = cregs[r].size - 1; k >= 0; --k)
            text += clbits[static_cast<std::size_t>(cregs[r].first + k)] ? '1' : '0';
    }
    return text;
}

using Counts = std::map<std::string, std::int64_t>;

/// Adds what the shots of one trajectory print.
Result<void> countShots(const Program& program, const Trajectory& run, const std::vector<std::uint64_t>& shots,
                        std::uint64_t seed, Counts& counts, const RunContext& context) {
    std::vector<const MeasureOp*> terminal;
    bool measures = false;
    for (std::size_t i = 0; i < program.length; ++i) {
        const auto* measure = std::get_if<MeasureOp>(&program.flat.operations[i].what);
        measures = measures || measure || std::holds_alternative<ControlOp>(program.flat.operations[i].what);
        if (measure && program.terminal[i]) terminal.push_back(measure);
    }
    measures = measures && !std::ranges::all_of(program.cregs, &Register::local);
    if (measures && terminal.empty()) {
        counts[printed(run.state.clbits, program.cregs)] += static_cast<std::int64_t>(shots.size());
        return {};
    }
    std::vector<double> draws;
    draws.reserve(shots.size());
    for (const std::uint64_t shot : shots) draws.push_back(uniform(seed, shot, run.outcomes.size()));
    std::ranges::sort(draws);
    QSCOPE_TRY(const auto indices, context.backend.sample(*run.state.buffer, draws, context));
    for (std::size_t i = 0; i < indices.size();) {
        std::size_t end = i; // equal indices are neighbours
        while (end < indices.size() && indices[end] == indices[i]) ++end;
        std::string text;
        if (measures) {
            auto clbits = run.state.clbits;
            for (const MeasureOp* measure : terminal)
                clbits[static_cast<std::size_t>(measure->clbit)] = indices[i] >> measure->qubit & 1;
            text = printed(clbits, program.cregs);
        } else {
            text = bitString(indices[i], program.qubits);
        }
        counts[text] += static_cast<std::int64_t>(end - i);
        i = end;
    }
    return {};
}

class StatevectorSimulator final : public Simulator {
public:
    std::string id() const override { return "statevector"; }
    std::string name() const override { return "State vector"; }

    Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const override {
        QSCOPE_CHECK(checkRequest(circuit, request, id()));
        const std::uint64_t available = cpu::freeMemory();
        if (cpu::stateBytes(circuit.qubits, request.precision) <= available) return {};
        if (request.precision == Precision::Double && cpu::stateBytes(circuit.qubits, Precision::Single) <= available)
            return fail(ErrorCode::OutOfMemory, "a state vector of {} qubits needs {} in double precision, {} are free; "
                        "single precision would fit", circuit.qubits, bytesText(circuit.qubits, request.precision),
                        freeText(available));
        return fail(ErrorCode::OutOfMemory, "a state vector of {} qubits needs {}, {} are free; {}", circuit.qubits,
                    bytesText(circuit.qubits, request.precision), freeText(available), otherEngine(circuit));
    }

    Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request,
                                 const RunContext& context) const override {
        QSCOPE_CHECK(checkRequest(circuit, request, id()));
        const auto begin = std::chrono::steady_clock::now();
        if (!circuit.inputs.empty()) {
            QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
            SimulationRequest rest = request;
            rest.inputs.clear();
            return run(bound, rest, context);
        }
        const Program program = makeProgram(circuit, request.steps);
        context.progress.total = static_cast<std::int64_t>(program.length);

        // Shot 0 is the run that is shown, whether or not anything is counted.
        ShotGroup shown;
        for (std::int64_t shot = 0; shot < std::max<std::int64_t>(request.shots, 1); ++shot)
            shown.shots.push_back(static_cast<std::uint64_t>(shot));
        std::vector<ShotGroup> others;
        QSCOPE_TRY(Trajectory trajectory,
                   runTrajectory(program, request.precision, request.seed, shown, others, true, context));

        SimulationResult result;
        result.method = id();
        result.device = context.backend.name();
        result.precision = request.precision;
        result.qubits = circuit.qubits;
        result.gates = trajectory.gates;
        result.fusedGates = trajectory.fusedGates;
        result.state = trajectory.state;
        if (request.shots > 0) {
            QSCOPE_TRY(result.counts, count(program, request, trajectory, shown, std::move(others), context));
        }
        QSCOPE_TRY(const StateScan scan, scanState(result.state, request.top, context));
        result.norm = scan.norm;
        for (const Amplitude& amplitude : scan.largest)
            result.probabilities.push_back({amplitude.index, std::norm(amplitude.value)});
        for (const std::string& text : request.observables) {
            QSCOPE_TRY(const PauliString pauli, parsePauli(text, circuit.qubits));
            QSCOPE_TRY(const double value, context.backend.expectation(*result.state.buffer, pauli, context));
            result.expectations.push_back({text, value});
        }
        result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        return result;
    }

private:
    /// Most frequent first, equal ones by their bits.
    static Result<std::vector<OutcomeCount>> count(const Program& program, const SimulationRequest& request,
                                                   const Trajectory& shown, const ShotGroup& shownShots,
                                                   std::vector<ShotGroup> others, const RunContext& context) {
        Counts counts;
        QSCOPE_CHECK(countShots(program, shown, shownShots.shots, request.seed, counts, context));
        while (!others.empty()) {
            ShotGroup group = std::move(others.back());
            others.pop_back();
            QSCOPE_TRY(const Trajectory run,
                       runTrajectory(program, request.precision, request.seed, group, others, false, context));
            QSCOPE_CHECK(countShots(program, run, group.shots, request.seed, counts, context));
        }
        std::vector<OutcomeCount> result;
        for (const auto& [bits, times] : counts) result.push_back({bits, times});
        std::ranges::stable_sort(result, std::ranges::greater{}, &OutcomeCount::count);
        return result;
    }
};

} // namespace

std::unique_ptr<Simulator> makeStatevectorSimulator() { return std::make_unique<StatevectorSimulator>(); }

} // namespace qscope::engine
