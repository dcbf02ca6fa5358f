// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/qasm/edit.h"
#include "plugins/sdk/circuit_text.h"
#include "plugins/sdk/widgets/circuit_geometry.h"

#include <optional>

namespace qscope {

/// What the palette offers.
struct PaletteGate {
    QString name;  ///< in the text: "cx", "measure"
    QString label; ///< on the button
    QString help;
    int qubits = 1;
    std::vector<std::string> parameters = {}; ///< as written at first
};
[[nodiscard]] const std::vector<PaletteGate>& paletteGates();
[[nodiscard]] const PaletteGate* findPaletteGate(const QString& name);
inline constexpr const char* kGateMime = "application/x-quantoscope-gate";

// Each makes one undo step in the circuit's text, or says in the messages why it cannot; true when it did.

/// On `qubit` and the wires next to it, in front of operation `before`; selects the step behind it once it is drawn.
bool insertGate(ViewContext& context, const PaletteGate& gate, int qubit, std::size_t before);
bool removeGate(ViewContext& context, std::size_t operation);
/// The operand that was grabbed at one wire goes to another, in exchange with an operand that is there.
bool moveGate(ViewContext& context, std::size_t operation, int from, int to, std::size_t before);

/// The first operation at or right of a place of the drawing on these wires: in front of it something put there goes.
/// `except`: an operation that is being moved.
[[nodiscard]] std::size_t operationBehind(const CircuitGeometry& drawing, double x, int lowest, int highest,
                                          std::optional<std::size_t> except = std::nullopt);

} // namespace qscope
