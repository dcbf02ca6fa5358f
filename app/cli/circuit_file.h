// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/environment.h"
#include "engine/quantum/circuit.h"

namespace qscope::cli {

/// A parsed circuit and what the parser said.
struct CircuitFile {
    std::shared_ptr<const engine::Circuit> circuit;
    std::vector<Diagnostic> diagnostics;
};

/// Malformed, with the first error's line and column and the number of others, when the text has errors.
[[nodiscard]] Result<CircuitFile> readCircuit(Environment& environment, const std::string& path);

[[nodiscard]] Json toJson(const std::vector<Diagnostic>& diagnostics);

} // namespace qscope::cli
