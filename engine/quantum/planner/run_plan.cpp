// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/random.h"
#include "engine/quantum/planner/planner.h"
#include "engine/quantum/sim/request_checks.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <set>

namespace qscope::engine {

namespace {

/// Basis states of some qubits, the most probable first; bits by qubit of the whole circuit.
struct Listed {
    std::vector<bool> bits;
    double probability = 1;
};

/// The `count` most probable pairs of two descending lists.
std::vector<Listed> combined(const std::vector<Listed>& a, const std::vector<Listed>& b, std::size_t count) {
    struct Pair {
        double probability;
        std::size_t i, j;
        bool operator<(const Pair& other) const { return probability < other.probability; }
    };
    std::vector<Listed> result;
    if (a.empty() || b.empty()) return result;
    std::priority_queue<Pair> open;
    for (std::size_t i = 0; i < a.size(); ++i) open.push({a[i].probability * b[0].probability, i, 0});
    while (!open.empty() && result.size() < count) {
        const auto [probability, i, j] = open.top();
        open.pop();
        Listed next{a[i].bits, probability};
        for (std::size_t q = 0; q < next.bits.size(); ++q) next.bits[q] = next.bits[q] || b[j].bits[q];
        result.push_back(std::move(next));
        if (j + 1 < b.size()) open.push({a[i].probability * b[j + 1].probability, i, j + 1});
    }
    return result;
}

std::vector<Listed> listedBy(const SimulationResult& result, const CircuitPart& part, int qubits) {
    std::vector<Listed> list;
    for (const BasisProbability& entry : result.probabilities) {
        Listed next{std::vector<bool>(static_cast<std::size_t>(qubits)), entry.probability};
        for (std::size_t k = 0; k < part.qubits.size(); ++k)
            next.bits[static_cast<std::size_t>(part.qubits[k])] =
                entry.bits.empty() ? entry.index >> k & 1 : entry.bits[entry.bits.size() - 1 - k] == '1';
        list.push_back(std::move(next));
    }
    return list;
}

/// Which outcome of a part each shot gets. A part's shots are alike but for their order, which its counts do not keep:
/// an order drawn by the seed makes the parts independent of one another.
std::vector<std::uint32_t> shuffled(const std::vector<OutcomeCount>& counts, std::uint64_t seed) {
    std::vector<std::uint32_t> outcomes;
    for (std::size_t k = 0; k < counts.size(); ++k)
        outcomes.insert(outcomes.end(), static_cast<std::size_t>(counts[k].count), static_cast<std::uint32_t>(k));
    for (std::size_t k = outcomes.size(); k > 1; --k) {
        const double u = uniform(seed, UINT64_MAX, k); // no shot has this number
        std::swap(outcomes[k - 1], outcomes[static_cast<std::size_t>(u * static_cast<double>(k))]);
    }
    return outcomes;
}

/// Joins the results of parts into that of the whole.
class Joiner {
public:
    Joiner(const Circuit& circuit, const SimulationRequest& request)
        : m_circuit(circuit)
        , m_request(request) {
        for (const Operation& operation : flatten(circuit).operations)
            m_measures = m_measures || std::holds_alternative<MeasureOp>(operation.what);
        m_measures = printsBits(m_measures, circuit.cregs);
        m_result.qubits = circuit.qubits;
        m_result.precision = request.precision;
        m_result.state.qubits = circuit.qubits;
        m_result.state.clbits.resize(static_cast<std::size_t>(circuit.clbits));
        for (const std::string& text : request.observables) m_result.expectations.push_back({text, 1, 0});
        m_listed = {{std::vector<bool>(static_cast<std::size_t>(circuit.qubits)), 1}};
        if (request.shots > 0) {
            std::string blank = m_measures ? printedBits(m_result.state.clbits, circuit.cregs)
                                           : std::string(static_cast<std::size_t>(circuit.qubits), '0');
            m_shots.assign(static_cast<std::size_t>(request.shots), std::move(blank));
        }
    }

    /// The request of one part; different parts draw different numbers.
    Result<SimulationRequest> requestOf(const PlannedPiece& piece, std::uint64_t index) const {
        SimulationRequest own = m_request;
        own.method = piece.chosen->id();
        const auto words =
            philox({static_cast<std::uint32_t>(index), 0, 0x9a27u, 0xFFFFFFFEu},
                   {static_cast<std::uint32_t>(m_request.seed), static_cast<std::uint32_t>(m_request.seed >> 32)});
        own.seed = static_cast<std::uint64_t>(words[0]) << 32 | words[1];
        own.observables.clear();
        for (const std::string& text : m_request.observables) {
            QSCOPE_TRY(const auto factors, parsePauliFactors(text, m_circuit.qubits));
            if (auto mine = restricted(factors, piece.part); !mine.empty()) own.observables.push_back(std::move(mine));
        }
        if (m_measures && !measures(piece.part.circuit)) own.shots = 0; // its qubits are not read
        return own;
    }

