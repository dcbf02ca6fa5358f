// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"
#include "engine/quantum/sim/simulation.h"

#include <string>

namespace qscope::cli {

/// Writes all amplitudes as a NumPy array (format version 1.0): complex64 for a single-precision state, complex128 for a
/// double one. Index bit k belongs to qubit k.
[[nodiscard]] Result<void> writeAmplitudes(const std::string& path, const engine::StateSnapshot& state,
                                           const RunContext& context);

/// Writes rho as a square NumPy array, complex128 whatever its precision, rows and columns numbered as amplitudes are.
[[nodiscard]] Result<void> writeDensity(const std::string& path, const engine::DensityMatrix& density, const RunContext& context);

} // namespace qscope::cli
