// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/oracle/outcome_distribution.h"

namespace qscope::test::oracle {

namespace {

using namespace engine;

struct Branch {
    Vector state;
    std::vector<bool> clbits;
    double probability = 1;
};

class Follower {
public:
    explicit Follower(const Circuit& circuit)
        : m_circuit(circuit) {
        open(circuit.operations, {});
    }

    std::map<std::string, double> all() {
        Vector zero(std::size_t{1} << m_circuit.qubits);
        zero[0] = 1;
        follow(0, {std::move(zero), std::vector<bool>(static_cast<std::size_t>(m_circuit.clbits)), 1});
        return m_result;
    }

private:
    void open(const std::vector<Operation>& operations, const std::optional<Condition>& condition) {
        for (const Operation& operation : operations) {
            const auto& inner = condition ? condition : operation.condition;
            if (const auto* call = std::get_if<CallOp>(&operation.what))
                open(*call->body, inner);
            else
                m_operations.push_back({operation.what, inner, {}});
            m_measures = m_measures || std::holds_alternative<MeasureOp>(operation.what);
        }
    }

    bool holds(const Condition& condition, const std::vector<bool>& clbits) const {
        const Register& creg = m_circuit.cregs[static_cast<std::size_t>(condition.creg)];
        std::uint64_t value = 0;
        for (int k = 0; k < creg.size; ++k)
            value |= std::uint64_t{clbits[static_cast<std::size_t>(creg.first + k)]} << k;
        return value == condition.value;
    }

    void follow(std::size_t at, Branch branch) {
        if (branch.probability < 1e-14) return;
        for (; at < m_operations.size(); ++at) {
            const Operation& operation = m_operations[at];
            if (operation.condition && !holds(*operation.condition, branch.clbits)) continue;
            if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
                branch.state = applied(matrixOf(gate->name, gate->parameters), gate->qubits, branch.state);
                continue;
            }
            const auto* measure = std::get_if<MeasureOp>(&operation.what);
            const auto* reset = std::get_if<ResetOp>(&operation.what);
            if (!measure && !reset) continue;
            const int qubit = measure ? measure->qubit : reset->qubit;
            for (const bool outcome : {false, true}) {
                Branch next = branch;
                double kept = 0;
                for (std::size_t i = 0; i < next.state.size(); ++i) {
                    if ((i >> qubit & 1) != outcome) next.state[i] = 0;
                    kept += std::norm(next.state[i]);
                }
                if (kept < 1e-14) continue;
                for (Complex& amplitude : next.state) amplitude /= std::sqrt(kept);
                next.probability *= kept;
                if (measure)
                    next.clbits[static_cast<std::size_t>(measure->clbit)] = outcome;
                else if (outcome)
                    next.state = applied(matrixOf("x", {}), {&qubit, 1}, next.state);
                follow(at + 1, std::move(next));
            }
            return;
        }
        finish(branch);
    }

    void finish(const Branch& branch) {
        if (m_measures) {
            std::string text;
            for (std::size_t r = m_circuit.cregs.size(); r-- > 0;) {
                for (int k = m_circuit.cregs[r].size; k-- > 0;)
                    text += branch.clbits[static_cast<std::size_t>(m_circuit.cregs[r].first + k)] ? '1' : '0';
                if (r > 0) text += ' ';
            }
            m_result[text] += branch.probability;
            return;
        }
        for (std::size_t i = 0; i < branch.state.size(); ++i) {
            std::string text;
            for (int k = m_circuit.qubits; k-- > 0;) text += i >> k & 1 ? '1' : '0';
            m_result[text] += branch.probability * std::norm(branch.state[i]);
        }
    }

    const Circuit& m_circuit;
    std::vector<Operation> m_operations;
    bool m_measures = false;
    std::map<std::string, double> m_result;
};

} // namespace

std::map<std::string, double> outcomeDistribution(const Circuit& circuit) { return Follower(circuit).all(); }

ChiSquare chiSquare(const std::map<std::string, double>& distribution,
                    const std::map<std::string, std::int64_t>& counts) {
    double shots = 0;
    ChiSquare result;
    for (const auto& [bits, count] : counts) {
        shots += static_cast<double>(count);
        const auto found = distribution.find(bits);
        if (found == distribution.end() || found->second < 1e-13) result.impossible = true;
    }
    for (const auto& [bits, probability] : distribution) {
        const double expected = probability * shots;
        if (expected < 5) continue;
        const auto found = counts.find(bits);
        const double seen = found == counts.end() ? 0 : static_cast<double>(found->second);
        result.value += (seen - expected) * (seen - expected) / expected;
        ++result.cells;
    }
    return result;
}

double expectation(const std::string& pauli, const Vector& state) {
    Vector image = state;
    for (std::size_t k = 0; k < pauli.size(); ++k) {
        const int qubit = static_cast<int>(k);
        const char letter = pauli[pauli.size() - 1 - k];
        const std::string name(1, static_cast<char>(letter - 'A' + 'a'));
        if (letter != 'I') image = applied(matrixOf(name, {}), {&qubit, 1}, image);
    }
    Complex sum = 0;
    for (std::size_t k = 0; k < state.size(); ++k) sum += std::conj(state[k]) * image[k];
    return sum.real();
}

} // namespace qscope::test::oracle