    Result<void> add(const PlannedPiece& piece, const SimulationRequest& own, const SimulationResult& part) {
        m_methods.insert(part.method);
        m_result.device = part.device;
        m_result.gates += part.gates;
        m_result.fusedGates += part.fusedGates;
        m_result.norm *= part.norm;
        m_result.fidelity *= part.fidelity;
        m_result.bond = std::max(m_result.bond, part.bond);
        for (std::size_t k = 0; k < part.state.clbits.size(); ++k)
            if (part.state.clbits[k]) m_result.state.clbits[k] = true;
        std::size_t next = 0;
        for (ObservableValue& value : m_result.expectations) {
            QSCOPE_TRY(const auto factors, parsePauliFactors(value.observable, m_circuit.qubits));
            if (!restricted(factors, piece.part).empty()) value.value *= part.expectations[next++].value;
        }
        m_listed =
            combined(m_listed, listedBy(part, piece.part, m_circuit.qubits), static_cast<std::size_t>(m_request.top));
        if (own.shots == 0) return {};
        const auto outcomes = shuffled(part.counts, own.seed);
        for (std::size_t shot = 0; shot < m_shots.size(); ++shot) {
            const std::string& bits = part.counts[outcomes[shot]].bits;
            for (std::size_t k = 0; k < bits.size(); ++k) {
                const std::size_t at =
                    m_measures
                        ? k
                        : m_shots[shot].size() - 1 - static_cast<std::size_t>(piece.part.qubits[bits.size() - 1 - k]);
                if (bits[k] == '1') m_shots[shot][at] = '1';
            }
        }
        return {};
    }

    SimulationResult finish() {
        for (const std::string& method : m_methods) m_result.method += (m_result.method.empty() ? "" : "+") + method;
        for (const Listed& each : m_listed) {
            BasisProbability entry{0, each.probability, {}, 0};
            if (m_circuit.qubits > 64)
                entry.bits = printedBits(each.bits, {{"q", 0, m_circuit.qubits}});
            else
                for (std::size_t q = 0; q < each.bits.size(); ++q) entry.index |= std::uint64_t{each.bits[q]} << q;
            m_result.probabilities.push_back(std::move(entry));
        }
        if (m_request.top == 0) m_result.probabilities.clear();
        std::map<std::string, std::int64_t> counts;
        for (const std::string& shot : m_shots) ++counts[shot];
        m_result.counts = sortedCounts(counts);
        return std::move(m_result);
    }

private:
    static bool measures(const Circuit& circuit) {
        return std::ranges::any_of(circuit.operations,
                                   [](const Operation& each) { return std::holds_alternative<MeasureOp>(each.what); });
    }

    const Circuit& m_circuit;
    const SimulationRequest& m_request;
    bool m_measures = false;
    std::set<std::string> m_methods;
    std::vector<Listed> m_listed;
    std::vector<std::string> m_shots;
    SimulationResult m_result;
};

Result<SimulationResult> runParts(const SimulationPlan& plan, const Circuit& circuit, const SimulationRequest& request,
                                  const RunContext& context) {
    Joiner joiner(circuit, request);
    double seconds = 0;
    for (std::size_t k = 0; k < plan.pieces.size(); ++k) {
        const PlannedPiece& piece = plan.pieces[k];
        QSCOPE_TRY(const SimulationRequest own, joiner.requestOf(piece, k));
        QSCOPE_TRY(const SimulationResult part, piece.chosen->run(piece.part.circuit, own, context));
        seconds += part.seconds;
        QSCOPE_CHECK(joiner.add(piece, own, part));
    }
    SimulationResult result = joiner.finish();
    result.seconds = seconds;
    return result;
}

Result<SimulationResult> runCones(const SimulationPlan& plan, const Circuit& circuit, const SimulationRequest& request,
                                  const RunContext& context) {
    SimulationResult result;
    result.qubits = circuit.qubits;
    result.precision = request.precision;
    std::set<std::string> methods;
    for (const PlannedPiece& piece : plan.pieces) {
        if (!piece.chosen) {
            result.expectations.push_back({piece.observable, 1, 0});
            continue;
        }
        QSCOPE_TRY(const auto factors, parsePauliFactors(piece.observable, circuit.qubits));
        SimulationRequest own = request;
        own.method = piece.chosen->id();
        own.observables = {restricted(factors, piece.part)};
        QSCOPE_TRY(const SimulationResult part, piece.chosen->run(piece.part.circuit, own, context));
        methods.insert(part.method);
        result.device = part.device;
        result.gates += part.gates;
        result.fusedGates += part.fusedGates;
        result.seconds += part.seconds;
        result.fidelity = std::min(result.fidelity, part.fidelity);
        result.bond = std::max(result.bond, part.bond);
        result.expectations.push_back({piece.observable, part.expectations.front().value, part.expectations.front().error});
    }
    for (const std::string& method : methods) result.method += (result.method.empty() ? "" : "+") + method;
    return result;
}

} // namespace

Result<SimulationResult> runPlan(const SimulationPlan& plan, const Circuit& circuit, const SimulationRequest& request,
                                 const RunContext& context) {
    if (!circuit.inputs.empty()) {
        QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
        return runPlan(plan, bound, withoutInputs(request), context);
    }
    if (plan.refusal) return tl::unexpected<Error>(*plan.refusal);
    switch (plan.shape) {
    case SimulationPlan::Shape::Parts: return runParts(plan, circuit, request, context);
    case SimulationPlan::Shape::LightCones: return runCones(plan, circuit, request, context);
    case SimulationPlan::Shape::Whole: break;
    }
    return plan.pieces.front().chosen->run(circuit, request, context);
}

} // namespace qscope::engine
