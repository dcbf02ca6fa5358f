// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/noisy_trajectories.h"

#include "engine/quantum/sim/fusion.h"
#include "engine/quantum/sim/request_checks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace qscope::engine {

namespace {

/// A string on the channel's qubits as one on the circuit's.
PauliString placed(const PauliString& local, const std::vector<int>& qubits) {
    PauliString string;
    for (std::size_t k = 0; k < qubits.size(); ++k) {
        string.x |= (local.x >> k & 1) << qubits[k];
        string.z |= (local.z >> k & 1) << qubits[k];
    }
    return string;
}

/// Tr(P K^dagger K) / 2^k.
double effectWeight(const DenseMatrix& kraus, const PauliString& pauli, std::size_t size) {
    std::complex<double> trace = 0;
    for (std::size_t c = 0; c < size; ++c) {
        // P|c> = i^(number of Y) (-1)^(ones of c where z is set) |c ^ x>, so the trace takes entry (c, c ^ x).
        std::complex<double> entry = 0;
        for (std::size_t k = 0; k < size; ++k) entry += std::conj(kraus[k * size + c]) * kraus[k * size + (c ^ pauli.x)];
        constexpr std::complex<double> kTurns[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
        trace += kTurns[(std::popcount(pauli.x & pauli.z) + 2 * std::popcount(c & pauli.z)) % 4] * entry;
    }
    return trace.real() / static_cast<double>(size);
}

} // namespace

NoisyPlan::NoisyPlan(const NoisyProgram& program) : m_program(program) {
    for (const NoisyStep& step : program.steps) {
        const auto* op = std::get_if<ChannelOp>(&step.what);
        if (!op || !op->channel->chances.empty()) continue;
        auto& effects = m_effects[op->channel.get()];
        if (!effects.empty()) continue;
        const std::size_t size = std::size_t{1} << op->channel->qubits;
        for (std::uint64_t x = 0; x < size; ++x)
            for (std::uint64_t z = 0; z < size; ++z) {
                Effect effect{{x, z}, {}};
                for (const DenseMatrix& kraus : op->channel->kraus) effect.weights.push_back(effectWeight(kraus, effect.string, size));
                const bool zero = std::ranges::all_of(effect.weights, [](double weight) { return std::abs(weight) < 1e-15; });
                if (!zero) effects.push_back(std::move(effect));
            }
    }
}

/// Carries one state through the program.
class NoisyWalker {
public:
    NoisyWalker(const NoisyPlan& plan, std::uint64_t seed, NoisyShots& group, std::vector<NoisyShots>& others, StateBuffer& state,
                NoisyRun& result, const RunContext& context)
        : m_plan(plan), m_program(plan.m_program), m_seed(seed), m_group(group), m_others(others), m_state(state),
          m_result(result), m_context(context), m_fuser(plan.m_program.qubits, fusionCosts(context.backend)) {}

    Result<void> step(const NoisyStep& step) {
        if (step.terminal || (step.condition && !conditionHolds(*step.condition, m_program.cregs, m_result.state.clbits))) return {};
        if (const auto* gate = std::get_if<GateOp>(&step.what)) return add(*gate);
        if (const auto* channel = std::get_if<ChannelOp>(&step.what)) return this->channel(*channel);
        if (const auto* measure = std::get_if<MeasureOp>(&step.what)) {
            QSCOPE_TRY(bool outcome, observe(measure->qubit));
            const ReadoutError& error = m_program.readout[static_cast<std::size_t>(measure->qubit)];
            const double wrong = outcome ? error.zeroGivenOne : error.oneGivenZero;
            if (wrong > 0 && branch(std::vector<double>{1 - wrong, wrong}) == 1) outcome = !outcome;
            m_result.state.clbits[static_cast<std::size_t>(measure->clbit)] = outcome;
            return {};
        }
        const int qubit = std::get<ResetOp>(step.what).qubit;
        QSCOPE_TRY(const bool outcome, observe(qubit));
        return outcome ? add(GateOp{"x", {}, {qubit}}) : Result<void>{};
    }

    Result<void> flush() {
        const auto gates = m_fuser.take();
        m_result.passes += static_cast<std::int64_t>(gates.size());
        return m_context.backend.applyGates(m_state, gates, m_context);
    }

private:
    Result<void> add(const GateOp& gate) {
        m_fuser.add(gate);
        return m_fuser.full() ? flush() : Result<void>{};
    }

