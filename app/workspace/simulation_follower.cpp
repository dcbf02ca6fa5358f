// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/simulation_follower.h"

#include "engine/backend/cpu_state.h"

#include <algorithm>

namespace qscope {

namespace {

/// What kept states may take: a quarter of what is free, and no more than this.
constexpr std::uint64_t kMostKept = 512u << 20;

std::uint64_t roomForStates() { return std::min(kMostKept, engine::cpu::freeMemory() / 4); }

} // namespace

Result<const engine::Simulator*> chooseSimulator(const engine::Registries& registries, const engine::Circuit& circuit,
                                                 const engine::SimulationRequest& request) {
    Error reason{ErrorCode::Unsupported, "no simulator is installed; enable its plugin", {}};
    for (const auto& simulator : registries.simulators.items()) {
        if (request.method != "auto" && request.method != simulator->id()) continue;
        const auto accepted = simulator->accepts(circuit, request);
        if (accepted) return simulator.get();
        reason = accepted.error();
    }
    return tl::unexpected(reason);
}

SimulationFollower::SimulationFollower(const engine::Registries& registries, JobList& jobs,
                                       JobRunner::BackendSource backend, QObject* parent)
    : QObject(parent), m_registries(registries), m_runner(jobs, std::move(backend)) {}

void SimulationFollower::setCircuit(std::shared_ptr<const OpenCircuit> circuit) {
    m_circuit = std::move(circuit);
    m_step = -1;
    restart();
}

void SimulationFollower::setStep(std::int64_t step) {
    if (step == m_step) return;
    m_step = step;
    m_stepping = m_stepping || m_result; // the first state of a circuit needs no others kept
    m_result = nullptr;
    m_problem.clear();
    m_stale = m_circuit && m_circuit->circuit;
    if (m_recording && m_runner.running()) return; // it takes up the step when it is done
    m_runner.cancel();
    if (m_wanted && m_stale) update();
}

void SimulationFollower::setWanted(bool wanted) {
    m_wanted = wanted;
    if (m_wanted && m_stale) update();
}

void SimulationFollower::setOptions(const SimulationOptions& options) {
    if (options == m_options) return;
    m_options = options;
    restart();
}

void SimulationFollower::restart() {
    m_runner.cancel();
    m_states = nullptr;
    m_stepping = m_recording = false;
    m_result = nullptr;
    m_problem.clear();
    m_stale = m_circuit && m_circuit->circuit;
    if (m_wanted && m_stale) update();
}

void SimulationFollower::update() {
    if (m_recording && m_runner.running()) return;
    m_stale = false;
    const auto circuit = m_circuit->circuit;
    engine::SimulationRequest request;
    request.precision = m_options.precision;
    request.shots = m_options.shots;
    request.seed = m_options.seed;
    request.observables = m_options.observables;
    request.amplitudes = true; // the views show the state
    for (const auto& input : circuit->inputs) {
        const auto given = m_options.inputs.find(input.name);
        request.inputs[input.name] = given == m_options.inputs.end() ? 0 : given->second;
    }
    if (m_step >= 0) request.steps = static_cast<std::size_t>(m_step);
    const auto simulator = chooseSimulator(m_registries, *circuit, request);
    if (!simulator) {
        m_problem = QString::fromStdString(describe(simulator.error()));
        emit changed();
        return;
    }
    if ((*simulator)->id() == "statevector" && m_stepping) {
        if (!m_states) return record(request);
        return runJob(
            m_runner, tr("State after %1 operations").arg(std::min(request.steps, circuit->operations.size())),
            [states = m_states, steps = request.steps](const RunContext& context) { return states->at(steps, context); },
            [this](Result<engine::SimulationResult> result) { take(std::move(result)); });
    }
    runJob(
        m_runner, tr("Simulation of %n operation(s)", nullptr,
                     static_cast<int>(std::min(request.steps, circuit->operations.size()))),
        [circuit, request, simulator = *simulator](const RunContext& context) {
            return simulator->run(*circuit, request, context);
        },
        [this](Result<engine::SimulationResult> result) { take(std::move(result)); });
}

void SimulationFollower::record(const engine::SimulationRequest& request) {
    m_recording = true;
    runJob(
        m_runner, tr("Keeping the states along the circuit"),
        [circuit = m_circuit->circuit, request, room = roomForStates()](const RunContext& context) {
            return engine::StepStates::record(*circuit, request, room, context);
        },
        [this](Result<std::shared_ptr<const engine::StepStates>> states) {
            m_recording = false;
            if (!states) return take(tl::unexpected(states.error()));
            m_states = *std::move(states);
            m_stale = true;
            if (m_wanted) update();
        });
}

void SimulationFollower::take(Result<engine::SimulationResult> result) {
    if (result) m_result = std::make_shared<const engine::SimulationResult>(*std::move(result));
    else m_problem = QString::fromStdString(describe(result.error()));
    emit changed();
}

} // namespace qscope
