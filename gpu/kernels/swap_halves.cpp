// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/swap_halves.h"

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kSingle[] = {
#include "gpu/shaders/swap_halves_single.inc"
};
constexpr std::uint32_t kDouble[] = {
#include "gpu/shaders/swap_halves_double.inc"
};

} // namespace

void swapHalves(Recorder& recorder, Real real, const SwapPass& pass, const Buffer& low, const Buffer& high) {
    const Program program{.name = "swap halves",
                          .spirv = real == Real::Single ? std::span<const std::uint32_t>(kSingle)
                                                        : std::span<const std::uint32_t>(kDouble),
                          .bindings = 2,
                          .pushBytes = sizeof(SwapPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{low, Access::ReadWrite}, {high, Access::ReadWrite}}, pass, pass.count);
}

} // namespace qscope::gpu
