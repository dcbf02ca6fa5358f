// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace qscope::engine::cpu {

// The inner loops of `applyGates`. A state is an array of units, each one vector register of the machine, that holds
// 2^laneBits amplitudes: qubits below `laneBits` select a lane of a unit, the others a unit.
//
// Factors of lanes are stored as vectors: "re" has the real part of a lane's factor at both of its reals, "im" the
// imaginary part with the sign that it takes beside exchanged parts: re x + im swapped(x) is the product.

/// Units between two lines of padding in a padded block: 4 KiB where a unit is a line. Units at multiples of a large
/// power of two apart share one set of the first cache, which holds half of a tile.
constexpr int kPadding = 6;
constexpr int kNoPadding = 63;
/// Where a unit lies; the sum of two that share no bits is where their union lies.
[[nodiscard]] constexpr std::uint64_t padded(std::uint64_t unit, int padding) { return unit + (unit >> padding); }

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

/// A dense matrix on 2^high units at a time. `coefficients`, for output unit h, input unit v and lane pattern m (input
/// lane = output lane xor `patterns[m]`): (re, im) when there is one pattern for all lanes alike, else a vector of re,
/// then a vector of im whose even lanes are negated, one entry per real of a unit.
template<class Real>
struct DenseTask {
    Groups groups;
    int padding = kNoPadding;
    int high = 0;
    bool perLane = false;
    /// Of the units of neighbouring groups, when they lie so close together that what comes next is fetched in its
    /// order in memory; or 0.
    std::uint64_t span = 0;
    std::vector<int> patterns;
    std::array<std::uint64_t, 32> offsets{}; ///< of the units of a group, padded
    const Real* coefficients = nullptr;
};

/// Factors per lane (re vector, then im vector with even lanes negated) for each value of the high target bits.
template<class Real>
struct DiagonalTask {
    Groups groups;
    int padding = kNoPadding;
    std::array<std::array<std::uint16_t, 256>, 8> rows{}; ///< a byte of the unit index's part of the table row
    const Real* factors = nullptr;
    std::vector<std::uint8_t> trivial; ///< table rows that are all 1
};

/// One operation on a tile: 2^tileBits units that stay in registers while a list of operations changes them.
template<class Real>
struct TileOp {
    enum class Kind : std::uint8_t {
        PairReal,  ///< y0 = a x0 + b x1, y1 = c x0 + d x1: vectors a, b, c, d of real factors
        PairCross, ///< the same where b and c are imaginary
        PairFull,  ///< re and im of a, b, c and d
        LaneShort, ///< y = a x + b p(x): vectors a and b; p exchanges reals
        LaneFull,  ///< y = a x + b p(x): re and im of a and b
        // Sums of conj(l) r between the halves of a tile, each as a vector of l r and one of l swapped(r); double
        // precision only.
        CrossPair,  ///< 4: l0 r0, l0 r1, l1 r0, l1 r1
        CrossLane,  ///< 2: l r, l p(r)
        CrossTable, ///< l r, by row
        Table,      ///< y = f x: re and im of f, by row
        TableReal,  ///< y = f x: f, by row
    };
    Kind kind = Kind::PairReal;
    std::uint8_t target = 0;    ///< of pairs: which of the tile's qubits
    std::uint16_t mask = 0;     ///< pairs, or units, that it acts on; only those of the right half count for sums
    std::uint64_t controls = 0; ///< bits of the unit index that must be set
    const Real* vectors = nullptr;
    std::array<std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>, 16>
        from{}; ///< of p: the real that each takes
    /// Parts of a table's row that the two low bytes of the unit index decide, then those of the units of a tile.
    const std::uint16_t* rows = nullptr;
};

/// What to do with the tiles of one block, in order.
template<class Real>
struct TileTask {
    struct Item {
        const TileOp<Real>* op;
        std::uint32_t row; ///< the part of a table's row that is the same in the whole block
        Real* sums;        ///< what sums are added to
    };
    Groups groups; ///< of tiles
    int padding = kNoPadding;
    std::array<std::uint64_t, 16> offsets{}; ///< of a tile's units, padded
    std::vector<Item> items;
};

/// The kernels of one instruction set. `units` is the state or a block of it; groups, or tiles, [begin, end).
template<class Real>
struct Kernels {
    int laneBits; ///< amplitudes per unit, as a power of two
    int tileBits; ///< units per tile, as a power of two
    void (*dense)(Real* units, const DenseTask<Real>& task, std::uint64_t begin, std::uint64_t end);
    void (*diagonal)(Real* units, const DiagonalTask<Real>& task, std::uint64_t begin, std::uint64_t end);
    void (*tiles)(Real* units, const TileTask<Real>& task, std::uint64_t begin, std::uint64_t end);
    /// The same for tasks with sums; double precision only.
    void (*crossedTiles)(Real* units, const TileTask<Real>& task, std::uint64_t begin, std::uint64_t end);
};

/// For this machine, chosen once.
template<class Real>
[[nodiscard]] const Kernels<Real>& kernels();

} // namespace qscope::engine::cpu
