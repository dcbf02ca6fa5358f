// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <QString>

#include <vector>

namespace qscope {

/// "0-3, 7" for a state of `qubits` qubits: ascending, without repeats, at most `most` of them. The message names what
/// is wrong.
[[nodiscard]] Result<std::vector<int>> parseQubits(const QString& text, int qubits, int most);

/// Up to `most` neighbouring qubits: the first ones, or those that follow `selected` when it lies beyond them.
[[nodiscard]] std::vector<int> defaultQubits(int qubits, int selected, int most);

} // namespace qscope
