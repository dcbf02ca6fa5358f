// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/pauli_transfer.h"

#include "engine/quantum/sim/pauli_map.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/stabilizer/clifford.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>

namespace qscope::engine {

namespace {

constexpr int kMostQubits = 64;
constexpr std::size_t kMostGate = 5; ///< qubits of a gate, whose matrix has 4^(2 k) numbers

// A string in the table, and the time to carry it through one gate.
constexpr double kStringBytes = 64;
constexpr double kStringSeconds = 1e-7;

struct StringHash {
    std::size_t operator()(const PauliString& string) const {
        std::uint64_t mixed = string.x * 0x9E3779B97F4A7C15ull ^ (string.z + 0x7F4A7C15ull) * 0xC2B2AE3D27D4EB4Full;
        mixed ^= mixed >> 29;
        return static_cast<std::size_t>(mixed * 0xBF58476D1CE4E5B9ull);
    }
};
struct StringEqual {
    bool operator()(const PauliString& a, const PauliString& b) const { return a.x == b.x && a.z == b.z; }
};
using Sum = std::unordered_map<PauliString, double, StringHash, StringEqual>;

/// The transposed map on the letters of its qubits, zeros left out: where each letter goes.
struct BackwardMap {
    struct Target {
        std::uint32_t letters;
        double factor;
    };
    std::vector<std::vector<Target>> from; ///< per row of the Pauli transfer matrix
};

BackwardMap backward(const PauliMap& map) {
    BackwardMap result;
    const std::size_t size = std::size_t{1} << 2 * map.qubits.size();
    result.from.resize(size);
    for (std::size_t row = 0; row < size; ++row)
        for (std::size_t column = 0; column < size; ++column)
            if (const double entry = map.entries[row * size + column]; entry != 0)
                result.from[row].push_back({static_cast<std::uint32_t>(column), entry});
    return result;
}

std::uint32_t lettersAt(const PauliString& string, const std::vector<int>& qubits) {
    std::uint32_t letters = 0;
    for (std::size_t k = 0; k < qubits.size(); ++k)
        letters |= static_cast<std::uint32_t>((string.x >> qubits[k] & 1) << 2 * k | (string.z >> qubits[k] & 1) << (2 * k + 1));
    return letters;
}

PauliString replaced(PauliString string, const std::vector<int>& qubits, std::uint32_t letters) {
    for (std::size_t k = 0; k < qubits.size(); ++k) {
        const std::uint64_t bit = std::uint64_t{1} << qubits[k];
        string.x = letters >> 2 * k & 1 ? string.x | bit : string.x & ~bit;
        string.z = letters >> (2 * k + 1) & 1 ? string.z | bit : string.z & ~bit;
    }
    return string;
}

class Propagation {
public:
    Propagation(const PauliString& observable, const PropagationLimits& limits) : m_limits(limits) { m_sum.emplace(observable, 1); }

    void back(const BackwardMap& map, const std::vector<int>& qubits) {
        Sum next;
        next.reserve(m_sum.size());
        for (const auto& [string, coefficient] : m_sum)
            for (const auto& target : map.from[lettersAt(string, qubits)])
                next[replaced(string, qubits, target.letters)] += coefficient * target.factor;
        std::erase_if(next, [&](const auto& entry) { return drop(entry.second, std::abs(entry.second) < m_limits.smallest); });
        if (next.size() > m_limits.strings) halve(next);
        m_sum = std::move(next);
        m_most = std::max(m_most, m_sum.size());
    }

    [[nodiscard]] PropagatedValue value() const {
        PropagatedValue result{0, m_bound, m_most};
        // Summed in order of size, so that the order within the table does not matter.
        std::vector<double> terms;
        for (const auto& [string, coefficient] : m_sum)
            if (string.x == 0) terms.push_back(coefficient);
        std::ranges::sort(terms, {}, [](double term) { return std::pair(std::abs(term), term); });
        for (const double term : terms) result.value += term;
        return result;
    }

private:
    bool drop(double coefficient, bool dropped) {
        if (dropped) m_bound += std::abs(coefficient); // a string's own expectation value is at most 1
        return dropped;
    }
    void halve(Sum& sum) {
        std::vector<double> sizes;
        for (const auto& [string, coefficient] : sum) sizes.push_back(std::abs(coefficient));
        const auto first = sizes.begin() + static_cast<std::ptrdiff_t>(m_limits.strings / 2); // the largest that is left out
        std::ranges::nth_element(sizes, first, std::ranges::greater{});
        const double least = *first;
        std::erase_if(sum, [&](const auto& entry) { return drop(entry.second, std::abs(entry.second) <= least); });
    }

