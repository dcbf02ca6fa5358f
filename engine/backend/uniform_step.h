// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace qscope::engine {

/// The grid of one group: the levels (code - zero) * scale for whole codes from `least` to `most`. The arithmetic of
/// `UniformGrid`, for any number of bits up to 16.
struct UniformStep {
    float scale = 0;
    float zero = 0;
    float least = 0;
    float most = 0;

    /// Covers [min(low, 0), max(high, 0)].
    [[nodiscard]] static UniformStep covering(float low, float high, int bits, bool symmetric) {
        const auto levels = static_cast<float>((std::int64_t{1} << (symmetric ? bits - 1 : bits)) - 1);
        low = std::min(low, 0.0F);
        high = std::max(high, 0.0F);
        UniformStep step{0, 0, symmetric ? -levels : 0.0F, levels};
        step.scale = (symmetric ? std::max(high, -low) : high - low) / levels;
        if (!symmetric && step.scale > 0) step.zero = std::clamp(std::rint(-low / step.scale), step.least, step.most);
        return step;
    }
    [[nodiscard]] float code(float x) const {
        return scale > 0 ? std::clamp(std::rint(x / scale) + zero, least, most) : zero;
    }
    [[nodiscard]] float value(float code) const { return (code - zero) * scale; }
    [[nodiscard]] float rounded(float x) const { return value(code(x)); }
};

} // namespace qscope::engine
