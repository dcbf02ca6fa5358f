// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/gradient/gradient.h"

#include <Eigen/Core>

namespace qscope::engine {

/// The gates of a circuit that only turns a state, and where its angles are.
struct Variational {
    int qubits = 0;
    std::vector<GateOp> gates;
    struct Angle {
        std::size_t gate = 0;
        std::size_t index = 0;
    };
    std::vector<Angle> angles;

    [[nodiscard]] double& at(const Angle& angle) { return gates[angle.gate].parameters[angle.index]; }
};
[[nodiscard]] Result<Variational> makeVariational(const Circuit& circuit, std::span<const ParameterRef> parameters);

/// Gates on a few qubits that are applied together.
struct GateCluster {
    std::vector<int> qubits;
    std::vector<std::size_t> gates; ///< in order
};
[[nodiscard]] std::vector<GateCluster> clusterGates(const Variational& circuit);

/// A row-major matrix on `part` within the qubits of `whole`.
[[nodiscard]] Eigen::MatrixXcd embedded(const std::vector<std::complex<double>>& matrix, const std::vector<int>& part,
                                        const std::vector<int>& whole);
[[nodiscard]] Eigen::MatrixXcd matrixOf(const Variational& circuit, const GateCluster& cluster);
[[nodiscard]] FusedGate fused(const GateCluster& cluster, const Eigen::MatrixXcd& matrix);

/// d(matrix)/d(angle), all qubits of the gate, row-major.
[[nodiscard]] std::vector<std::complex<double>> derivative(const GateOp& gate, std::size_t index);
/// The frequencies (per radian, above 0, rising) with which an expectation value can turn with this angle: the
/// differences of the generator's eigenvalues.
[[nodiscard]] std::vector<double> frequencies(const GateOp& gate, std::size_t index);

/// The state at the end.
[[nodiscard]] Result<std::unique_ptr<StateBuffer>> finalState(const Variational& circuit, const RunContext& context);
[[nodiscard]] Result<double> valueOf(const StateBuffer& state, std::span<const PauliTerm> observable,
                                     const RunContext& context);

// The methods; see `GradientMethod`.
[[nodiscard]] Result<Gradient> adjointGradient(const Variational& circuit, std::span<const PauliTerm> observable,
                                               const RunContext& context);
[[nodiscard]] Result<Gradient> shiftGradient(const Variational& circuit, std::span<const PauliTerm> observable,
                                             const RunContext& context);
[[nodiscard]] Result<Gradient> differenceGradient(const Variational& circuit, std::span<const PauliTerm> observable,
                                                  const RunContext& context);

} // namespace qscope::engine
