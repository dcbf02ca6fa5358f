// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/circuit.h"

namespace qscope::engine {

/// The circuit as a text that `parseQasm` reads back into the same operations, names that the version does not allow
/// changed. Gates that the circuit defines are written with their values filled in, one definition for each set of values.
/// Unsupported, with its line and name, for what the version cannot hold: OpenQASM 2 branches other than `if (c == 2)`,
/// inputs, gates that modifiers made; OpenQASM 3 opaque gates, returns out of branches, and what is not simulated.
[[nodiscard]] Result<std::string> toOpenQasm2(const Circuit& circuit);
[[nodiscard]] Result<std::string> toOpenQasm3(const Circuit& circuit);

} // namespace qscope::engine
