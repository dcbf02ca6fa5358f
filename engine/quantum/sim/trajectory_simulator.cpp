// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/core/parallel.h"
#include "engine/quantum/sim/noisy_trajectories.h"
#include "engine/quantum/sim/request_checks.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

namespace qscope::engine {

namespace {

constexpr std::int64_t kDefaultShots = 1000; ///< runs where only values are asked for
constexpr std::int64_t kMostShots = 1'000'000; ///< each may be a run of its own
constexpr std::size_t kTogether = 8;         ///< runs at a time, each on one core
constexpr int kSmall = 16;                   ///< up to so many qubits a run does not fill the cores by itself
constexpr std::uint64_t kBlock = 1 << 16;    ///< amplitudes fetched at a time
constexpr int kMostQubits = 48;
constexpr int kMostListed = 1 << 20;

// Time of one gate or channel, as for the state vector.
constexpr double kStepSeconds = 2e-6;
constexpr double kSingleSeconds = 1.0e-9; ///< per amplitude
constexpr double kDoubleSeconds = 1.8e-9;

/// Mean and standard error of what shots give, some of them the same.
struct Mean {
    double sum = 0;
    double squares = 0;
    void add(double value, double shots) {
        sum += shots * value;
        squares += shots * value * value;
    }
    [[nodiscard]] double mean(double count) const { return sum / count; }
    [[nodiscard]] double error(double count) const {
        const double variance = squares / count - mean(count) * mean(count);
        return count > 1 ? std::sqrt(std::max(variance, 0.0) / (count - 1)) : 0;
    }
};

/// What one run adds.
struct Share {
    NoisyShots group;
    std::vector<NoisyShots> others;
    NoisyRun run;
    std::vector<double> expectations;
    std::map<std::string, std::int64_t> counts;
};

class TrajectorySum {
public:
    TrajectorySum(const NoisyProgram& program, const SimulationRequest& request, std::vector<PauliString> observables)
        : m_program(program), m_request(request), m_observables(std::move(observables)), m_plan(program),
          m_means(m_observables.size()), m_probabilities(request.top > 0 ? std::size_t{1} << program.qubits : 0) {}

    Result<void> all(std::int64_t shots, const RunContext& context) {
        std::vector<NoisyShots> waiting(1);
        for (std::int64_t shot = 0; shot < shots; ++shot) waiting[0].shots.push_back(static_cast<std::uint64_t>(shot));
        context.progress.total = shots;
        const std::size_t together = m_program.qubits <= kSmall ? kTogether : 1;
        Progress unseen;
        const RunContext inner{context.stop, unseen, context.notes, context.backend};
        while (!waiting.empty()) {
            std::vector<Share> shares;
            while (!waiting.empty() && shares.size() < together) {
                shares.push_back({std::move(waiting.back()), {}, {}, {}, {}});
                waiting.pop_back();
            }
            QSCOPE_CHECK(parallelChunks(std::ssize(shares), 1, inner, [&](std::int64_t index, std::int64_t) {
                return one(shares[static_cast<std::size_t>(index)], inner);
            }));
            for (Share& share : shares) {
                QSCOPE_CHECK(take(share, context));
                for (NoisyShots& other : share.others) waiting.push_back(std::move(other));
                context.progress.done.fetch_add(std::ssize(share.group.shots), std::memory_order_relaxed);
            }
        }
        return {};
    }

