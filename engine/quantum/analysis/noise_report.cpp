// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/noise_report.h"

#include "engine/quantum/modified_gate.h"
#include "engine/quantum/sim/density_matrix.h"
#include "engine/quantum/sim/noisy_program.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/sim/state_views.h"
#include "engine/quantum/sim/trajectory.h"

#include <Eigen/Core>

#include <algorithm>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::MatrixXcd;

constexpr std::size_t kMostGate = 4;           ///< qubits of a noisy gate
constexpr std::size_t kMostBranches = 1 << 16; ///< products of Kraus matrices of one gate's channels

/// A matrix on some of `count` local qubits, as one on all of them. `places[k]` is where its bit k goes.
Matrix widened(const std::vector<Complex>& entries, const std::vector<std::size_t>& places, std::size_t count) {
    const std::size_t size = std::size_t{1} << count, small = std::size_t{1} << places.size();
    const auto local = [&](std::size_t index) {
        std::size_t bits = 0;
        for (std::size_t k = 0; k < places.size(); ++k) bits |= (index >> places[k] & 1) << k;
        return bits;
    };
    std::size_t mine = 0;
    for (const std::size_t place : places) mine |= std::size_t{1} << place;
    Matrix wide = Matrix::Zero(static_cast<Eigen::Index>(size), static_cast<Eigen::Index>(size));
    for (std::size_t row = 0; row < size; ++row)
        for (std::size_t column = 0; column < size; ++column)
            if ((row & ~mine) == (column & ~mine))
                wide(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(column)) =
                    entries[local(row) * small + local(column)];
    return wide;
}

/// Sum over the branches of |tr(U^-1 K_last ... K_first rho)|^2, where one of each factor's matrices is taken.
double kept(const std::vector<std::vector<Matrix>>& factors, std::size_t from, const Matrix& sofar,
            const Matrix& back) {
    if (from == factors.size()) return std::norm((back * sofar).trace());
    double sum = 0;
    for (const Matrix& factor : factors[from]) sum += kept(factors, from + 1, factor * sofar, back);
    return sum;
}

/// What the steps of one flat operation (channels before it, its gate, channels after it) lose on `state`, the ideal
/// one before it.
Result<double> lossOf(std::span<const NoisyStep> steps, const std::vector<int>& qubits, const StateSnapshot& state,
                      const RunContext& context) {
    if (qubits.size() > kMostGate)
        return fail(ErrorCode::Unsupported, "the noise of a gate on {} qubits is not taken apart; {} are the limit",
                    qubits.size(), kMostGate);
    QSCOPE_TRY(const auto density, reducedDensity(state, qubits, context));
    const auto size = Eigen::Index{1} << qubits.size();
    const Matrix rho = Eigen::Map<const Matrix>(density.data(), size, size).transpose(); // row-major there
    const auto placesOf = [&](const std::vector<int>& of) {
        std::vector<std::size_t> places;
        for (const int qubit : of)
            places.push_back(static_cast<std::size_t>(std::ranges::find(qubits, qubit) - qubits.begin()));
        return places;
    };
    std::vector<std::vector<Matrix>> factors;
    Matrix back = Matrix::Identity(size, size);
    std::size_t branches = 1;
    for (const NoisyStep& step : steps) {
        if (const auto* gate = std::get_if<GateOp>(&step.what)) {
            const Matrix unitary = widened(fullMatrix(*gate), placesOf(gate->qubits), qubits.size());
            back = unitary.adjoint();
            factors.push_back({unitary});
        } else if (const auto* channel = std::get_if<ChannelOp>(&step.what)) {
            auto& branch = factors.emplace_back();
            for (const DenseMatrix& kraus : channel->channel->kraus)
                branch.push_back(widened(kraus, placesOf(channel->qubits), qubits.size()));
            branches *= std::max<std::size_t>(1, branch.size());
            if (branches > kMostBranches)
                return fail(ErrorCode::Unsupported, "the channels of one gate have more than {} branches together",
                            kMostBranches);
        }
    }
    return std::max(0.0, 1 - kept(factors, 0, rho, back));
}

/// Ideal and noisy mixed states side by side; nothing above `kMostExact` qubits.
class ExactPair {
public:
    Result<void> start(int qubits) {
        if (qubits > kMostExact) return {};
        QSCOPE_TRY(DensityMatrix ideal, DensityMatrix::zeroState(qubits, Precision::Double));
        QSCOPE_TRY(DensityMatrix noisy, DensityMatrix::zeroState(qubits, Precision::Double));
        m_states.push_back(std::move(ideal));
        m_states.push_back(std::move(noisy));
        return {};
    }
    Result<void> apply(const NoisyStep& step, const RunContext& context) {
        if (m_states.empty()) return {};
        if (const auto* gate = std::get_if<GateOp>(&step.what)) {
            const PauliMap map = pauliMap(*gate);
            for (DensityMatrix& state : m_states) QSCOPE_CHECK(state.apply({&map, 1}, context));
        } else if (const auto* channel = std::get_if<ChannelOp>(&step.what)) {
            const PauliMap map = pauliMap(channel->qubits, channel->channel->kraus);
            return m_states[1].apply({&map, 1}, context);
        }
        return {};
    }
    /// Appends the fidelity until there are `count` of them.
    Result<void> record(std::vector<double>& fidelity, std::size_t count, const RunContext& context) const {
        if (m_states.empty() || fidelity.size() >= count) return {};
        QSCOPE_TRY(const double value, m_states[0].overlap(m_states[1], context));
        fidelity.resize(count, value);
        return {};
    }

private:
    std::vector<DensityMatrix> m_states; ///< ideal, noisy
};

