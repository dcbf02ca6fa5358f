// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/other_states.h"

#include "engine/quantum/analysis/entanglement.h"
#include "engine/quantum/mps/run.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/stabilizer/run.h"

#include <algorithm>

namespace qscope::engine {

namespace {
constexpr int kMostTableau = 1024; ///< two million letters
}

Result<TableauText> stabilizerTableau(const Circuit& circuit, const SimulationRequest& request,
                                      const RunContext& context) {
    if (!circuit.inputs.empty()) {
        QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
        return stabilizerTableau(bound, withoutInputs(request), context);
    }
    if (circuit.qubits > kMostTableau)
        return fail(ErrorCode::OutOfRange, "a tableau of {} qubits is not written out; {} are the limit",
                    circuit.qubits, kMostTableau);
    SimulationRequest mine = request;
    mine.method = "stabilizer";
    mine.amplitudes = false;
    QSCOPE_CHECK(makeStabilizerSimulator()->accepts(circuit, mine));
    QSCOPE_TRY(const auto program, makeCliffordProgram(circuit, request.steps));
    QSCOPE_TRY(const CliffordRun run, runClifford(*program, request.seed, 0, context));
    TableauText text;
    text.qubits = circuit.qubits;
    for (int row = 0; row < circuit.qubits; ++row) {
        if (context.cancelled()) return cancelled();
        text.destabilizers.push_back(run.state.rowText(row));
        text.stabilizers.push_back(run.state.rowText(circuit.qubits + row));
    }
    return text;
}

Result<BondHistory> bondHistory(const Circuit& circuit, const SimulationRequest& request, int columns,
                                const RunContext& context) {
    if (!circuit.inputs.empty()) {
        QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
        return bondHistory(bound, withoutInputs(request), columns, context);
    }
    if (circuit.qubits < 2) return fail(ErrorCode::OutOfRange, "one qubit alone makes no chain");
    SimulationRequest mine = request;
    mine.method = "mps";
    mine.amplitudes = false;
    mine.steps = SIZE_MAX;
    mine.shots = 0;
    QSCOPE_CHECK(makeMpsSimulator()->accepts(circuit, mine));
    const Program program = makeProgram(circuit, SIZE_MAX);
    BondHistory history;
    history.qubits = circuit.qubits;
    history.steps = spreadSteps(circuit.operations.size(), static_cast<std::size_t>(std::max(columns, 2)));
    const std::size_t width = history.steps.size();
    history.bonds.resize(static_cast<std::size_t>(circuit.qubits - 1) * width);
    std::size_t column = 0;
    const auto record = [&](std::size_t applied, const MatrixProduct& state) {
        for (; column < width && lengthOf(program.flat, history.steps[column]) <= applied; ++column) {
            for (int site = 0; site + 1 < circuit.qubits; ++site)
                history.bonds[static_cast<std::size_t>(site) * width + column] = state.bond(site);
            history.fidelity.push_back(state.fidelity());
        }
    };
    context.progress.total = static_cast<std::int64_t>(program.length);
    ShotGroup shown{{0}, {}};
    std::vector<ShotGroup> others;
    QSCOPE_TRY(const ChainRun run, runChain(program, mine, shown, others, true, context, record));
    record(program.length, run.state);
    for (int site = 0; site < circuit.qubits; ++site) history.order.push_back(run.state.layout().qubit(site));
    return history;
}

} // namespace qscope::engine
