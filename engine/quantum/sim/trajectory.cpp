// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/trajectory.h"

#include "engine/backend/state_copy.h"
#include "engine/core/random.h"
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/sim/fusion.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

std::vector<int> qubitsOf(const Operation& operation) {
    if (const auto* gate = std::get_if<GateOp>(&operation.what)) return gate->qubits;
    if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) return {measure->qubit};
    if (const auto* reset = std::get_if<ResetOp>(&operation.what)) return {reset->qubit};
    if (const auto* control = std::get_if<ControlOp>(&operation.what)) return control->control->qubits;
    return {}; // barriers do nothing to a state
}

/// Whether any classical bit may be read by it beyond a condition.
bool readsBits(const Operation& operation) {
    const auto* gate = std::get_if<GateOp>(&operation.what);
    return std::holds_alternative<ControlOp>(operation.what) || (gate && gate->detail && !gate->detail->expressions.empty());
}

bool mayEnd(const std::vector<Operation>& operations) {
    return std::ranges::any_of(operations, [](const Operation& operation) {
        const auto* control = std::get_if<ControlOp>(&operation.what);
        return control && (control->control->kind == Control::Kind::End || std::ranges::any_of(control->control->bodies, mayEnd));
    });
}

/// Carries one run through the program.
class Walker {
public:
    Walker(const Program& program, std::uint64_t seed, Trajectory& at, const RunContext& context)
        : m_program(program), m_seed(seed), m_at(at), m_context(context), m_fuser(program.qubits, fusionCosts(context.backend)) {}

    /// False when the run has come to its end.
    Result<bool> step(std::size_t index) {
        if (m_program.terminal[index]) return true;
        QSCOPE_TRY(const Leave leave, run(m_program.flat.operations[index]));
        return leave != Leave::End;
    }

    Result<void> flush() {
        const auto gates = m_fuser.take();
        m_at.fusedGates += static_cast<std::int64_t>(gates.size());
        return m_context.backend.applyGates(*m_at.buffer, gates, m_context);
    }

private:
    /// How an operation ended: how far out of the bodies around it the run goes on.
    enum class Leave : std::uint8_t { Not, Continue, Break, Return, End };

