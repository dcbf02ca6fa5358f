// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/parallel.h"
#include "engine/quantum/sim/density_matrix.h"
#include "engine/quantum/sim/noisy_program.h"
#include "engine/quantum/sim/request_checks.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <tuple>

namespace qscope::engine {

namespace {

constexpr int kMostQubits = 24;            ///< 4^24 numbers: more than any one machine holds
constexpr std::size_t kMostGate = 5;       ///< qubits of a gate, whose matrix has 4^(2 k) numbers
constexpr std::size_t kMostRecords = 4096; ///< of classical bits that differ on the way
constexpr int kMostListed = 1 << 20;

// Time of one gate or channel of a long circuit, most of them joined, from `bench_state`.
constexpr double kStepSeconds = 4e-6;
constexpr double kSingleSeconds = 1.1e-10; ///< per number of the matrix and thread
constexpr double kDoubleSeconds = 1.9e-10;

/// The unnormalised state for each record of classical bits so far; traces are the records' probabilities.
using Records = std::map<std::vector<bool>, DensityMatrix>;

/// Carries the mixed state through a program. All outcomes of measurements on the way are followed, so nothing is random.
class DensityRun {
public:
    DensityRun(const NoisyProgram& program, const SimulationRequest& request, const RunContext& context)
        : m_program(program), m_request(request), m_context(context), m_fuser(program.qubits) {}

    Result<void> run() {
        QSCOPE_TRY(DensityMatrix zero, DensityMatrix::zeroState(m_program.qubits, m_request.precision));
        m_records.emplace(std::vector<bool>(static_cast<std::size_t>(m_program.clbits)), std::move(zero));
        for (std::size_t i = 0; i < m_program.steps.size(); ++i) {
            if (m_context.cancelled()) return cancelled();
            if (!m_program.steps[i].terminal) QSCOPE_CHECK(step(m_program.steps[i], m_program.readLater[i]));
            m_context.progress.done.store(static_cast<std::int64_t>(i + 1), std::memory_order_relaxed);
        }
        return flush();
    }
    [[nodiscard]] Records& records() { return m_records; }
    [[nodiscard]] std::int64_t passes() const { return m_passes; }

private:
    Result<void> step(const NoisyStep& step, bool readLater) {
        if (const auto* measure = std::get_if<MeasureOp>(&step.what)) {
            // Without counts, an outcome that no condition reads leaves only its disturbance.
            if (readLater || m_request.shots > 0) return this->measure(*measure, step.condition);
            return change(dephasingMap(measure->qubit), step.condition);
        }
        if (const auto* reset = std::get_if<ResetOp>(&step.what)) return change(resetMap(reset->qubit), step.condition);
        if (const auto* channel = std::get_if<ChannelOp>(&step.what))
            return change(channelMap(*channel), step.condition);
        return change(gateMap(std::get<GateOp>(step.what)), step.condition);
    }

    Result<void> change(PauliMap map, const std::optional<Condition>& condition) {
        if (!condition) {
            m_fuser.add(std::move(map));
            return m_fuser.full() ? flush() : Result<void>{};
        }
        QSCOPE_CHECK(flush());
        for (auto& [clbits, state] : m_records)
            if (conditionHolds(*condition, m_program.cregs, clbits)) QSCOPE_CHECK(state.apply({&map, 1}, m_context));
        ++m_passes;
        return {};
    }

    Result<void> flush() {
        const auto maps = m_fuser.take();
        m_passes += static_cast<std::int64_t>(maps.size());
        for (auto& [clbits, state] : m_records) QSCOPE_CHECK(state.apply(maps, m_context));
        return {};
    }

    /// Every record splits by what is recorded; records that have become alike are joined.
    Result<void> measure(const MeasureOp& measure, const std::optional<Condition>& condition) {
        QSCOPE_CHECK(flush());
        Records before = std::move(m_records);
        m_records.clear();
        const double least = m_request.precision == Precision::Single ? 1e-9 : 1e-15;
        while (!before.empty()) {
            auto node = before.extract(before.begin());
            if (condition && !conditionHolds(*condition, m_program.cregs, node.key())) {
                QSCOPE_CHECK(keep(node.key(), std::move(node.mapped())));
                continue;
            }
            for (const bool recorded : {false, true}) {
                const PauliMap map = recordMap(measure.qubit, recorded, m_program.readout[static_cast<std::size_t>(measure.qubit)]);
                const PauliString z{0, std::uint64_t{1} << measure.qubit};
                const double probability = map.entries[0] * node.mapped().trace() + map.entries[2] * node.mapped().expectation(z);
                if (probability <= least) continue;
                QSCOPE_TRY(DensityMatrix state, node.mapped().copy());
                QSCOPE_CHECK(state.apply({&map, 1}, m_context));
                std::vector<bool> clbits = node.key();
                clbits[static_cast<std::size_t>(measure.clbit)] = recorded;
                QSCOPE_CHECK(keep(std::move(clbits), std::move(state)));
            }
        }
        ++m_passes;
        return {};
    }

