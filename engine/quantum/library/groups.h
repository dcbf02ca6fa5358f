// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/library/library.h"

namespace qscope::engine::library {

// The circuits of each group, in the order in which they are listed.
[[nodiscard]] std::vector<LibraryCircuit> states();
[[nodiscard]] std::vector<LibraryCircuit> fourierTransforms();
[[nodiscard]] std::vector<LibraryCircuit> oracles();
[[nodiscard]] std::vector<LibraryCircuit> orderFinding();
[[nodiscard]] std::vector<LibraryCircuit> communication();
[[nodiscard]] std::vector<LibraryCircuit> codes();
[[nodiscard]] std::vector<LibraryCircuit> variational();

} // namespace qscope::engine::library