    Result<Leave> run(const Operation& operation) {
        if (operation.condition && !holds(*operation.condition)) return Leave::Not;
        if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            QSCOPE_CHECK(apply(*gate, operation.span));
        } else if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            QSCOPE_TRY(const bool outcome, observe(measure->qubit));
            m_at.memory.clbits[static_cast<std::size_t>(measure->clbit)] = outcome;
        } else if (const auto* reset = std::get_if<ResetOp>(&operation.what)) {
            if (!m_at.touched[static_cast<std::size_t>(reset->qubit)]) return Leave::Not; // still |0>
            QSCOPE_TRY(const bool outcome, observe(reset->qubit));
            if (outcome) m_fuser.add(GateOp{"x", {}, {reset->qubit}});
        } else if (const auto* call = std::get_if<CallOp>(&operation.what)) {
            return runAll(*call->body);
        } else if (const auto* control = std::get_if<ControlOp>(&operation.what)) {
            return run(*control->control, operation.span);
        }
        return Leave::Not;
    }

    Result<Leave> runAll(const std::vector<Operation>& operations) {
        for (const Operation& operation : operations) {
            QSCOPE_TRY(const Leave leave, run(operation));
            if (leave != Leave::Not) return leave;
        }
        return Leave::Not;
    }

    Result<Leave> run(const Control& control, const SourceSpan& span) {
        using Kind = Control::Kind;
        switch (control.kind) {
        case Kind::Continue: return Leave::Continue;
        case Kind::Break: return Leave::Break;
        case Kind::Return: return Leave::Return;
        case Kind::End: return Leave::End;
        case Kind::External:
            return fail(ErrorCode::Unsupported, "line {}: {} is kept, but not simulated", span.line, control.label);
        case Kind::Assign: {
            QSCOPE_TRY(const Scalar value, evaluated(control.value, span));
            assign(control.target, value);
            return Leave::Not;
        }
        case Kind::If: {
            QSCOPE_TRY(const Scalar value, evaluated(control.value, span));
            if (value.isTrue()) return runAll(control.bodies[0]);
            return control.bodies.size() > 1 ? runAll(control.bodies[1]) : Leave::Not;
        }
        case Kind::Call: {
            QSCOPE_TRY(const Leave leave, runAll(control.bodies[0]));
            return leave == Leave::Return ? Leave::Not : leave;
        }
        case Kind::Block:
            for (const auto& body : control.bodies) {
                QSCOPE_CHECK(turn(span));
                QSCOPE_TRY(const Leave leave, runAll(body));
                if (leave == Leave::Break) break;
                if (leave > Leave::Break) return leave;
            }
            return Leave::Not;
        case Kind::While: break;
        }
        for (;;) {
            QSCOPE_TRY(const Scalar value, evaluated(control.value, span));
            if (!value.isTrue()) return Leave::Not;
            QSCOPE_CHECK(turn(span));
            QSCOPE_TRY(const Leave leave, runAll(control.bodies[0]));
            if (leave == Leave::Break) return Leave::Not;
            if (leave > Leave::Break) return leave;
        }
    }

    /// Counts the turns of loops, so that none is endless, and stops when asked to.
    Result<void> turn(const SourceSpan& span) {
        if (m_context.cancelled()) return cancelled();
        if (++m_at.turns <= kMostLoopTurns) return {};
        return fail(ErrorCode::Unsupported, "line {}: the loops of this run have turned {} times, which is the limit", span.line,
                    kMostLoopTurns);
    }

    Result<Scalar> evaluated(const ClassicalExpression& expression, const SourceSpan& span) const {
        const auto value = evaluate(expression, m_at.memory);
        if (!value) return fail(ErrorCode::OutOfRange, "line {}: a value here is not defined, such as a division by zero", span.line);
        return *value;
    }

    void assign(const ClassicalStep& target, const Scalar& value) {
        if (target.op == ClassicalOp::Variable) {
            m_at.memory.variables[static_cast<std::size_t>(target.index)] = value;
            return;
        }
        for (int i = 0; i < target.type.width; ++i)
            m_at.memory.clbits[static_cast<std::size_t>(target.index + i)] = value.word >> i & 1;
    }

    Result<void> apply(const GateOp& gate, const SourceSpan& span) {
        for (const int qubit : gate.qubits) m_at.touched[static_cast<std::size_t>(qubit)] = true;
        ++m_at.gates;
        if (!gate.detail || gate.detail->expressions.empty()) {
            m_fuser.add(gate);
        } else {
            GateOp now = gate;
            for (std::size_t i = 0; i < now.parameters.size(); ++i) {
                if (!std::isnan(now.parameters[i])) continue;
                QSCOPE_TRY(const Scalar value, evaluated(gate.detail->expressions[i], span));
                now.parameters[i] = value.asDouble();
                if (!std::isfinite(now.parameters[i]))
                    return fail(ErrorCode::OutOfRange, "line {}: a parameter of '{}' is not a finite number", span.line, gate.name);
            }
            m_fuser.add(now);
        }
        return m_fuser.full() ? flush() : Result<void>{};
    }

    [[nodiscard]] bool holds(const Condition& condition) const {
        const Register& creg = m_program.cregs[static_cast<std::size_t>(condition.creg)];
        for (int i = 0; i < creg.size; ++i) {
            const bool wanted = i < 64 && (condition.value >> i & 1);
            if (m_at.memory.clbits[static_cast<std::size_t>(creg.first + i)] != wanted) return false;
        }
        return creg.size >= 64 || condition.value >> creg.size == 0;
    }

    /// Measures a qubit: the state collapses and shots with another outcome leave the group.
    Result<bool> observe(int qubit) {
        QSCOPE_CHECK(flush());
        QSCOPE_TRY(const auto p, m_context.backend.marginals(*m_at.buffer, {&qubit, 1}, m_context));
        const double zero = p[0] / (p[0] + p[1]);
        const std::size_t event = m_at.outcomes.size();
        if (event == m_at.group.outcomes.size()) {
            const auto drawn = [&](std::uint64_t shot) { return uniform(m_seed, shot, event) >= zero; };
            const bool outcome = drawn(m_at.group.shots.front());
            ShotGroup other;
            std::vector<std::uint64_t> same;
            for (const std::uint64_t shot : m_at.group.shots) (drawn(shot) == outcome ? same : other.shots).push_back(shot);
            if (!other.shots.empty()) {
                other.outcomes = m_at.group.outcomes;
                other.outcomes.push_back(!outcome);
                m_at.others.push_back(std::move(other));
            }
            m_at.group.shots = std::move(same);
            m_at.group.outcomes.push_back(outcome);
        }
        const bool outcome = m_at.group.outcomes[event];
        m_at.outcomes.push_back(outcome);
        m_at.touched[static_cast<std::size_t>(qubit)] = true;
        QSCOPE_CHECK(m_context.backend.collapse(*m_at.buffer, qubit, outcome, p[outcome ? 1 : 0], m_context));
        return outcome;
    }

    const Program& m_program;
    std::uint64_t m_seed;
    Trajectory& m_at;
    const RunContext& m_context;
    Fuser m_fuser;
};

} // namespace

