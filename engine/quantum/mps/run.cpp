// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/mps/run.h"

#include "engine/core/random.h"
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/sim/request_checks.h"

#include <algorithm>

namespace qscope::engine {

namespace {

/// Measures a qubit: the state collapses and shots with another outcome leave the group.
bool observe(ChainRun& run, int qubit, std::uint64_t seed, ShotGroup& group, std::vector<ShotGroup>& others) {
    const double one = run.state.probabilityOfOne(qubit);
    const std::size_t event = run.outcomes.size();
    if (event == group.outcomes.size()) {
        const auto drawn = [&](std::uint64_t shot) { return uniform(seed, shot, event) >= 1 - one; };
        const bool first = drawn(group.shots.front());
        ShotGroup other;
        std::vector<std::uint64_t> same;
        for (const std::uint64_t shot : group.shots) (drawn(shot) == first ? same : other.shots).push_back(shot);
        if (!other.shots.empty()) {
            other.outcomes = group.outcomes;
            other.outcomes.push_back(!first);
            others.push_back(std::move(other));
        }
        group.shots = std::move(same);
        group.outcomes.push_back(first);
    }
    const bool outcome = group.outcomes[event];
    run.outcomes.push_back(outcome);
    run.state.collapse(qubit, outcome, outcome ? one : 1 - one);
    return outcome;
}

} // namespace

Result<ChainRun> runChain(const Program& program, const SimulationRequest& request, ShotGroup& group,
                          std::vector<ShotGroup>& others, bool showProgress, const RunContext& context,
                          const ChainVisit& before) {
    ChainRun run{MatrixProduct(program.qubits, request.bond, request.cutoff), {}, {}};
    const int clbits = program.cregs.empty() ? 0 : program.cregs.back().first + program.cregs.back().size;
    run.clbits.resize(static_cast<std::size_t>(clbits));
    for (std::size_t i = 0; i < program.length; ++i) {
        const Operation& operation = program.flat.operations[i];
        if (context.cancelled()) return cancelled();
        if (before) before(i, run.state);
        if (showProgress) context.progress.done.store(static_cast<std::int64_t>(i), std::memory_order_relaxed);
        if (std::holds_alternative<BarrierOp>(operation.what) || program.terminal[i]) continue;
        if (operation.condition && !conditionHolds(*operation.condition, program.cregs, run.clbits)) continue;
        if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            QSCOPE_CHECK(run.state.apply(fullMatrix(*gate), gate->qubits, context));
            ++run.gates;
        } else if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            run.clbits[static_cast<std::size_t>(measure->clbit)] =
                observe(run, measure->qubit, request.seed, group, others);
        } else if (const auto* reset = std::get_if<ResetOp>(&operation.what)) {
            const std::vector<std::complex<double>> flip = {0, 1, 1, 0};
            if (observe(run, reset->qubit, request.seed, group, others))
                QSCOPE_CHECK(run.state.apply(flip, {&reset->qubit, 1}, context));
        } else {
            return fail(ErrorCode::Unsupported, "line {}: 'mps' does not know this operation", operation.span.line);
        }
    }
    return run;
}

Result<void> countChain(const Program& program, ChainRun& run, const std::vector<std::uint64_t>& shots,
                        std::uint64_t seed, std::map<std::string, std::int64_t>& counts, const RunContext& context) {
    std::vector<const MeasureOp*> terminal;
    bool measures = false;
    for (std::size_t i = 0; i < program.length; ++i) {
        const auto* measure = std::get_if<MeasureOp>(&program.flat.operations[i].what);
        measures = measures || measure;
        if (measure && program.terminal[i]) terminal.push_back(measure);
    }
    measures = printsBits(measures, program.cregs);
    if (measures && terminal.empty()) {
        counts[printedBits(run.clbits, program.cregs)] += static_cast<std::int64_t>(shots.size());
        return {};
    }
    constexpr std::size_t kBlock = 1 << 16;
    for (std::size_t begin = 0; begin < shots.size(); begin += kBlock) {
        const auto block = std::span(shots).subspan(begin, std::min(kBlock, shots.size() - begin));
        QSCOPE_TRY(const auto sampled, run.state.sample(block, seed, run.outcomes.size(), context));
        for (const auto& qubits : sampled) {
            if (!measures) {
                ++counts[printedBits(qubits, {{"q", 0, program.qubits}})];
                continue;
            }
            auto clbits = run.clbits;
            for (const MeasureOp* measure : terminal)
                clbits[static_cast<std::size_t>(measure->clbit)] = qubits[static_cast<std::size_t>(measure->qubit)];
            ++counts[printedBits(clbits, program.cregs)];
        }
    }
    return {};
}

} // namespace qscope::engine