    void report(SimulationResult& result, double shots) const {
        result.state = m_first;
        result.fusedGates = m_passes;
        result.norm = 0;
        for (const Mean& p : m_probabilities) result.norm += p.mean(shots);
        if (m_probabilities.empty()) result.norm = 1;
        for (std::size_t k = 0; k < m_means.size(); ++k)
            result.expectations.push_back({m_request.observables[k], m_means[k].mean(shots), m_means[k].error(shots)});
        std::vector<BasisProbability> list;
        for (std::size_t index = 0; index < m_probabilities.size(); ++index)
            if (m_probabilities[index].sum > 0)
                list.push_back({index, m_probabilities[index].mean(shots), {}, m_probabilities[index].error(shots)});
        const auto end = list.begin() + std::min<std::ptrdiff_t>(m_request.top, std::ssize(list));
        std::ranges::partial_sort(list, end, [](const BasisProbability& a, const BasisProbability& b) {
            return a.probability != b.probability ? a.probability > b.probability : a.index < b.index;
        });
        result.probabilities.assign(list.begin(), end);
        result.counts = sortedCounts(m_counts);
    }

private:
    Result<void> one(Share& share, const RunContext& context) const {
        QSCOPE_TRY(share.run, m_plan.run(m_request.precision, m_request.seed, share.group, share.others, context));
        for (const PauliString& observable : m_observables) {
            QSCOPE_TRY(share.expectations.emplace_back(), context.backend.expectation(*share.run.state.buffer, observable, context));
        }
        return m_request.shots > 0 ? count(share, context) : Result<void>{};
    }

    /// Draws each shot's outcome of the terminal measurements.
    Result<void> count(Share& share, const RunContext& context) const {
        const std::uint64_t event = share.run.branches.size();
        const auto& clbits = share.run.state.clbits;
        std::vector<std::pair<double, std::uint64_t>> draws;
        for (const std::uint64_t shot : share.group.shots) draws.emplace_back(uniform(m_request.seed, shot, event), shot);
        std::ranges::sort(draws);
        std::vector<double> sorted;
        for (const auto& draw : draws) sorted.push_back(draw.first);
        QSCOPE_TRY(const auto indices, context.backend.sample(*share.run.state.buffer, sorted, context));
        for (std::size_t i = 0; i < indices.size();) {
            std::size_t end = i + 1; // equal indices are neighbours, and print alike unless bits are misread
            while (!m_program.misread && end < indices.size() && indices[end] == indices[i]) ++end;
            share.counts[recorded(m_program, indices[i], clbits, {m_request.seed, draws[i].second, event + 1})] +=
                static_cast<std::int64_t>(end - i);
            i = end;
        }
        return {};
    }

    /// Adds a run's share; called in an order that does not depend on threads.
    Result<void> take(const Share& share, const RunContext& context) {
        const auto shots = static_cast<double>(share.group.shots.size());
        m_passes += share.run.passes;
        if (std::ranges::find(share.group.shots, 0u) != share.group.shots.end()) m_first = share.run.state;
        for (std::size_t k = 0; k < m_means.size(); ++k) m_means[k].add(share.expectations[k], shots);
        for (const auto& [bits, times] : share.counts) m_counts[bits] += times;
        std::vector<std::complex<double>> block(static_cast<std::size_t>(std::min<std::uint64_t>(m_probabilities.size(), kBlock)));
        for (std::size_t first = 0; first < m_probabilities.size(); first += block.size()) {
            if (context.cancelled()) return cancelled();
            QSCOPE_CHECK(context.backend.amplitudes(*share.run.state.buffer, first, block));
            for (std::size_t i = 0; i < block.size(); ++i) m_probabilities[first + i].add(std::norm(block[i]), shots);
        }
        return {};
    }

    const NoisyProgram& m_program;
    const SimulationRequest& m_request;
    std::vector<PauliString> m_observables;
    NoisyPlan m_plan;
    StateSnapshot m_first; ///< of shot 0
    std::int64_t m_passes = 0;
    std::vector<Mean> m_means;
    std::vector<Mean> m_probabilities; ///< of basis states, when they are to be listed
    std::map<std::string, std::int64_t> m_counts;
};

class TrajectorySimulator final : public Simulator {
public:
    std::string id() const override { return "trajectories"; }
    std::string name() const override { return "Noisy trajectories"; }
    bool knowsNoise() const override { return true; }