    PropagationLimits m_limits;
    Sum m_sum;
    double m_bound = 0;
    std::size_t m_most = 1;
};

Result<void> checkProgram(const NoisyProgram& program) {
    if (program.qubits > kMostQubits)
        return fail(ErrorCode::Unsupported, "Pauli strings reach to {} qubits; the circuit has {}", kMostQubits, program.qubits);
    for (const NoisyStep& step : program.steps)
        if (step.condition) return fail(ErrorCode::Unsupported, "Pauli propagation cannot follow conditions; density and trajectories can");
    return {};
}

} // namespace

Result<PropagatedValue> propagatedValue(const NoisyProgram& program, const PauliString& observable, const PropagationLimits& limits,
                                        const RunContext& context) {
    QSCOPE_CHECK(checkProgram(program));
    std::map<std::tuple<std::string, std::vector<double>, std::shared_ptr<const GateDetail>>, BackwardMap> gates;
    std::map<const Channel*, BackwardMap> channels;
    const BackwardMap reset = backward(resetMap(0)), dephasing = backward(dephasingMap(0));
    Propagation propagation(observable, limits);
    for (std::size_t i = program.steps.size(); i-- > 0;) {
        if (context.cancelled()) return cancelled();
        const NoisyStep& step = program.steps[i];
        if (step.terminal) continue;
        if (const auto* gate = std::get_if<GateOp>(&step.what)) {
            auto& map = gates[{gate->name, gate->parameters, gate->detail}];
            if (map.from.empty()) map = backward(pauliMap(*gate));
            propagation.back(map, gate->qubits);
        } else if (const auto* channel = std::get_if<ChannelOp>(&step.what)) {
            auto& map = channels[channel->channel.get()];
            if (map.from.empty()) map = backward(pauliMap(channel->qubits, channel->channel->kraus));
            propagation.back(map, channel->qubits);
        } else if (const auto* measure = std::get_if<MeasureOp>(&step.what)) {
            propagation.back(dephasing, {measure->qubit});
        } else {
            propagation.back(reset, {std::get<ResetOp>(step.what).qubit});
        }
    }
    return propagation.value();
}

namespace {

class PauliTransferSimulator final : public Simulator {
public:
    std::string id() const override { return "pauli_transfer"; }
    std::string name() const override { return "Pauli propagation"; }
    bool knowsNoise() const override { return true; }

    std::optional<SimulationEstimate> estimate(const Circuit& circuit, const SimulationRequest& request) const override {
        const auto program = makeNoisyProgram(circuit, request);
        if (!program || !checkProgram(*program)) return std::nullopt;
        CliffordTable table;
        double doublings = 0; // a Clifford gate or a mixture of Pauli strings keeps the number of strings
        for (const NoisyStep& step : program->steps) {
            if (const auto* gate = std::get_if<GateOp>(&step.what))
                doublings += table.find(*gate) ? 0 : static_cast<double>(gate->qubits.size());
            else if (const auto* channel = std::get_if<ChannelOp>(&step.what))
                doublings += channel->channel->paulis.empty() ? static_cast<double>(channel->qubits.size()) : 0;
            else
                doublings += std::holds_alternative<ResetOp>(step.what);
        }
        const PropagationLimits limits;
        const double most = std::exp2(std::min(doublings, 2.0 * circuit.qubits));
        const double strings = std::min(most, static_cast<double>(limits.strings));
        const auto steps = static_cast<double>(program->steps.size());
        return SimulationEstimate{.bytes = 2 * strings * kStringBytes,
                                  .seconds = static_cast<double>(request.observables.size()) * steps * strings * kStringSeconds,
                                  .error = most > strings ? 1.0 : 0.0,
                                  .valuesOnly = true,
                                  .basis = fmt::format("at most {:.3g} Pauli strings, {:.0f} gates and channels", strings, steps)};
    }

    Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const override {
        QSCOPE_CHECK(checkNoisyMethod(request, id()));
        QSCOPE_CHECK(refuseAmplitudes(request, id()));
        if (request.observables.empty() || request.shots > 0)
            return fail(ErrorCode::Unsupported, "Pauli propagation gives expectation values alone: name observables, and no shots");
        QSCOPE_CHECK(refuseWideGates(circuit, kMostGate, id()));
        QSCOPE_TRY(const NoisyProgram program, makeNoisyProgram(circuit, request));
        return checkProgram(program);
    }

    Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request, const RunContext& context) const override {
        QSCOPE_CHECK(accepts(circuit, request));
        const auto begin = std::chrono::steady_clock::now();
        QSCOPE_TRY(const NoisyProgram program, makeNoisyProgram(circuit, request));
        context.progress.total = std::ssize(request.observables);
        SimulationResult result;
        result.method = id();
        result.device = "CPU, 1 thread";
        result.qubits = circuit.qubits;
        result.gates = program.gates;
        result.fusedGates = std::ssize(program.steps);
        for (const std::string& text : request.observables) {
            QSCOPE_TRY(const PauliString pauli, parsePauli(text, circuit.qubits));
            QSCOPE_TRY(const PropagatedValue value, propagatedValue(program, pauli, {}, context));
            result.expectations.push_back({text, value.value, value.bound});
            context.progress.done.fetch_add(1, std::memory_order_relaxed);
        }
        result.state.qubits = circuit.qubits;
        result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        return result;
    }
};

} // namespace

std::unique_ptr<Simulator> makePauliTransferSimulator() { return std::make_unique<PauliTransferSimulator>(); }

} // namespace qscope::engine
