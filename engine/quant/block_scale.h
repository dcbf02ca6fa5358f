// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/grid.h"

namespace qscope::engine {

/// How the scale of a block of values on a grid follows from their largest magnitude. The 8-bit scales of block
/// formats: block floating point and OCP microscaling (MX), NVFP4, and those between.
enum class BlockScale : std::uint8_t {
    Exact,      ///< largest magnitude / largest level
    FloorPower, ///< E8M0: 2^(floor(log2 largest magnitude) - floor(log2 largest level)), as in OCP MX 1.0, section 6.3:
                ///< what is above the largest level becomes that level
    RoundedPower, ///< E8M0: the same, from 1.75 times a power of two on the next one (compressed-tensors)
    CeilPower,    ///< E8M0: the smallest power of two for which nothing is above the largest level
    E4M3,         ///< the nearest number of OCP's E4M3
    UE5M3         ///< the nearest number of an unsigned float with 5 bits of exponent and 3 of fraction
};

/// 0 where the scale's type rounds to it (the block becomes zeros). `largest` is not negative.
[[nodiscard]] float blockScale(BlockScale rule, float largest, const Grid& grid);

/// What divides a tensor so that the scale of its largest block is the largest of its type: NVFP4's second scale. 1 for
/// the other rules and for zeros.
[[nodiscard]] float tensorScale(BlockScale rule, float largest, const Grid& grid);

} // namespace qscope::engine