    std::optional<SimulationEstimate> estimate(const Circuit& circuit, const SimulationRequest& request) const override {
        const auto program = makeNoisyProgram(circuit, request);
        if (!program) return std::nullopt;
        const double runs = static_cast<double>(request.shots > 0 ? request.shots : kDefaultShots);
        const double amplitudes = std::exp2(circuit.qubits);
        const auto steps = static_cast<double>(program->steps.size());
        const bool single = request.precision == Precision::Single;
        const double pass = kStepSeconds + amplitudes * (single ? kSingleSeconds : kDoubleSeconds);
        const double states = circuit.qubits <= kSmall ? kTogether + 1 : 2;
        return SimulationEstimate{.bytes = amplitudes * (states * (single ? 8 : 16) + (request.top > 0 ? sizeof(Mean) : 0)),
                                  .seconds = runs * (steps + 2) * pass / availableThreads(),
                                  .amplitudes = true,
                                  .sampled = true,
                                  .basis = fmt::format("{:.0f} runs of 2^{} amplitudes, {:.0f} gates and channels", runs, circuit.qubits, steps)};
    }

    Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const override {
        QSCOPE_CHECK(checkNoisyMethod(request, id()));
        if (circuit.qubits > kMostQubits)
            return fail(ErrorCode::OutOfMemory, "noisy trajectories of {} qubits have 2^{} amplitudes, more than any machine holds; "
                        "pauli_transfer may give expectation values", circuit.qubits, circuit.qubits);
        QSCOPE_CHECK(makeNoisyProgram(circuit, request));
        if (request.shots > kMostShots)
            return fail(ErrorCode::OutOfRange, "{} noisy trajectories; up to {} are possible", request.shots, kMostShots);
        const std::uint64_t available = cpu::freeMemory();
        int fits = circuit.qubits;
        while (fits > 0 && bytes(fits, request) > available) --fits;
        if (fits == circuit.qubits) return {};
        return fail(ErrorCode::OutOfMemory, "noisy trajectories of {} qubits need {:.3g} GiB, {:.3g} are free; {} qubits would fit",
                    circuit.qubits, std::ldexp(static_cast<double>(bytes(circuit.qubits, request)), -30),
                    std::ldexp(static_cast<double>(available), -30), fits);
    }

    Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request, const RunContext& context) const override {
        QSCOPE_CHECK(accepts(circuit, request));
        if (request.top < 0 || request.top > kMostListed)
            return fail(ErrorCode::OutOfRange, "{} basis states to list; {} are the limit", request.top, kMostListed);
        const auto begin = std::chrono::steady_clock::now();
        QSCOPE_TRY(const NoisyProgram program, makeNoisyProgram(circuit, request));
        std::vector<PauliString> observables;
        for (const std::string& text : request.observables) {
            QSCOPE_TRY(observables.emplace_back(), parsePauli(text, circuit.qubits));
        }
        SimulationResult result;
        result.trajectories = request.shots > 0 ? request.shots : kDefaultShots;
        TrajectorySum sum(program, request, std::move(observables));
        QSCOPE_CHECK(sum.all(result.trajectories, context));
        sum.report(result, static_cast<double>(result.trajectories));
        result.method = id();
        result.device = context.backend.name();
        result.precision = request.precision;
        result.qubits = circuit.qubits;
        result.gates = program.gates;
        result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        return result;
    }

private:
    /// States at a time, the shown one, and two sums per basis state when they are listed.
    static std::uint64_t bytes(int qubits, const SimulationRequest& request) {
        const std::uint64_t states = qubits <= kSmall ? kTogether + 1 : 2;
        const std::uint64_t sums = request.top > 0 ? sizeof(Mean) << qubits : 0;
        return states * cpu::stateBytes(qubits, request.precision) + sums;
    }
};

} // namespace

std::unique_ptr<Simulator> makeTrajectorySimulator() { return std::make_unique<TrajectorySimulator>(); }

} // namespace qscope::engine
