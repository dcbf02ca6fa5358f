// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// exp(x - max) / sum of it along rows of singles, in place. Rows come as matrices of `queries` rows. Left out of a
/// row (0 in the result) are entries after position + query when causal, and those `window` or more before it; a row
/// that is left out whole becomes zeros. Before that x becomes cap * tanh(x / cap) and the added mask joins. Laid out
/// like the shader's.
struct SoftmaxPass {
    std::uint32_t first = 0; ///< row to begin with
    std::uint32_t rows = 0;  ///< of all
    std::uint32_t columns = 0;
    std::uint32_t queries = 1;
    std::uint32_t causal = 0;
    std::uint32_t position = 0;
    std::uint32_t window = 0; ///< 0: all
    float cap = 0;            ///< 0: none
    std::uint32_t hasAdded = 0;
    std::uint32_t addedOffset = 0; ///< where the added mask of the first row begins in its array
    std::uint32_t addedMatrix = 0, addedRow = 0, addedColumn = 0; ///< steps in it
};
enum class SoftmaxForm : std::uint32_t { Plain, Logarithm }; ///< the logarithm knows no masks

/// `count` rows from `pass.first` on. `added` is any buffer where there is no mask.
void softmaxRows(Recorder& recorder, SoftmaxForm form, const SoftmaxPass& pass, std::uint32_t count, const Buffer& x,
                 const Buffer& added);

/// (x - mean) / sqrt(variance + epsilon) * scale + bias along rows; not centred, the mean counts as 0.
struct NormalisePass {
    std::uint32_t first = 0;
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
    std::uint32_t hasBias = 0;
    float epsilon = 0;
};
enum class Centring : std::uint32_t { None, Mean };

void normaliseRows(Recorder& recorder, Centring centring, const NormalisePass& pass, std::uint32_t count,
                   const Buffer& x, const Buffer& scale, const Buffer& bias, const Buffer& y);

} // namespace qscope::gpu
