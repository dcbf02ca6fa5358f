// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"

#include <span>

namespace qscope::engine {

/// Some of a circuit's qubits with all that happens to them, as a circuit of its own. Classical registers are those of
/// the whole; barriers are left out.
struct CircuitPart {
    Circuit circuit;
    std::vector<int> qubits; ///< of the whole circuit, rising: qubit k of the part is `qubits[k]`
};

/// The parts that no gate and no classical bit joins, by their lowest qubits; one part when everything hangs together.
[[nodiscard]] std::vector<CircuitPart> independentParts(const Circuit& circuit);

/// What the value of an observable at the end can depend on: gates that reach its qubits, followed backwards. Nothing
/// when measurements on the way, resets or conditions make the run a matter of chance.
[[nodiscard]] std::optional<CircuitPart> lightCone(const Circuit& circuit, std::span<const PauliFactor> observable);

/// The factors of a Pauli string that fall on the part, in the part's numbers ("Z0 X3"); empty when there are none.
[[nodiscard]] std::string restricted(std::span<const PauliFactor> observable, const CircuitPart& part);

} // namespace qscope::engine
