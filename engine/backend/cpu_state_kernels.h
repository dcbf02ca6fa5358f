// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace qscope::engine::cpu {

// The inner loops of `applyGates`. A state is an array of units, each one vector register of the machine, that holds
// 2^laneBits amplitudes: qubits below `laneBits` select a lane of a unit, the others a unit.

/// Where a gate's groups of units are: bits of the unit index that are fixed (targets and controls).
struct Groups {
    std::uint64_t fixed = 0;
    std::uint64_t controls = 0; ///< those of the fixed bits that are set in every group

    /// First unit of group g: g's bits spread over the free positions.
    [[nodiscard]] std::uint64_t unit(std::uint64_t g) const {
        for (std::uint64_t left = fixed; left != 0; left &= left - 1) {
            const std::uint64_t below = (left & (~left + 1)) - 1;
            g = (g & below) | (g & ~below) << 1;
        }
        return g | controls;
    }
    /// First unit of the group after the one at `unit`: the carry runs over the fixed bits.
    [[nodiscard]] std::uint64_t next(std::uint64_t unit) const { return (((unit | fixed) + 1) & ~fixed) | controls; }
};

/// A dense matrix on 2^high units at a time. `coefficients`, for output unit h, input unit v and lane pattern m (input lane =
/// output lane xor `patterns[m]`): (re, im) when there is one pattern for all lanes alike, else a vector of re, then a vector
/// of im whose even lanes are negated, one entry per real of a unit.
template<class Real>
struct DenseTask {
    Groups groups;
    int high = 0;
    bool perLane = false;
    std::vector<int> patterns;
    std::array<std::uint64_t, 32> offsets{}; ///< of the units of a group
    const Real* coefficients = nullptr;
};

/// Factors per lane (re vector, then im vector with even lanes negated) for each value of the high target bits.
template<class Real>
struct DiagonalTask {
    Groups groups;
    std::array<std::array<std::uint16_t, 256>, 8> rows{}; ///< a byte of the unit index's part of the table row
    const Real* factors = nullptr;
    std::vector<std::uint8_t> trivial; ///< table rows that are all 1
};

/// The kernels of one instruction set. `units` is where the gate acts, `base` its distance from the whole state's
/// beginning, in units (diagonal tables look at the whole index). Groups [begin, end).
template<class Real>
struct Kernels {
    int laneBits; ///< amplitudes per unit, as a power of two
    void (*dense)(Real* units, const DenseTask<Real>& task, std::uint64_t begin, std::uint64_t end);
    void (*diagonal)(Real* units, std::uint64_t base, const DiagonalTask<Real>& task, std::uint64_t begin,
                     std::uint64_t end);
};

/// For this machine, chosen once.
template<class Real>
[[nodiscard]] const Kernels<Real>& kernels();

} // namespace qscope::engine::cpu
