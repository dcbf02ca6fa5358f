// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/gradient/variational.h"

#include "engine/backend/cpu_state.h"
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/sim/trajectory.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
constexpr double kPi = std::numbers::pi;
constexpr std::size_t kMostGate = 5; ///< qubits of a gate, which is a cluster by itself above `kWidth`
constexpr std::size_t kWidth = 4;    ///< qubits of a cluster
constexpr std::size_t kLookBack = 8; ///< clusters that a gate may join

std::size_t unionSize(const std::vector<int>& a, const std::vector<int>& b) {
    std::size_t size = a.size();
    for (const int qubit : b) size += std::ranges::find(a, qubit) == a.end();
    return size;
}

std::vector<Complex> matrixAt(GateOp gate, std::size_t index, double angle) {
    gate.parameters[index] = angle;
    return fullMatrix(gate);
}

} // namespace

Result<Variational> makeVariational(const Circuit& circuit, std::span<const ParameterRef> parameters) {
    const Program program = makeProgram(circuit, SIZE_MAX);
    Variational result;
    result.qubits = circuit.qubits;
    std::map<std::size_t, std::size_t> gateOf; // by operation
    for (std::size_t i = 0; i < program.length; ++i) {
        const Operation& operation = program.flat.operations[i];
        if (std::holds_alternative<BarrierOp>(operation.what) || program.terminal[i]) continue;
        const auto* gate = std::get_if<GateOp>(&operation.what);
        if (!gate || operation.condition)
            return fail(ErrorCode::Unsupported,
                        "line {}: a gradient needs gates alone, not measurements on the way, resets or conditions",
                        operation.span.line);
        if (gate->qubits.size() > kMostGate)
            return fail(ErrorCode::Unsupported, "line {}: gate '{}' is on {} qubits; a gradient takes gates on at most {}",
                        operation.span.line, gate->name, gate->qubits.size(), kMostGate);
        gateOf[i] = result.gates.size();
        result.gates.push_back(*gate);
    }
    for (const ParameterRef& each : parameters) {
        const auto found = gateOf.find(each.operation);
        if (found == gateOf.end() || each.index < 0 ||
            static_cast<std::size_t>(each.index) >= result.gates[found->second].parameters.size())
            return fail(ErrorCode::OutOfRange, "operation {} has no parameter {}", each.operation, each.index);
        const GateOp& gate = result.gates[found->second];
        if (gate.detail && gate.detail->base.empty())
            return fail(ErrorCode::Unsupported, "line {}: '{}' has a fixed matrix, without angles to differentiate by",
                        program.flat.operations[each.operation].span.line, gate.name);
        result.angles.push_back({found->second, static_cast<std::size_t>(each.index)});
    }
    return result;
}

std::vector<GateCluster> clusterGates(const Variational& circuit) {
    std::vector<GateCluster> clusters;
    std::vector<std::size_t> last(static_cast<std::size_t>(circuit.qubits)); // per qubit, one above its latest cluster
    for (std::size_t g = 0; g < circuit.gates.size(); ++g) {
        const auto& qubits = circuit.gates[g].qubits;
        std::size_t earliest = 0;
        for (const int q : qubits) earliest = std::max(earliest, last[static_cast<std::size_t>(q)]);
        std::size_t best = clusters.size(), fewest = kWidth + 1;
        const std::size_t from =
            std::max(earliest > 0 ? earliest - 1 : 0, clusters.size() > kLookBack ? clusters.size() - kLookBack : 0);
        for (std::size_t k = from; k < clusters.size(); ++k) {
            const std::size_t added = unionSize(clusters[k].qubits, qubits) - clusters[k].qubits.size();
            if (clusters[k].qubits.size() + added > kWidth || added >= fewest) continue;
            best = k;
            fewest = added;
        }
        if (best == clusters.size()) clusters.emplace_back();
        GateCluster& cluster = clusters[best];
        for (const int q : qubits) {
            if (std::ranges::find(cluster.qubits, q) == cluster.qubits.end()) cluster.qubits.push_back(q);
            last[static_cast<std::size_t>(q)] = best + 1;
        }
        cluster.gates.push_back(g);
    }
    return clusters;
}

