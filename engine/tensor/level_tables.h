// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <vector>

namespace qscope::engine {

/// The sixteen levels of NF4: quantiles of a normal distribution, scaled to [-1, 1], zero among them (Dettmers et al.,
/// QLoRA, 2023, appendix E).
inline constexpr std::array<float, 16> kNf4{
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
    -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
    0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f};

/// The 4-bit float of bitsandbytes, divided by its largest value of 12; in the order of its codes.
inline constexpr std::array<float, 16> kBitsandbytesFp4{
    0.0f,  0.0625f / 12,  8.0f / 12,  1.0f,  4.0f / 12,  0.5f,  2.0f / 12,  0.25f,
    -0.0f, -0.0625f / 12, -8.0f / 12, -1.0f, -4.0f / 12, -0.5f, -2.0f / 12, -0.25f};

/// The 256 levels of bitsandbytes' signed dynamic map, ascending: seven decades below 1, each with twice the levels of
/// the one below it, and 0 and 1 (Dettmers, 8-bit approximations for parallelism in deep learning, 2016).
[[nodiscard]] std::vector<float> dynamicLevels();

} // namespace qscope::engine
