// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/step_states.h"

#include "engine/backend/cpu_state.h"
#include "engine/backend/state_copy.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/sim/statevector.h"

#include <algorithm>
#include <chrono>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kMostKept = 4096; ///< of small states; each costs some bookkeeping besides its amplitudes

/// What a run holds besides amplitudes: its shots are the most of it.
std::uint64_t besides(const SimulationRequest& request) {
    return 1024 + 8 * static_cast<std::uint64_t>(std::max<std::int64_t>(request.shots, 1));
}

/// The circuit with its inputs' values, and the request that goes with it.
Result<std::pair<Circuit, SimulationRequest>> bound(const Circuit& circuit, SimulationRequest request) {
    request.method = "statevector";
    request.steps = SIZE_MAX;
    QSCOPE_CHECK(makeStatevectorSimulator()->accepts(circuit, request));
    if (circuit.inputs.empty()) return std::pair(circuit, std::move(request));
    QSCOPE_TRY(Circuit with, bindInputs(circuit, request.inputs));
    return std::pair(std::move(with), withoutInputs(std::move(request)));
}

} // namespace

Result<std::shared_ptr<const StepStates>> StepStates::record(const Circuit& circuit, const SimulationRequest& request,
                                                             std::uint64_t bytes, const RunContext& context) {
    QSCOPE_TRY(auto with, bound(circuit, request));
    std::shared_ptr<StepStates> made(new StepStates);
    made->m_program = makeProgram(with.first, SIZE_MAX);
    made->m_request = std::move(with.second);
    const std::uint64_t each = cpu::stateBytes(circuit.qubits, request.precision);
    const std::uint64_t fitting =
        copiesStates(context.backend) && each < bytes ? std::min(bytes / (each + besides(request)), kMostKept) : 0;
    if (fitting == 0) return made;
    const std::size_t length = made->m_program.length;
    made->m_stride = std::max<std::size_t>(1, (length + fitting - 1) / fitting);
    context.progress.total = static_cast<std::int64_t>(length);
    QSCOPE_TRY(Trajectory run, startTrajectory(made->m_program, request.precision, allShots(request.shots), context));
    while (run.next < length && !run.ended) {
        const std::size_t end = std::min(length, run.next + made->m_stride);
        QSCOPE_CHECK(advance(made->m_program, request.seed, end, true, run, context));
        QSCOPE_TRY(Trajectory copy, copied(run, context));
        made->m_kept.push_back(std::move(copy));
    }
    return made;
}

Result<SimulationResult> StepStates::at(std::size_t steps, const RunContext& context) const {
    const auto begin = std::chrono::steady_clock::now();
    Program program = m_program;
    program.length = lengthOf(program.flat, steps);
    const auto after = std::ranges::upper_bound(m_kept, program.length, {}, &Trajectory::next);
    Trajectory run;
    if (after == m_kept.begin()) {
        QSCOPE_TRY(run, startTrajectory(program, m_request.precision, allShots(m_request.shots), context));
    } else {
        QSCOPE_TRY(run, copied(*std::prev(after), context));
    }
    QSCOPE_CHECK(advance(program, m_request.seed, program.length, false, run, context));
    QSCOPE_TRY(SimulationResult result, statevectorResult(program, m_request, std::move(run), context));
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return result;
}

Result<void> visitSteps(const Circuit& circuit, const SimulationRequest& request, std::span<const std::size_t> steps,
                        const StepVisit& visit, const RunContext& context) {
    QSCOPE_TRY(const auto with, bound(circuit, request));
    const Program program = makeProgram(with.first, SIZE_MAX);
    QSCOPE_TRY(Trajectory run, startTrajectory(program, request.precision, allShots(0), context));
    StateSnapshot lent{nullptr, circuit.qubits, {}};
    for (const std::size_t count : steps) {
        QSCOPE_CHECK(advance(program, request.seed, lengthOf(program.flat, count), false, run, context));
        lent.buffer = std::shared_ptr<const StateBuffer>(std::shared_ptr<void>(), run.buffer.get()); // not owned
        lent.clbits = run.memory.clbits;
        QSCOPE_CHECK(visit(count, lent));
    }
    return {};
}

} // namespace qscope::engine
