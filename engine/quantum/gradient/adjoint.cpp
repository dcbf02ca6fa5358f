// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/quantum/modified_gate.h"
#include "engine/quantum/gradient/cross.h"
#include "engine/quantum/gradient/variational.h"

#include <algorithm>

namespace qscope::engine {

namespace {

/// Slopes by the angles of one cluster: `cross` is between the observable's image after the cluster and the state
/// before it.
void addSlopes(const Variational& circuit, const GateCluster& cluster, const Eigen::MatrixXcd& cross,
               const std::vector<std::vector<std::size_t>>& anglesOf, std::vector<double>& slopes) {
    // What comes after each gate, then, walking forwards, what came before it.
    const Eigen::Index size = cross.rows();
    std::vector<Eigen::MatrixXcd> own, after(cluster.gates.size());
    for (const std::size_t g : cluster.gates) {
        const GateOp& gate = circuit.gates[g];
        own.push_back(embedded(fullMatrix(gate), gate.qubits, cluster.qubits));
    }
    Eigen::MatrixXcd rest = Eigen::MatrixXcd::Identity(size, size);
    for (std::size_t k = own.size(); k-- > 0;) {
        after[k] = rest;
        rest = rest * own[k];
    }
    Eigen::MatrixXcd before = Eigen::MatrixXcd::Identity(size, size);
    for (std::size_t k = 0; k < own.size(); ++k) {
        const GateOp& gate = circuit.gates[cluster.gates[k]];
        for (const std::size_t angle : anglesOf[cluster.gates[k]]) {
            const auto turned = embedded(derivative(gate, circuit.angles[angle].index), gate.qubits, cluster.qubits);
            const Eigen::MatrixXcd change = after[k] * turned * before;
            slopes[angle] = 2 * cross.cwiseProduct(change).sum().real();
        }
        before = own[k] * before;
    }
}

} // namespace

Result<Gradient> adjointGradient(const Variational& circuit, std::span<const PauliTerm> observable,
                                 const RunContext& context) {
    const auto clusters = clusterGates(circuit);
    std::vector<std::vector<std::size_t>> anglesOf(circuit.gates.size());
    for (std::size_t k = 0; k < circuit.angles.size(); ++k) anglesOf[circuit.angles[k].gate].push_back(k);

    QSCOPE_TRY(auto state, finalState(circuit, context));
    QSCOPE_TRY(auto image, cpu::makeState(circuit.qubits, Precision::Double));
    QSCOPE_TRY(cpu::CpuState* const right, cpu::own(*state));
    QSCOPE_TRY(cpu::CpuState* const left, cpu::own(*image));
    Gradient result;
    QSCOPE_TRY(result.value, valueOf(*state, observable, context));
    QSCOPE_CHECK(applyObservable(*right, observable, *left, context));
    result.slopes.resize(circuit.angles.size());
    result.runs = 3;
    for (std::size_t k = clusters.size(); k-- > 0;) {
        if (context.cancelled()) return cancelled();
        const GateCluster& cluster = clusters[k];
        const FusedGate inverse = fused(cluster, matrixOf(circuit, cluster).adjoint());
        QSCOPE_CHECK(cpu::applyGates(*state, {&inverse, 1}, context));
        if (std::ranges::any_of(cluster.gates, [&](std::size_t g) { return !anglesOf[g].empty(); })) {
            QSCOPE_TRY(const Eigen::MatrixXcd cross, crossMatrix(*left, *right, cluster.qubits, context));
            addSlopes(circuit, cluster, cross, anglesOf, result.slopes);
        }
        QSCOPE_CHECK(cpu::applyGates(*image, {&inverse, 1}, context));
    }
    return result;
}

} // namespace qscope::engine