    Result<void> keep(std::vector<bool> clbits, DensityMatrix state) {
        const auto found = m_records.find(clbits);
        if (found != m_records.end()) return found->second.add(state, m_context);
        if (m_records.size() == kMostRecords)
            return fail(ErrorCode::Unsupported, "measurements on the way lead to more than {} different records; trajectories can run "
                        "this circuit", kMostRecords);
        m_records.emplace(std::move(clbits), std::move(state));
        return {};
    }

    /// Maps of gates and channels, each made once.
    PauliMap gateMap(const GateOp& gate) {
        auto& map = m_gates[{gate.name, gate.parameters, gate.detail}];
        if (map.qubits.empty()) map = pauliMap(gate);
        map.qubits = gate.qubits;
        return map;
    }
    PauliMap channelMap(const ChannelOp& op) {
        auto& map = m_channels[op.channel.get()];
        if (map.qubits.empty()) map = pauliMap(op.qubits, op.channel->kraus);
        map.qubits = op.qubits;
        return map;
    }

    const NoisyProgram& m_program;
    const SimulationRequest& m_request;
    const RunContext& m_context;
    PauliFuser m_fuser;
    Records m_records;
    std::int64_t m_passes = 0;
    std::map<std::tuple<std::string, std::vector<double>, std::shared_ptr<const GateDetail>>, PauliMap> m_gates;
    std::map<const Channel*, PauliMap> m_channels;
};

/// Shots over all records and basis states together. Shot s takes `uniform(seed, s, 0)` for its outcome.
std::vector<OutcomeCount> sampled(const NoisyProgram& program, const Records& records,
                                  const std::vector<std::vector<double>>& probabilities, const SimulationRequest& request) {
    struct Draw {
        double value;
        std::uint64_t shot;
    };
    double total = 0;
    for (const auto& list : probabilities)
        for (const double p : list) total += std::max(p, 0.0);
    std::vector<Draw> draws;
    for (std::int64_t shot = 0; shot < request.shots; ++shot)
        draws.push_back({uniform(request.seed, static_cast<std::uint64_t>(shot), 0) * total, static_cast<std::uint64_t>(shot)});
    std::ranges::sort(draws, {}, &Draw::value);
    std::map<std::string, std::int64_t> counts;
    double sum = 0;
    auto next = draws.begin();
    std::size_t record = 0;
    for (const auto& [clbits, state] : records) {
        const auto& list = probabilities[record++];
        for (std::size_t index = 0; index < list.size() && next != draws.end(); ++index) {
            if (list[index] <= 0) continue;
            sum += list[index];
            const auto end = std::ranges::lower_bound(next, draws.end(), sum, {}, &Draw::value);
            if (!program.misread && end != next) counts[recorded(program, index, clbits, {})] += end - next;
            if (program.misread)
                for (auto draw = next; draw != end; ++draw) ++counts[recorded(program, index, clbits, {request.seed, draw->shot, 1})];
            next = end;
        }
    }
    return sortedCounts(counts);
}

/// The most probable basis states, lower index first among equals.
std::vector<BasisProbability> largest(const std::vector<double>& probabilities, int most) {
    std::vector<BasisProbability> list;
    for (std::size_t index = 0; index < probabilities.size(); ++index)
        if (probabilities[index] > 0) list.push_back({index, probabilities[index], {}, 0});
    const auto end = list.begin() + std::min<std::ptrdiff_t>(most, std::ssize(list));
    std::ranges::partial_sort(list, end, [](const BasisProbability& a, const BasisProbability& b) {
        return a.probability != b.probability ? a.probability > b.probability : a.index < b.index;
    });
    list.erase(end, list.end());
    return list;
}

class DensitySimulator final : public Simulator {
public:
    std::string id() const override { return "density"; }
    std::string name() const override { return "Density matrix"; }
    bool knowsNoise() const override { return true; }