Eigen::MatrixXcd embedded(const std::vector<Complex>& matrix, const std::vector<int>& part,
                          const std::vector<int>& whole) {
    const std::size_t size = std::size_t{1} << whole.size();
    const std::size_t inner = std::size_t{1} << part.size();
    std::size_t mask = 0;
    std::vector<std::size_t> local(size);
    for (std::size_t k = 0; k < part.size(); ++k) {
        const auto bit = static_cast<std::size_t>(std::ranges::find(whole, part[k]) - whole.begin());
        mask |= std::size_t{1} << bit;
        for (std::size_t i = 0; i < size; ++i) local[i] |= (i >> bit & 1) << k;
    }
    Eigen::MatrixXcd result = Eigen::MatrixXcd::Zero(static_cast<Eigen::Index>(size), static_cast<Eigen::Index>(size));
    for (std::size_t row = 0; row < size; ++row)
        for (std::size_t column = 0; column < size; ++column)
            if (((row ^ column) & ~mask) == 0)
                result(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(column)) =
                    matrix[local[row] * inner + local[column]];
    return result;
}

Eigen::MatrixXcd matrixOf(const Variational& circuit, const GateCluster& cluster) {
    const Eigen::Index size = Eigen::Index{1} << cluster.qubits.size();
    Eigen::MatrixXcd result = Eigen::MatrixXcd::Identity(size, size);
    for (const std::size_t g : cluster.gates) {
        const GateOp& gate = circuit.gates[g];
        result = embedded(fullMatrix(gate), gate.qubits, cluster.qubits) * result;
    }
    return result;
}

FusedGate fused(const GateCluster& cluster, const Eigen::MatrixXcd& matrix) {
    FusedGate gate;
    gate.targets = cluster.qubits;
    for (Eigen::Index row = 0; row < matrix.rows(); ++row)
        for (Eigen::Index column = 0; column < matrix.cols(); ++column) gate.entries.push_back(matrix(row, column));
    return gate;
}

std::vector<Complex> derivative(const GateOp& gate, std::size_t index) {
    // Entries turn with frequencies 0, 1/2 and 1, for which this combination of differences is exact.
    const double angle = gate.parameters[index];
    const double wide = (1 - std::numbers::sqrt2) / 4;
    const auto a = matrixAt(gate, index, angle + kPi), b = matrixAt(gate, index, angle - kPi);
    const auto c = matrixAt(gate, index, angle + kPi / 2), d = matrixAt(gate, index, angle - kPi / 2);
    std::vector<Complex> result(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) result[i] = wide * (a[i] - b[i]) + 0.5 * (c[i] - d[i]);
    return result;
}

std::vector<double> frequencies(const GateOp& gate, std::size_t index) {
    constexpr int kSamples = 8; // of the common period 4 pi
    std::vector<std::vector<Complex>> samples;
    for (int k = 0; k < kSamples; ++k) samples.push_back(matrixAt(gate, index, 4 * kPi * k / kSamples));
    std::vector<double> present; // of the entries
    for (int half = -2; half <= 2; ++half) {
        double largest = 0;
        for (std::size_t i = 0; i < samples[0].size(); ++i) {
            Complex sum = 0;
            for (int k = 0; k < kSamples; ++k)
                sum += samples[static_cast<std::size_t>(k)][i] * std::polar(1.0, -2 * kPi * half * k / kSamples);
            largest = std::max(largest, std::abs(sum) / kSamples);
        }
        if (largest > 1e-9) present.push_back(half / 2.0);
    }
    std::vector<double> result;
    for (const double a : present)
        for (const double b : present)
            if (a > b && std::ranges::find(result, a - b) == result.end()) result.push_back(a - b);
    std::ranges::sort(result);
    return result;
}

Result<std::unique_ptr<StateBuffer>> finalState(const Variational& circuit, const RunContext& context) {
    QSCOPE_TRY(auto state, cpu::makeState(circuit.qubits, Precision::Double));
    std::vector<FusedGate> gates;
    for (const GateCluster& cluster : clusterGates(circuit))
        gates.push_back(fused(cluster, matrixOf(circuit, cluster)));
    QSCOPE_CHECK(cpu::applyGates(*state, gates, context));
    return state;
}

Result<double> valueOf(const StateBuffer& state, std::span<const PauliTerm> observable, const RunContext& context) {
    double sum = 0;
    for (const PauliTerm& term : observable) {
        QSCOPE_TRY(const double value, cpu::expectation(state, term.pauli, context));
        sum += term.weight * value;
    }
    return sum;
}

} // namespace qscope::engine
