// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/statevector.h"

#include "engine/backend/cpu_state.h"
#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/quantum/conventions.h"
#include "engine/quantum/gates.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/sim/state_scan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

namespace qscope::engine {

namespace {

constexpr int kMostQubits = 48; ///< 2^48 amplitudes: more than any one machine holds

// Measured with `bench_state`, rounded up for circuits whose gates share less.
constexpr double kGateSeconds = 2e-6;
constexpr double kSingleSeconds = 0.1e-9; ///< of a gate of a long circuit, per amplitude and thread
constexpr double kDoubleSeconds = 0.2e-9;
constexpr double kLookSeconds = 1e-9; ///< of a measurement, per amplitude and thread

std::string stateText(int qubits, Precision precision) {
    // Beyond 64-bit sizes as well: 2^(qubits + 3 or 4) bytes.
    const int power = qubits + (precision == Precision::Single ? 3 : 4);
    constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    const int unit = std::min(power / 10, 6);
    if (power - 10 * unit > 30) return fmt::format("2^{} bytes", power);
    return fmt::format("{} {}", std::int64_t{1} << (power - 10 * unit), kUnits[unit]);
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

Result<void> check(const Circuit& circuit, const SimulationRequest& request, std::string_view id) {
    QSCOPE_CHECK(checkRequest(circuit, request, id, {.decisions = true}));
    if (circuit.qubits > kMostQubits)
        return fail(ErrorCode::OutOfMemory, "a state vector of {} qubits needs {}, more than any machine has; {}",
                    circuit.qubits, stateText(circuit.qubits, request.precision), otherEngine(circuit));
    return {};
}

using Counts = std::map<std::string, std::int64_t>;

/// Adds what the shots of one trajectory print.
Result<void> countShots(const Program& program, const Trajectory& run, std::uint64_t seed, Counts& counts,
                        const RunContext& context) {
    const auto& shots = run.group.shots;
    std::vector<const MeasureOp*> terminal;
    bool measures = false;
    for (std::size_t i = 0; i < program.length; ++i) {
        const auto* measure = std::get_if<MeasureOp>(&program.flat.operations[i].what);
        measures = measures || measure || std::holds_alternative<ControlOp>(program.flat.operations[i].what);
        if (measure && program.terminal[i]) terminal.push_back(measure);
    }
    measures = printsBits(measures, program.cregs);
    if (measures && terminal.empty()) {
        counts[printedBits(run.memory.clbits, program.cregs)] += static_cast<std::int64_t>(shots.size());
        return {};
    }
    std::vector<double> draws;
    draws.reserve(shots.size());
    for (const std::uint64_t shot : shots) draws.push_back(uniform(seed, shot, run.outcomes.size()));
    std::ranges::sort(draws);
    QSCOPE_TRY(const auto indices, context.backend.sample(*run.buffer, draws, context));
    for (std::size_t i = 0; i < indices.size();) {
        std::size_t end = i; // equal indices are neighbours
        while (end < indices.size() && indices[end] == indices[i]) ++end;
        std::string text;
        if (measures) {
            auto clbits = run.memory.clbits;
            for (const MeasureOp* measure : terminal)
                clbits[static_cast<std::size_t>(measure->clbit)] = indices[i] >> measure->qubit & 1;
            text = printedBits(clbits, program.cregs);
        } else {
            text = bitString(indices[i], program.qubits);
        }
        counts[text] += static_cast<std::int64_t>(end - i);
        i = end;
    }
    return {};
}

/// What an estimate counts; loops once, since only a run knows how often they turn.
struct Work {
    std::int64_t gates = 0;
    std::int64_t events = 0; ///< measurements and resets on the way
    std::int64_t decisions = 0;
};
void addWork(const Operation& operation, Work& work) {
    work.gates += std::holds_alternative<GateOp>(operation.what);
    work.events += std::holds_alternative<ResetOp>(operation.what) || std::holds_alternative<MeasureOp>(operation.what);
    if (const auto* call = std::get_if<CallOp>(&operation.what))
        for (const Operation& inner : *call->body) addWork(inner, work);
    const auto* control = std::get_if<ControlOp>(&operation.what);
    if (!control) return;
    ++work.decisions;
    for (const auto& body : control->control->bodies)
        for (const Operation& inner : body) addWork(inner, work);
}

class StatevectorSimulator final : public Simulator {
public:
    std::string id() const override { return "statevector"; }
    std::string name() const override { return "State vector"; }

    Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const override {
        QSCOPE_CHECK(check(circuit, request, id()));
        const std::uint64_t available = cpu::freeMemory();
        if (cpu::stateBytes(circuit.qubits, request.precision) <= available) return {};
        if (request.precision == Precision::Double && cpu::stateBytes(circuit.qubits, Precision::Single) <= available)
            return fail(ErrorCode::OutOfMemory, "a state vector of {} qubits needs {} in double precision, {} are free; "
                        "single precision would fit", circuit.qubits, stateText(circuit.qubits, request.precision),
                        bytesText(static_cast<double>(available)));
        return fail(ErrorCode::OutOfMemory, "a state vector of {} qubits needs {}, {} are free; {}", circuit.qubits,
                    stateText(circuit.qubits, request.precision), bytesText(static_cast<double>(available)), otherEngine(circuit));
    }

    std::optional<SimulationEstimate> estimate(const Circuit& circuit, const SimulationRequest& request) const override {
        const Program program = makeProgram(circuit, request.steps);
        Work work;
        for (std::size_t i = 0; i < program.length; ++i)
            if (!program.terminal[i]) addWork(program.flat.operations[i], work);
        const auto [gates, events, decisions] = work;
        const double most = decisions > 0 ? HUGE_VAL : std::exp2(events); // a loop measures again and again
        const double runs = events == 0 ? 1 : std::min(std::max<double>(1, static_cast<double>(request.shots)), most);
        const bool single = request.precision == Precision::Single;
        const double amplitudes = std::exp2(circuit.qubits);
        const double threads = availableThreads();
        const double gate = kGateSeconds + amplitudes * (single ? kSingleSeconds : kDoubleSeconds) / threads;
        const double look = kGateSeconds + amplitudes * kLookSeconds / threads;
        return SimulationEstimate{.bytes = amplitudes * (single ? 8 : 16),
                                  .seconds = runs * (gate * static_cast<double>(gates) + look * static_cast<double>(events + 2)),
                                  .amplitudes = true,
                                  .basis = fmt::format("2^{} amplitudes, {} gates{}, {:.0f} run{}", circuit.qubits, gates,
                                                       decisions > 0 ? " with every branch and loop once" : "", runs, runs > 1 ? "s" : "")};
    }

    Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request,
                                 const RunContext& context) const override {
        QSCOPE_CHECK(check(circuit, request, id()));
        const auto begin = std::chrono::steady_clock::now();
        if (!circuit.inputs.empty()) {
            QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
            return run(bound, withoutInputs(request), context);
        }
        const Program program = makeProgram(circuit, request.steps);
        context.progress.total = static_cast<std::int64_t>(program.length);

        // Shot 0 is the run that is shown, whether or not anything is counted.
        QSCOPE_TRY(Trajectory trajectory, startTrajectory(program, request.precision, allShots(request.shots), context));
        QSCOPE_CHECK(advance(program, request.seed, program.length, true, trajectory, context));
        QSCOPE_TRY(SimulationResult result, statevectorResult(program, request, std::move(trajectory), context));
        result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        return result;
    }
};

/// Most frequent first, equal ones by their bits.
Result<std::vector<OutcomeCount>> count(const Program& program, const SimulationRequest& request, Trajectory& shown,
                                        const RunContext& context) {
    Counts counts;
    QSCOPE_CHECK(countShots(program, shown, request.seed, counts, context));
    auto others = std::move(shown.others);
    while (!others.empty()) {
        ShotGroup group = std::move(others.back());
        others.pop_back();
        QSCOPE_TRY(Trajectory run, startTrajectory(program, request.precision, std::move(group), context));
        QSCOPE_CHECK(advance(program, request.seed, program.length, false, run, context));
        QSCOPE_CHECK(countShots(program, run, request.seed, counts, context));
        for (ShotGroup& left : run.others) others.push_back(std::move(left));
    }
    return sortedCounts(counts);
}

} // namespace

ShotGroup allShots(std::int64_t shots) {
    ShotGroup group;
    for (std::int64_t shot = 0; shot < std::max<std::int64_t>(shots, 1); ++shot)
        group.shots.push_back(static_cast<std::uint64_t>(shot));
    return group;
}

Result<SimulationResult> statevectorResult(const Program& program, const SimulationRequest& request, Trajectory run,
                                           const RunContext& context) {
    SimulationResult result;
    result.method = "statevector";
    result.device = context.backend.name();
    result.precision = request.precision;
    result.qubits = program.qubits;
    result.gates = run.gates;
    result.fusedGates = run.fusedGates;
    if (request.shots > 0) {
        QSCOPE_TRY(result.counts, count(program, request, run, context));
    }
    result.state = {std::move(run.buffer), program.qubits, std::move(run.memory.clbits)};
    QSCOPE_TRY(const StateScan scan, scanState(result.state, request.top, context));
    result.norm = scan.norm;
    for (const Amplitude& amplitude : scan.largest)
        result.probabilities.push_back({amplitude.index, std::norm(amplitude.value), {}, 0});
    for (const std::string& text : request.observables) {
        QSCOPE_TRY(const PauliString pauli, parsePauli(text, program.qubits));
        QSCOPE_TRY(const double value, context.backend.expectation(*result.state.buffer, pauli, context));
        result.expectations.push_back({text, value, 0});
    }
    return result;
}

std::unique_ptr<Simulator> makeStatevectorSimulator() { return std::make_unique<StatevectorSimulator>(); }

} // namespace qscope::engine
