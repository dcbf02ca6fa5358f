// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/tensor/block_layout.h"

#include <algorithm>
#include <array>

namespace qscope::engine::detail {

/// Sub-blocks whose scales are searched at once. Their values lie transposed: element e of lane l at [e * kLanes + l],
/// so that every step works on all lanes and sums need no shuffles.
inline constexpr int kLanes = 8;

struct alignas(32) Lanes {
    std::array<float, kLanes> v{};
    float& operator[](int lane) { return v[static_cast<std::size_t>(lane)]; }
    float operator[](int lane) const { return v[static_cast<std::size_t>(lane)]; }
};

/// Values and weights of kLanes sub-blocks of `elements` (at most 32) each.
struct LaneBlock {
    alignas(32) std::array<float, 32 * kLanes> x;
    alignas(32) std::array<float, 32 * kLanes> w;
    int elements = 32;
};

/// Weighted sums over a sub-block with codes q. In symmetric formats `w`, `x` and `q` stay 0.
struct LaneSums {
    Lanes w, x, q;
    Lanes qq; ///< sum of w q²
    Lanes xq; ///< sum of w x q
};

/// x ~ scale q, codes in [-half, half - 1], q = round(x inverse).
using SymmetricSums = void (*)(const LaneBlock&, float half, const Lanes& inverse, LaneSums&);
using SymmetricErrors = void (*)(const LaneBlock&, float half, const Lanes& scale, Lanes& errors);
/// x ~ scale q - minimum, codes in [0, top], q = round((x + minimum) inverse).
using AffineSums = void (*)(const LaneBlock&, float top, const Lanes& inverse, const Lanes& minimum, LaneSums&);
using AffineErrors = void (*)(const LaneBlock&, float top, const Lanes& scale, const Lanes& minimum, Lanes& errors);

/// One version per instruction set; all give the same numbers.
struct LaneKernels {
    SymmetricSums symmetricSums;
    SymmetricErrors symmetricErrors;
    AffineSums affineSums;
    AffineErrors affineErrors;
};

/// The fastest version for this machine.
[[nodiscard]] const LaneKernels& laneKernels();

} // namespace qscope::engine::detail
