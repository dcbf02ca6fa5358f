// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "gpu/runtime/recorder.h"

namespace qscope::gpu {

/// Elements that share a factor in the functions below.
inline constexpr std::uint32_t kBlockLength = 32;

/// The first value of largest magnitude of each block.
void blockPeaks(Recorder& recorder, std::uint32_t blocks, const Buffer& values, const Buffer& peaks);

/// min(trunc(value * factor + 8.5), 15), 16 bytes per block: element j in the low, j + 16 in the high half of byte j.
void scaleToNibbles(Recorder& recorder, std::uint32_t blocks, const Buffer& values, const Buffer& factors,
                    const Buffer& codes);

/// value * factor to the nearest whole number, halves away from zero, as signed bytes, 32 per block.
void scaleToBytes(Recorder& recorder, std::uint32_t blocks, const Buffer& values, const Buffer& factors,
                  const Buffer& codes);

} // namespace qscope::gpu
