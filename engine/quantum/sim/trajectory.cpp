// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/trajectory.h"

#include "engine/core/random.h"
#include "engine/quantum/sim/fusion.h"

#include <algorithm>

namespace qscope::engine {

namespace {

std::vector<int> qubitsOf(const Operation& operation) {
    if (const auto* gate = std::get_if<GateOp>(&operation.what)) return gate->qubits;
    if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) return {measure->qubit};
    if (const auto* reset = std::get_if<ResetOp>(&operation.what)) return {reset->qubit};
    return {}; // barriers do nothing to a state
}

/// Carries one state through the program.
class Walker {
public:
    Walker(const Program& program, std::uint64_t seed, ShotGroup& group, std::vector<ShotGroup>& others,
           StateBuffer& state, Trajectory& result, const RunContext& context)
        : m_program(program), m_seed(seed), m_group(group), m_others(others), m_state(state), m_result(result),
          m_context(context), m_fuser(program.qubits), m_touched(static_cast<std::size_t>(program.qubits)) {}

    Result<void> step(std::size_t index) {
        const Operation& operation = m_program.flat.operations[index];
        if (std::holds_alternative<BarrierOp>(operation.what) || m_program.terminal[index]) return {};
        if (operation.condition && !holds(*operation.condition)) return {};
        if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            for (const int qubit : gate->qubits) m_touched[static_cast<std::size_t>(qubit)] = true;
            ++m_result.gates;
            m_fuser.add(*gate);
            return m_fuser.full() ? flush() : Result<void>{};
        }
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            QSCOPE_TRY(const bool outcome, observe(measure->qubit));
            m_result.state.clbits[static_cast<std::size_t>(measure->clbit)] = outcome;
            return {};
        }
        const int qubit = std::get<ResetOp>(operation.what).qubit;
        if (!m_touched[static_cast<std::size_t>(qubit)]) return {}; // still |0>
        QSCOPE_TRY(const bool outcome, observe(qubit));
        if (outcome) m_fuser.add(GateOp{"x", {}, {qubit}});
        return {};
    }

    Result<void> flush() {
        const auto gates = m_fuser.take();
        m_result.fusedGates += static_cast<std::int64_t>(gates.size());
        return m_context.backend.applyGates(m_state, gates, m_context);
    }

private:
    [[nodiscard]] bool holds(const Condition& condition) const {
        const Register& creg = m_program.cregs[static_cast<std::size_t>(condition.creg)];
        for (int i = 0; i < creg.size; ++i) {
            const bool wanted = i < 64 && (condition.value >> i & 1);
            if (m_result.state.clbits[static_cast<std::size_t>(creg.first + i)] != wanted) return false;
        }
        return creg.size >= 64 || condition.value >> creg.size == 0;
    }

    /// Measures a qubit: the state collapses and shots with another outcome leave the group.
    Result<bool> observe(int qubit) {
        QSCOPE_CHECK(flush());
        QSCOPE_TRY(const auto p, m_context.backend.marginals(m_state, {&qubit, 1}, m_context));
        const double zero = p[0] / (p[0] + p[1]);
        const std::size_t event = m_result.outcomes.size();
        if (event == m_group.outcomes.size()) {
            const auto drawn = [&](std::uint64_t shot) { return uniform(m_seed, shot, event) >= zero; };
            const bool outcome = drawn(m_group.shots.front());
            ShotGroup other;
            std::vector<std::uint64_t> same;
            for (const std::uint64_t shot : m_group.shots) (drawn(shot) == outcome ? same : other.shots).push_back(shot);
            if (!other.shots.empty()) {
                other.outcomes = m_group.outcomes;
                other.outcomes.push_back(!outcome);
                m_others.push_back(std::move(other));
            }
            m_group.shots = std::move(same);
            m_group.outcomes.push_back(outcome);
        }
        const bool outcome = m_group.outcomes[event];
        m_result.outcomes.push_back(outcome);
        m_touched[static_cast<std::size_t>(qubit)] = true;
        QSCOPE_CHECK(m_context.backend.collapse(m_state, qubit, outcome, p[outcome ? 1 : 0], m_context));
        return outcome;
    }

    const Program& m_program;
    std::uint64_t m_seed;
    ShotGroup& m_group;
    std::vector<ShotGroup>& m_others;
    StateBuffer& m_state;
    Trajectory& m_result;
    const RunContext& m_context;
    Fuser m_fuser;
    std::vector<bool> m_touched;
};

} // namespace

Program makeProgram(const Circuit& circuit, std::size_t steps) {
    Program program{flatten(circuit), circuit.qubits, circuit.cregs, {}, 0};
    const auto& operations = program.flat.operations;
    program.terminal.resize(operations.size());
    std::vector<bool> qubitUsed(static_cast<std::size_t>(circuit.qubits));
    std::vector<bool> bitWritten(static_cast<std::size_t>(circuit.clbits));
    std::vector<bool> registerRead(circuit.cregs.size());
    for (std::size_t i = operations.size(); i-- > 0;) {
        const Operation& operation = operations[i];
        if (operation.condition) registerRead[static_cast<std::size_t>(operation.condition->creg)] = true;
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            const auto after = std::ranges::upper_bound(circuit.cregs, measure->clbit, {}, &Register::first);
            const auto creg = static_cast<std::size_t>(after - circuit.cregs.begin()) - 1;
            const auto clbit = static_cast<std::size_t>(measure->clbit);
            program.terminal[i] = !operation.condition && !qubitUsed[static_cast<std::size_t>(measure->qubit)] &&
                                  !bitWritten[clbit] && !registerRead[creg];
            if (program.terminal[i]) continue;
            bitWritten[clbit] = true;
        }
        for (const int qubit : qubitsOf(operation)) qubitUsed[static_cast<std::size_t>(qubit)] = true;
    }
    while (program.length < operations.size() && program.flat.origin[program.length] < steps) ++program.length;
    return program;
}

Result<Trajectory> runTrajectory(const Program& program, Precision precision, std::uint64_t seed, ShotGroup& group,
                                 std::vector<ShotGroup>& others, bool showProgress, const RunContext& context) {
    QSCOPE_TRY(auto buffer, context.backend.makeState(program.qubits, precision));
    Trajectory result;
    const int clbits = program.cregs.empty() ? 0 : program.cregs.back().first + program.cregs.back().size;
    result.state.qubits = program.qubits;
    result.state.clbits.resize(static_cast<std::size_t>(clbits));
    Walker walker(program, seed, group, others, *buffer, result, context);
    for (std::size_t i = 0; i < program.length; ++i) {
        if (context.cancelled()) return cancelled();
        QSCOPE_CHECK(walker.step(i));
        if (showProgress) context.progress.done.store(static_cast<std::int64_t>(i + 1), std::memory_order_relaxed);
    }
    QSCOPE_CHECK(walker.flush());
    result.state.buffer = std::move(buffer);
    return result;
}

} // namespace qscope::engine