    /// The branch that is followed; shots that draw another one leave the group.
    std::size_t branch(const std::vector<double>& chances) {
        const std::size_t event = m_result.branches.size();
        if (event == m_group.branches.size()) {
            const double total = std::accumulate(chances.begin(), chances.end(), 0.0);
            std::vector<std::vector<std::uint64_t>> drawn(chances.size());
            for (const std::uint64_t shot : m_group.shots) {
                double left = uniform(m_seed, shot, event) * total;
                std::size_t choice = 0;
                std::size_t possible = 0;
                for (; choice < chances.size(); ++choice) {
                    if (chances[choice] > 0) possible = choice;
                    left -= std::max(chances[choice], 0.0);
                    if (left < 0) break;
                }
                drawn[std::min(choice, possible)].push_back(shot);
            }
            const auto most = std::ranges::max_element(drawn, {}, [](const auto& shots) { return shots.size(); });
            for (auto shots = drawn.begin(); shots != drawn.end(); ++shots) {
                if (shots == most || shots->empty()) continue;
                NoisyShots other{std::move(*shots), m_group.branches};
                other.branches.push_back(static_cast<std::uint8_t>(shots - drawn.begin()));
                m_others.push_back(std::move(other));
            }
            m_group.shots = std::move(*most);
            m_group.branches.push_back(static_cast<std::uint8_t>(most - drawn.begin()));
        }
        m_result.branches.push_back(m_group.branches[event]);
        return m_group.branches[event];
    }

    Result<void> channel(const ChannelOp& op) {
        const Channel& channel = *op.channel;
        if (!channel.chances.empty()) {
            const std::size_t chosen = channel.chances.size() == 1 ? 0 : branch(channel.chances);
            if (channel.paulis.empty()) return matrix(op, channel.kraus[chosen], 1 / std::sqrt(channel.chances[chosen]));
            const std::string& string = channel.paulis[chosen];
            for (std::size_t k = 0; k < string.size(); ++k) {
                const char letter = string[string.size() - 1 - k];
                if (letter != 'I') QSCOPE_CHECK(add(GateOp{std::string(1, static_cast<char>(letter - 'A' + 'a')), {}, {op.qubits[k]}}));
            }
            return {};
        }
        QSCOPE_CHECK(flush());
        std::vector<double> chances(channel.kraus.size());
        for (const auto& effect : m_plan.m_effects.at(&channel)) {
            QSCOPE_TRY(const double value, m_context.backend.expectation(m_state, placed(effect.string, op.qubits), m_context));
            for (std::size_t k = 0; k < chances.size(); ++k) chances[k] += effect.weights[k] * value;
        }
        const std::size_t chosen = branch(chances);
        if (!(chances[chosen] > 0)) return fail(ErrorCode::OutOfRange, "a branch of channel '{}' became impossible", channel.kind);
        return matrix(op, channel.kraus[chosen], 1 / std::sqrt(chances[chosen]));
    }

    Result<void> matrix(const ChannelOp& op, const DenseMatrix& kraus, double scale) {
        QSCOPE_CHECK(flush());
        FusedGate gate{FusedGate::Form::Dense, op.qubits, 0, kraus};
        for (auto& entry : gate.entries) entry *= scale;
        ++m_result.passes;
        return m_context.backend.applyGates(m_state, {&gate, 1}, m_context);
    }

    /// Measures a qubit; the state collapses.
    Result<bool> observe(int qubit) {
        QSCOPE_CHECK(flush());
        QSCOPE_TRY(const auto p, m_context.backend.marginals(m_state, {&qubit, 1}, m_context));
        const std::size_t outcome = branch(p);
        QSCOPE_CHECK(m_context.backend.collapse(m_state, qubit, outcome == 1, p[outcome], m_context));
        return outcome == 1;
    }

    const NoisyPlan& m_plan;
    const NoisyProgram& m_program;
    std::uint64_t m_seed;
    NoisyShots& m_group;
    std::vector<NoisyShots>& m_others;
    StateBuffer& m_state;
    NoisyRun& m_result;
    const RunContext& m_context;
    Fuser m_fuser;
};

Result<NoisyRun> NoisyPlan::run(Precision precision, std::uint64_t seed, NoisyShots& group, std::vector<NoisyShots>& others,
                                const RunContext& context) const {
    QSCOPE_TRY(auto buffer, context.backend.makeState(m_program.qubits, precision));
    NoisyRun result;
    result.state.qubits = m_program.qubits;
    result.state.clbits.resize(static_cast<std::size_t>(m_program.clbits));
    NoisyWalker walker(*this, seed, group, others, *buffer, result, context);
    for (const NoisyStep& step : m_program.steps) {
        if (context.cancelled()) return cancelled();
        QSCOPE_CHECK(walker.step(step));
    }
    QSCOPE_CHECK(walker.flush());
    result.state.buffer = std::move(buffer);
    return result;
}

} // namespace qscope::engine
