// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

#include <array>
#include <map>
#include <tuple>

namespace qscope::engine {

/// What a Clifford gate U on one or two qubits does to Pauli strings P: U P U^-1. A string is four bits: x of the first
/// qubit (1), z of the first (2), x of the second (4), z of the second (8); x and z of one qubit together are Y.
struct CliffordGate {
    int qubits = 1;
    std::array<std::uint8_t, 4> image{}; ///< of the strings 1, 2, 4, 8; the images of others are sums of these
    std::uint16_t signs = 0;             ///< bit s: string s becomes minus its image

    [[nodiscard]] bool operator==(const CliffordGate&) const = default;
    /// A Pauli string itself: it changes signs only.
    [[nodiscard]] bool pauli() const { return image == std::array<std::uint8_t, 4>{1, 2, 4, 8}; }
};

/// The action of a gate that has a matrix, whatever its angles, when it is Clifford within 1e-12 of them; else nothing.
[[nodiscard]] std::optional<CliffordGate> cliffordOf(const GateOp& gate);

/// Remembers the actions of gates that repeat; they stay where they are as long as the table lives.
class CliffordTable {
public:
    /// Null when the gate is not Clifford.
    [[nodiscard]] const CliffordGate* find(const GateOp& gate);

private:
    std::map<std::tuple<std::string, std::vector<double>, std::shared_ptr<const GateDetail>>, std::optional<CliffordGate>> m_known;
};

} // namespace qscope::engine
