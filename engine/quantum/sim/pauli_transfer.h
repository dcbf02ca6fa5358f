// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/noisy_program.h"

#include <cstdint>

namespace qscope::engine {

struct PropagationLimits {
    double smallest = 1e-10;          ///< strings with smaller coefficients are left out
    std::size_t strings = 1'000'000;  ///< beyond, only the largest half of so many is kept
};

struct PropagatedValue {
    double value = 0;
    double bound = 0;              ///< the exact value differs by at most this, rounding aside
    std::size_t mostStrings = 0;   ///< held at once
};

/// <observable> after a noisy program on |0...0>, by carrying the observable backwards as a sum of Pauli strings through the
/// transposed Pauli transfer matrices. A Clifford gate keeps their number, a rotation at most doubles it, noise makes long strings
/// small; so circuits of many qubits with few rotations or much noise are easy, whatever their entanglement. At most 64 qubits.
/// Unsupported with conditions, whose outcomes would have to be followed.
[[nodiscard]] Result<PropagatedValue> propagatedValue(const NoisyProgram& program, const PauliString& observable,
                                                      const PropagationLimits& limits, const RunContext& context);

} // namespace qscope::engine
