// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/gradient/gradient.h"

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

/// d(matrix)/d(angle) on the qubits behind the gate's controls, row-major; nothing changes where a control is not set.
[[nodiscard]] std::vector<std::complex<double>> derivative(const GateOp& gate, std::size_t index);
/// The frequencies (per radian, above 0, rising) with which an expectation value can turn with this angle: the
/// differences of the generator's eigenvalues.
[[nodiscard]] std::vector<double> frequencies(const GateOp& gate, std::size_t index);

/// Applies all gates to a state of so many qubits at least.
[[nodiscard]] Result<void> turn(StateBuffer& state, const Variational& circuit, const RunContext& context);
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
