// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/dtype.h"

#include <cstddef>
#include <span>

namespace qscope::engine {

/// Whether `decodeBlocks` knows the type: it knows all of GGUF's.
[[nodiscard]] bool canDecodeBlocks(DType type);

/// Whole blocks of a GGUF type to single precision, bit for bit as the reference decoder has them. `values.size()` is a
/// multiple of the block length and matches `blocks`; the type satisfies `canDecodeBlocks`. Any bytes decode, to NaN or
/// infinite values at worst. Layouts: ggml's documentation of its tensor types.
void decodeBlocks(DType type, std::span<const std::byte> blocks, std::span<float> values);

/// Whether `encodeBlocks` knows the type: all but the IQ2, IQ3 and IQ1 types and the internal Q8_1 and Q8_K.
[[nodiscard]] bool canEncodeBlocks(DType type);

/// Single precision to whole blocks, one thread. `importance` is empty or holds one weight per value, none negative.
/// - Q8_0, MXFP4, NVFP4, TQ1_0, TQ2_0, Q1_0 and Q2_0 follow the reference encoder's rule; importance plays no part.
/// - Q4_0, Q4_1, Q5_0 and Q5_1 do so without importance; under importance they search, as the K types and IQ4 always do.
/// - A search looks for scales (and minima) of least weighted squared error. The weight of x's error is its importance
///   (1 without any) times sqrt(2 mean(x²) + x²), the mean over the block.
/// Infinite and NaN values are the caller's error: refuse them before.
void encodeBlocks(DType type, std::span<const float> values, std::span<const float> importance,
                  std::span<std::byte> blocks);

} // namespace qscope::engine
