// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/qasm/edit.h"
#include "engine/quantum/qasm/scan.h"

namespace qscope::engine::qasm {

/// The statement at top level that holds a byte; nothing between statements.
[[nodiscard]] std::optional<StatementRange> statementAt(std::string_view text, std::size_t byte);

/// A gate's call in parts: "ctrl @ rz" "(pi/2)" " q[0], q[1]". Positions in the text.
struct CallRange {
    std::size_t begin = 0;    ///< of the modifiers or the name
    std::size_t operands = 0; ///< behind the name and its parameters
    std::size_t end = 0;      ///< in front of the semicolon
    std::vector<StatementRange> parameters;
};
[[nodiscard]] CallRange callIn(std::string_view text, std::size_t begin, std::size_t end);

} // namespace qscope::engine::qasm
