// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace qscope::engine::cpu {

// The inner loops of `applyGates`. A state is an array of units, each one vector register of the machine, that holds
// 2^laneBits amplitudes: qubits below `laneBits` select a lane of a unit, the others a unit.

/// Where a gate's groups of units are: bits of the unit index that are fixed (targets and controls), lowest first.
struct Groups {
    std::array<std::uint8_t, 64> fixed{};
    int fixedCount = 0;
    std::uint64_t controls = 0; ///< unit bits that are set in every group

    /// First unit of group g: g's bits spread over the free positions.
    [[nodiscard]] std::uint64_t unit(std::uint64_t g) const {
        for (int i = 0; i < fixedCount; ++i) {
            const std::uint64_t below = (std::uint64_t{1} << fixed[static_cast<std::size_t>(i)]) - 1;
            g = (g & below) | (g & ~below) << 1;
        }
        return g | controls;
    }
    /// So many consecutive groups lie in consecutive units.
    [[nodiscard]] std::uint64_t run() const { return fixedCount == 0 ? UINT64_MAX : std::uint64_t{1} << fixed[0]; }
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
    std::vector<std::uint8_t> high; ///< unit bits of the targets, first is the lowest bit of the table's index
    const Real* factors = nullptr;
    std::vector<std::uint8_t> trivial; ///< table entries that are all 1
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
