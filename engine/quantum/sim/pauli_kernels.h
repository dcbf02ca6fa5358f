// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/cpu_state_kernels.h"

#include <cstdint>
#include <vector>

namespace qscope::engine::pauli {

// The inner loop of `DensityMatrix::apply`. A state is an array of units, each one vector register of the machine, that holds
// 2^laneBits reals: index bits below `laneBits` select a lane, the others a unit.

constexpr std::size_t kMostInputs = 1024; ///< five qubits

/// A real matrix on a group of units. Inputs are the units of a group, each as it is and with its lanes exchanged by every pattern
/// (input lane = output lane xor pattern); every output unit is a sum of few of them.
template<class Real>
struct PassTask {
    cpu::Groups groups;                 ///< of batches of units
    bool perLane = false;               ///< coefficients are units, else single reals
    bool batched = false;               ///< four neighbouring units at a time
    std::vector<std::uint64_t> offsets; ///< of a group's units, in units
    std::vector<int> patterns;          ///< at least one, the first is 0
    std::vector<std::uint32_t> firstTerm; ///< per unit of a group, and the end
    std::vector<std::uint32_t> inputs;    ///< per term: number of the unit times patterns, plus number of the pattern
    const Real* coefficients = nullptr;   ///< per term
};

template<class Real>
struct Kernels {
    int laneBits;
    /// Groups [begin, end).
    void (*pass)(Real* units, const PassTask<Real>& task, std::uint64_t begin, std::uint64_t end);
};

/// For this machine, chosen once.
template<class Real>
[[nodiscard]] const Kernels<Real>& kernels();

} // namespace qscope::engine::pauli
