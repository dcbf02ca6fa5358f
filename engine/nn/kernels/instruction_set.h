// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <vector>

namespace qscope::engine::kernels {

/// Which version of a kernel runs. One version's results are equal on every machine and for any number of threads;
/// versions differ from one another by rounding, as only some of them fuse a multiplication with an addition.
enum class InstructionSet {
    Portable, ///< what the compiler makes of 16-byte vectors
    Avx2,     ///< with FMA
    Avx512,   ///< F, DQ, VL and BW
};

/// What this machine runs, slowest first; never empty. For tests, which force each.
[[nodiscard]] const std::vector<InstructionSet>& supportedInstructionSets();

/// The fastest of them.
[[nodiscard]] InstructionSet bestInstructionSet();

} // namespace qscope::engine::kernels