/// Gates alone, then measurements; resets of qubits that nothing has touched do nothing and may be there.
Result<void> checkMeasuresLast(const NoisyProgram& program, const FlatCircuit& flat) {
    std::vector<bool> touched(static_cast<std::size_t>(program.qubits));
    for (const NoisyStep& step : program.steps) {
        bool midway = step.condition.has_value();
        if (const auto* gate = std::get_if<GateOp>(&step.what))
            for (const int qubit : gate->qubits) touched[static_cast<std::size_t>(qubit)] = true;
        else if (const auto* reset = std::get_if<ResetOp>(&step.what))
            midway = midway || touched[static_cast<std::size_t>(reset->qubit)];
        else if (const auto* channel = std::get_if<ChannelOp>(&step.what))
            for (const int qubit : channel->qubits) touched[static_cast<std::size_t>(qubit)] = true;
        else
            midway = midway || !step.terminal;
        if (midway)
            return fail(
                ErrorCode::Unsupported,
                "line {}: a fidelity along the circuit is defined here for gates alone, with all measurements at "
                "the end; this one decides something on the way",
                flat.operations[step.operation].span.line);
    }
    return {};
}

} // namespace

Result<NoiseReport> noiseReport(const Circuit& circuit, const SimulationRequest& request, const RunContext& context) {
    if (!circuit.inputs.empty()) {
        QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
        return noiseReport(bound, withoutInputs(request), context);
    }
    SimulationRequest whole = request;
    whole.method = "auto";
    whole.steps = SIZE_MAX;
    QSCOPE_TRY(const NoisyProgram program, makeNoisyProgram(circuit, whole));
    const Program ideal = makeProgram(circuit, SIZE_MAX);
    QSCOPE_CHECK(checkMeasuresLast(program, ideal.flat));
    QSCOPE_TRY(Trajectory run, startTrajectory(ideal, Precision::Double, {{0}, {}}, context));
    ExactPair exact;
    QSCOPE_CHECK(exact.start(circuit.qubits));

    NoiseReport report;
    report.qubits = circuit.qubits;
    context.progress.total = static_cast<std::int64_t>(program.steps.size());
    for (std::size_t begin = 0, end = 0; begin < program.steps.size(); begin = end) {
        if (context.cancelled()) return cancelled();
        const std::size_t flat = program.steps[begin].operation;
        while (end < program.steps.size() && program.steps[end].operation == flat) ++end;
        const std::span steps(program.steps.data() + begin, end - begin);
        const std::size_t written = ideal.flat.origin[flat];
        QSCOPE_CHECK(exact.record(report.fidelity, written + 1, context)); // of all operations before
        QSCOPE_CHECK(advance(ideal, 0, flat, false, run, context));
        const StateSnapshot state{
            std::shared_ptr<const StateBuffer>(std::shared_ptr<void>(), run.buffer.get()), circuit.qubits, {}};
        const auto gate = std::ranges::find_if(
            steps, [](const NoisyStep& step) { return std::holds_alternative<GateOp>(step.what); });
        const auto share = [&](std::span<const NoisyStep> part, std::string name,
                               const std::vector<int>& qubits) -> Result<void> {
            QSCOPE_TRY(const double loss, lossOf(part, qubits, state, context));
            report.shares.push_back({written, std::move(name), qubits, loss});
            return {};
        };
        if (gate != steps.end()) {
            const auto& op = std::get<GateOp>(gate->what);
            if (steps.size() > 1) QSCOPE_CHECK(share(steps, op.name, op.qubits));
        } else {
            const auto& what = ideal.flat.operations[flat].what;
            const char* name = std::holds_alternative<MeasureOp>(what) ? "measure"
                               : std::holds_alternative<ResetOp>(what) ? "reset"
                                                                       : "wait";
            for (std::size_t i = 0; i < steps.size(); ++i)
                if (const auto* channel = std::get_if<ChannelOp>(&steps[i].what))
                    QSCOPE_CHECK(share(steps.subspan(i, 1), name, channel->qubits));
        }
        for (const NoisyStep& step : steps) QSCOPE_CHECK(exact.apply(step, context));
        context.progress.done.store(static_cast<std::int64_t>(end), std::memory_order_relaxed);
    }
    QSCOPE_CHECK(exact.record(report.fidelity, circuit.operations.size() + 1, context));
    report.independent.assign(circuit.operations.size() + 1, 1);
    for (const NoiseShare& share : report.shares) report.independent[share.operation + 1] *= 1 - share.loss;
    for (std::size_t k = 1; k < report.independent.size(); ++k) report.independent[k] *= report.independent[k - 1];
    return report;
}

} // namespace qscope::engine
