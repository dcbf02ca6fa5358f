// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/quantum/circuit.h"

#include <memory>
#include <string_view>
#include <vector>

namespace qscope::engine {

/// A parsed program: the circuit (absent when there was an error) and everything worth saying about the text.
struct ParsedCircuit {
    std::shared_ptr<const Circuit> circuit;
    std::vector<Diagnostic> diagnostics;
};

/// Parses OpenQASM 2, with the union of the published `qelib1.inc` files, or OpenQASM 3 (quantum_conventions.md, 3.1 and
/// 4), whichever the text says it is. Never throws, goes on after an error, reports up to 100 diagnostics. `include` of
/// other files is refused.
[[nodiscard]] ParsedCircuit parseQasm(std::string_view text, const ReadLimits& limits = {});

} // namespace qscope::engine
