// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "engine/quantum/layout.h"

#include <complex>
#include <span>
#include <string_view>
#include <vector>

namespace qscope::engine {

/// Which published set a gate belongs to: the language itself, either `qelib1.inc`, or neither (a note says so).
enum class GateSet : std::uint8_t { Language, Library, Extra };

/// One gate of the table. The first `controls` of its `qubits` are controls; `matrix` gives the matrix on the others,
/// row-major, first argument the lowest bit, with the phases of `conventions.h`.
struct GateInfo {
    std::string_view name;
    int parameters;
    int qubits;
    int controls;
    std::string_view label; ///< on the drawing
    SymbolKind kind;        ///< Box, Not, Dot or Cross
    bool diagonal;
    bool clifford; ///< maps Pauli strings to Pauli strings whatever its parameters
    GateSet set;
    std::vector<std::complex<double>> (*matrix)(std::span<const double> parameters);

    [[nodiscard]] int targets() const { return qubits - controls; }
};

/// All gates that a circuit may use without defining them.
[[nodiscard]] std::span<const GateInfo> gateTable();
/// Exact, case-sensitive name; null when there is none.
[[nodiscard]] const GateInfo* findGate(std::string_view name);

/// The matrix on all qubits of the gate, controls included, row-major.
[[nodiscard]] std::vector<std::complex<double>> fullMatrix(const GateInfo& gate, std::span<const double> parameters);
/// The same from the matrix on the qubits behind the controls.
[[nodiscard]] std::vector<std::complex<double>> fullMatrix(int controls, std::vector<std::complex<double>> inner);

} // namespace qscope::engine
