// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

#include <string>
#include <vector>

namespace qscope::engine {

/// What the targets of an operation look like; controls are always dots joined to them by a line.
enum class SymbolKind {
    Box,     ///< one box with a label over all targets (rx, u3, rzz)
    Not,     ///< a circle with a cross, one target (x under control)
    Dot,     ///< dots on all targets (cz, cp); `parameterText` beside the line
    Cross,   ///< swap: a cross on each of the two targets
    Call,    ///< a box over all qubits with the name of a gate that the file defines
    Measure, ///< a meter; `clbit` says where the value goes
    Reset,   ///< |0>
    Barrier  ///< a dashed line over all targets
};

/// One operation as it is drawn.
struct LaidOutOperation {
    int column = 0;
    int lowest = 0;             ///< smallest qubit touched
    int highest = 0;            ///< largest qubit touched
    SymbolKind kind = SymbolKind::Box;
    std::string label;          ///< "H", "RX", "majority"
    std::string parameterText;  ///< "π/2, 0.3"; empty without parameters
    std::vector<int> controls;  ///< as written
    std::vector<int> targets;   ///< as written
    int clbit = -1;             ///< measurements: the classical bit
    int conditionRegister = -1; ///< index into `Circuit::cregs`
    std::string conditionText;  ///< "c == 2"; drawn on the classical wire, joined to the symbol
};

/// Columns of a circuit drawing, plain data. `operations[i]` belongs to `circuit.operations[i]`.
/// Packed to the left: an operation takes the first column in which all wires it spans are free. What is joined to the
/// classical wires (measurements, conditions) spans every wire between it and them; those lie beyond qubit n-1, or
/// beyond qubit 0 when `ZeroAtBottom`.
struct CircuitLayout {
    int columns = 0;
    std::vector<LaidOutOperation> operations;
};

enum class WireOrder { ZeroAtTop, ZeroAtBottom };

[[nodiscard]] CircuitLayout layoutCircuit(const Circuit& circuit, WireOrder order = WireOrder::ZeroAtTop);

/// An angle as people write it: simple fractions of π as "π/2", "-3π/4", others with up to four significant digits.
[[nodiscard]] std::string angleText(double radians);

} // namespace qscope::engine
