// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"
#include "engine/quantum/hamiltonian/pauli_sum.h"

namespace qscope::engine {

/// One angle of a circuit: parameter `index` of gate `operation` of `flatten(circuit).operations`.
struct ParameterRef {
    std::size_t operation = 0;
    int index = 0;
};
/// All angles, in the order of the gates.
[[nodiscard]] std::vector<ParameterRef> parametersOf(const Circuit& circuit);

/// How slopes are found; all three are exact but the last.
enum class GradientMethod : std::uint8_t {
    Adjoint,         ///< one run forwards, one of two states backwards, whatever the number of angles (Jones and Gacon,
                     ///< arXiv:2009.02823)
    ParameterShift,  ///< two or four runs per angle, by the frequencies it turns with (Wierichs et al., Quantum 6, 677
                     ///< (2022))
    FiniteDifference ///< two runs per angle, 1e-5 radians to either side
};

struct Gradient {
    double value = 0;           ///< of the observable at the end of the circuit
    std::vector<double> slopes; ///< by each angle, per radian
    std::int64_t runs = 0;      ///< of the circuit or its inverse on one state
};

/// On the CPU in double precision. Unsupported, with the line, where a circuit measures on the way, resets or has
/// conditions: its value is then a matter of chance. OutOfMemory before anything is allocated.
[[nodiscard]] Result<Gradient> gradientOf(const Circuit& circuit, std::span<const ParameterRef> parameters,
                                          std::span<const PauliTerm> observable, GradientMethod method,
                                          const RunContext& context);

/// The same for many values of the angles at once, `values[set][parameter]` in radians: sets are spread over all cores.
[[nodiscard]] Result<std::vector<Gradient>> gradientsOf(const Circuit& circuit,
                                                        std::span<const ParameterRef> parameters,
                                                        std::span<const std::vector<double>> values,
                                                        std::span<const PauliTerm> observable, GradientMethod method,
                                                        const RunContext& context);

/// An angle that depends on a shared parameter: angle = factor * shared + something constant.
struct ParameterUse {
    std::size_t angle = 0;  ///< index among the angles
    std::size_t shared = 0; ///< index among the shared parameters
    double factor = 1;
};
/// Slopes by shared parameters: the chain rule over all uses.
[[nodiscard]] std::vector<double> sharedSlopes(std::span<const double> slopes, std::span<const ParameterUse> uses,
                                               std::size_t count);

} // namespace qscope::engine