    std::optional<SimulationEstimate> estimate(const Circuit& circuit, const SimulationRequest& request) const override {
        const auto program = makeNoisyProgram(circuit, request);
        if (!program) return std::nullopt;
        double steps = 0, splits = 0; // what is applied to every record, and measurements that double the records
        for (std::size_t i = 0; i < program->steps.size(); ++i) {
            const NoisyStep& step = program->steps[i];
            steps += !step.terminal;
            splits += std::holds_alternative<MeasureOp>(step.what) && !step.terminal &&
                      (request.shots > 0 || program->readLater[i]);
        }
        const double records = std::min(std::exp2(splits), static_cast<double>(kMostRecords));
        const double numbers = std::exp2(2.0 * circuit.qubits);
        const bool single = request.precision == Precision::Single;
        return SimulationEstimate{.bytes = records * numbers * (single ? 4 : 8),
                                  .seconds = records * (steps + 2) * (kStepSeconds + numbers * (single ? kSingleSeconds : kDoubleSeconds) / availableThreads()),
                                  .amplitudes = true,
                                  .basis = fmt::format("4^{} numbers, {:.0f} gates and channels{}", circuit.qubits, steps,
                                                       splits > 0 ? fmt::format(", at most {:.0f} records of classical bits", records) : "")};
    }

    Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const override {
        QSCOPE_CHECK(checkNoisyMethod(request, id()));
        if (circuit.qubits > kMostQubits)
            return fail(ErrorCode::OutOfMemory, "a density matrix of {} qubits has 4^{} numbers, more than any machine holds; "
                        "trajectories need 2^{}", circuit.qubits, circuit.qubits, circuit.qubits);
        QSCOPE_CHECK(refuseWideGates(circuit, kMostGate, id()));
        QSCOPE_CHECK(makeNoisyProgram(circuit, request));
        return checkDensityFits(circuit.qubits, request.precision);
    }

    Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request, const RunContext& context) const override {
        QSCOPE_CHECK(accepts(circuit, request));
        if (request.top < 0 || request.top > kMostListed)
            return fail(ErrorCode::OutOfRange, "{} basis states to list; {} are the limit", request.top, kMostListed);
        const auto begin = std::chrono::steady_clock::now();
        QSCOPE_TRY(const NoisyProgram program, makeNoisyProgram(circuit, request));
        context.progress.total = static_cast<std::int64_t>(program.steps.size());
        DensityRun run(program, request, context);
        QSCOPE_CHECK(run.run());

        std::vector<int> all(static_cast<std::size_t>(circuit.qubits));
        for (int qubit = 0; qubit < circuit.qubits; ++qubit) all[static_cast<std::size_t>(qubit)] = qubit;
        std::vector<std::vector<double>> perRecord;
        for (const auto& [clbits, state] : run.records()) {
            QSCOPE_TRY(perRecord.emplace_back(), state.probabilities(all));
        }
        SimulationResult result;
        if (request.shots > 0) result.counts = sampled(program, run.records(), perRecord, request);

        DensityMatrix total = std::move(run.records().begin()->second);
        for (auto record = std::next(run.records().begin()); record != run.records().end(); ++record)
            QSCOPE_CHECK(total.add(record->second, context));
        for (std::size_t record = 1; record < perRecord.size(); ++record)
            for (std::size_t index = 0; index < perRecord[0].size(); ++index) perRecord[0][index] += perRecord[record][index];
        result.probabilities = largest(perRecord[0], request.top);
        result.method = id();
        const int threads = availableThreads();
        result.device = fmt::format("CPU, {} thread{}", threads, threads == 1 ? "" : "s");
        result.precision = request.precision;
        result.qubits = circuit.qubits;
        result.gates = program.gates;
        result.fusedGates = run.passes();
        result.norm = total.trace();
        for (const std::string& text : request.observables) {
            QSCOPE_TRY(const PauliString pauli, parsePauli(text, circuit.qubits));
            result.expectations.push_back({text, total.expectation(pauli), 0});
        }
        result.state.qubits = circuit.qubits;
        result.density = std::make_shared<const DensityMatrix>(std::move(total));
        result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        return result;
    }
};

} // namespace

std::unique_ptr<Simulator> makeDensitySimulator() { return std::make_unique<DensitySimulator>(); }

} // namespace qscope::engine
