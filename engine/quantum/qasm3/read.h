// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/read_limits.h"
#include "engine/quantum/circuit.h"
#include "engine/quantum/qasm/messages.h"

#include <optional>
#include <string_view>

namespace qscope::engine::qasm3 {

/// Whether a text is OpenQASM 3: it says so, or has words that only that version has.
[[nodiscard]] bool isVersion3(std::string_view text);

/// The circuit of the text, of use only when no error was reported.
[[nodiscard]] Circuit read(std::string_view text, qasm::Messages& messages, const ReadLimits& limits);

} // namespace qscope::engine::qasm3
