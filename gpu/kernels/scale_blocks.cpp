// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/scale_blocks.h"

#include "gpu/kernels/real.h"

#include <array>

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kPeaks[] = {
#include "gpu/shaders/block_peaks.inc"
};
constexpr std::uint32_t kNibbles[] = {
#include "gpu/shaders/scale_to_nibbles.inc"
};
constexpr std::uint32_t kBytes[] = {
#include "gpu/shaders/scale_to_bytes.inc"
};

void scale(Recorder& recorder, std::string_view name, std::span<const std::uint32_t> shader, std::uint32_t words,
           const Buffer& values, const Buffer& factors, const Buffer& codes) {
    const Program program{.name = name,
                          .spirv = shader,
                          .bindings = 3,
                          .pushBytes = sizeof(words),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{values, Access::Read}, {factors, Access::Read}, {codes, Access::Write}}, words,
             words);
}

} // namespace

void blockPeaks(Recorder& recorder, std::uint32_t blocks, const Buffer& values, const Buffer& peaks) {
    const std::array push{blocks, kBlockLength};
    const Program program{.name = "block peaks",
                          .spirv = kPeaks,
                          .bindings = 2,
                          .pushBytes = sizeof(push),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{values, Access::Read}, {peaks, Access::Write}}, push, blocks);
}

void scaleToNibbles(Recorder& recorder, std::uint32_t blocks, const Buffer& values, const Buffer& factors,
                    const Buffer& codes) {
    scale(recorder, "scale to nibbles", kNibbles, blocks * (kBlockLength / 8), values, factors, codes);
}

void scaleToBytes(Recorder& recorder, std::uint32_t blocks, const Buffer& values, const Buffer& factors,
                  const Buffer& codes) {
    scale(recorder, "scale to bytes", kBytes, blocks * (kBlockLength / 4), values, factors, codes);
}

} // namespace qscope::gpu
