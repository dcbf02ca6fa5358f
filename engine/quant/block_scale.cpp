// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/block_scale.h"

#include "engine/quant/named_grids.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

const Grid& scaleGrid(BlockScale rule) {
    static const Grid e4m3 = e4m3Grid(), ue5m3 = ue5m3Grid();
    return rule == BlockScale::E4M3 ? e4m3 : ue5m3;
}

float powerScale(BlockScale rule, float largest, float top) {
    if (!(largest > 0)) return valueOfE8M0(0);
    int exponent = std::ilogb(largest) - std::ilogb(top);
    if (rule == BlockScale::RoundedPower && std::scalbn(largest, -std::ilogb(largest)) >= 1.75F) ++exponent;
    if (rule == BlockScale::CeilPower && std::scalbn(largest, -exponent) > top) ++exponent;
    return valueOfE8M0(std::clamp(exponent + 127, 0, 254));
}

} // namespace

float blockScale(BlockScale rule, float largest, const Grid& grid) {
    const float top = grid.largest();
    if (rule == BlockScale::Exact) return largest > 0 ? largest / top : 1.0F;
    if (rule != BlockScale::E4M3 && rule != BlockScale::UE5M3)
        return powerScale(rule, largest, grid.ascending().back());
    return scaleGrid(rule).rounded(largest / top);
}

float tensorScale(BlockScale rule, float largest, const Grid& grid) {
    if (rule != BlockScale::E4M3 && rule != BlockScale::UE5M3) return 1;
    const float scale = largest / (grid.largest() * scaleGrid(rule).largest());
    return scale > 0 && std::isnormal(scale) ? scale : 1.0F;
}

} // namespace qscope::engine
