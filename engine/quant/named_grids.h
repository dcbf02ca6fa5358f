// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/grid.h"

namespace qscope::engine {

enum class IntegerRange : std::uint8_t {
    Symmetric, ///< -(2^(bits-1) - 1) to 2^(bits-1) - 1
    Full,      ///< -2^(bits-1) to 2^(bits-1) - 1
    Unsigned   ///< 0 to 2^bits - 1
};

/// Whole numbers; codes in two's complement. 1 to 8 bits (Symmetric: from 2).
[[nodiscard]] Grid integerGrid(int bits, IntegerRange range);

/// A signed float of few bits, sign first. `name` empty: "E2M1".
[[nodiscard]] Grid minifloatGrid(const SmallFloat& format, std::string name = {});
/// The same with the usual bias of 2^(exponentBits-1) - 1 and every code a number.
[[nodiscard]] Grid minifloatGrid(int exponentBits, int fractionBits);

/// 0 and ±2^(-k/perOctave), k = 0 to 2^(bits-1) - 2. One step per octave: powers of two (PoT); two: powers of their
/// square root (POST; Zhou et al., Adaptive step size and POST, 2025). Geometric border: rounded in the log domain.
[[nodiscard]] Grid powersGrid(int bits, int perOctave, Grid::Border border = Grid::Border::Middle);

/// For what is never negative (softmax): 2^(-k/perOctave), k = 0 to 2^bits - 2, and 0, rounded in the log domain; code
/// k, the last for 0. The papers' 0 takes no code of its own (Li et al., RepQ-ViT, 2023).
[[nodiscard]] Grid logGrid(int bits, int perOctave);

/// Additive powers of two (Li, Dong, Wang, 2020): sign and sums of one term from each of several sets, up to 1. 2 to 8
/// bits.
[[nodiscard]] Grid additivePowersGrid(int bits);

/// Quantiles of the normal distribution, zero among them, up to 1 (Dettmers et al., QLoRA, 2023). 2 to 8 bits.
[[nodiscard]] Grid normalFloatGrid(int bits);
/// AF4 for blocks of 64: levels that fit normal values divided by their largest (Yoshida, NF4 isn't information
/// theoretically optimal, 2023).
[[nodiscard]] Grid abnormalFloatGrid();
/// The 4-bit float of bitsandbytes.
[[nodiscard]] Grid bitsandbytesGrid();
/// The dynamic map of bitsandbytes, 8 bits: seven decades below 1, signed or not (Dettmers et al., 8-bit optimizers,
/// 2021).
[[nodiscard]] Grid dynamicGrid(bool isSigned);

/// Scales in 8 bits: powers of two from 2^-127 to 2^127; E4M3 as OCP has it, to 448; UE5M3, without sign, bias 15 and
/// every code a number, to 122880 (Hu, Luschi, Balanca, 2025; the bias is our assumption).
[[nodiscard]] Grid e8m0Grid();
[[nodiscard]] Grid e4m3Grid();
[[nodiscard]] Grid ue5m3Grid();

/// The `count` numbers (1 to 256) whose nearest ones lie, weighted, least squared from the values: k-means in one
/// dimension, exact by dynamic programming in O(count n log n) time and count n memory. `weights`: one per value, not
/// negative, or empty. Fewer numbers where fewer differ. No values: {0}.
[[nodiscard]] std::vector<float> optimalLevels(std::span<const float> values, std::span<const float> weights,
                                               int count);

} // namespace qscope::engine