Program makeProgram(const Circuit& circuit, std::size_t steps) {
    Program program{flatten(circuit), circuit.qubits, circuit.cregs, circuit.variables, {}, 0};
    const auto& operations = program.flat.operations;
    program.terminal.resize(operations.size());
    std::vector<bool> qubitUsed(static_cast<std::size_t>(circuit.qubits));
    std::vector<bool> bitWritten(static_cast<std::size_t>(circuit.clbits));
    std::vector<bool> registerRead(circuit.cregs.size());
    const bool ends = mayEnd(operations);
    for (std::size_t i = operations.size(); i-- > 0;) {
        const Operation& operation = operations[i];
        if (readsBits(operation)) registerRead.assign(registerRead.size(), true);
        if (operation.condition) registerRead[static_cast<std::size_t>(operation.condition->creg)] = true;
        if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            const auto after = std::ranges::upper_bound(circuit.cregs, measure->clbit, {}, &Register::first);
            const auto creg = static_cast<std::size_t>(after - circuit.cregs.begin()) - 1;
            const auto clbit = static_cast<std::size_t>(measure->clbit);
            program.terminal[i] = !ends && !operation.condition && !qubitUsed[static_cast<std::size_t>(measure->qubit)] &&
                                  !bitWritten[clbit] && !registerRead[creg];
            if (program.terminal[i]) continue;
            bitWritten[clbit] = true;
        }
        for (const int qubit : qubitsOf(operation)) qubitUsed[static_cast<std::size_t>(qubit)] = true;
    }
    program.length = lengthOf(program.flat, steps);
    return program;
}

std::size_t lengthOf(const FlatCircuit& flat, std::size_t steps) {
    return static_cast<std::size_t>(std::ranges::lower_bound(flat.origin, steps) - flat.origin.begin());
}

Result<Trajectory> startTrajectory(const Program& program, Precision precision, ShotGroup group,
                                   const RunContext& context) {
    Trajectory run;
    QSCOPE_TRY(run.buffer, context.backend.makeState(program.qubits, precision));
    const int clbits = program.cregs.empty() ? 0 : program.cregs.back().first + program.cregs.back().size;
    run.memory.clbits.resize(static_cast<std::size_t>(clbits));
    for (const ClassicalVariable& variable : program.variables) run.memory.variables.push_back({variable.type, 0, 0});
    run.touched.resize(static_cast<std::size_t>(program.qubits));
    run.group = std::move(group);
    return run;
}

Result<void> advance(const Program& program, std::uint64_t seed, std::size_t end, bool showProgress, Trajectory& run,
                     const RunContext& context) {
    Walker walker(program, seed, run, context);
    for (; run.next < end && !run.ended; ++run.next) {
        if (context.cancelled()) return cancelled();
        QSCOPE_TRY(const bool goesOn, walker.step(run.next));
        run.ended = !goesOn;
        if (showProgress) context.progress.done.store(static_cast<std::int64_t>(run.next + 1), std::memory_order_relaxed);
    }
    return walker.flush();
}

Result<Trajectory> copied(const Trajectory& run, const RunContext& context) {
    QSCOPE_TRY(auto buffer, copyState(context.backend, *run.buffer));
    return Trajectory{std::move(buffer), run.next, run.ended, run.memory, run.touched, run.turns, run.outcomes,
                      run.gates, run.fusedGates, run.group, run.others};
}

} // namespace qscope::engine
