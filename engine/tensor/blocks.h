// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/dtype.h"

#include <cstddef>
#include <span>

namespace qscope::engine {

/// Whether `decodeBlocks` knows the type.
[[nodiscard]] bool canDecodeBlocks(DType type);

/// Whole blocks of a GGUF type to single precision. `values.size()` is a multiple of the block length and matches
/// `blocks`; the type satisfies `canDecodeBlocks`. Layouts: ggml's documentation of its tensor types.
void decodeBlocks(DType type, std::span<const std::byte> blocks, std::span<float> values);

/// Whether `encodeBlocks` knows the type.
[[nodiscard]] bool canEncodeBlocks(DType type);

/// Single precision to whole blocks, one thread. Q4_0 and Q8_0 give the reference encoder's bytes; the K types, and
/// Q4_0 under importance, search for the scale (and minimum) of least weighted squared error. `importance` is empty or
/// holds one weight per value, none negative.
/// Infinite and NaN values are the caller's error: refuse them before.
void encodeBlocks(DType type, std::span<const float> values, std::span<const float> importance,
                  std::span<std::byte> blocks);

} // namespace qscope::engine
