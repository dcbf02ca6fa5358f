// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/error_sums.h"

#include "gpu/kernels/real.h"

#include <algorithm>

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kPairs[] = {
#include "gpu/shaders/error_sums_pairs.inc"
};
constexpr std::uint32_t kDouble[] = {
#include "gpu/shaders/error_sums.inc"
};

struct Push {
    std::uint32_t elements;
    std::uint32_t stride;
};

constexpr std::uint32_t kGroups = 2048;           ///< fills large devices
constexpr std::uint32_t kPairsPerInvocation = 16; ///< at least

} // namespace

std::uint32_t errorSumGroups(std::uint32_t elements) {
    return std::clamp(elements / (kWorkgroupSize * kPairsPerInvocation), 1u, kGroups);
}

void errorSums(Recorder& recorder, const Device& device, std::uint32_t elements, const Buffer& a, const Buffer& b,
               const Buffer& sums) {
    const Program program{.name = "error sums",
                          .spirv = device.info().float64 ? std::span<const std::uint32_t>(kDouble)
                                                         : std::span<const std::uint32_t>(kPairs),
                          .bindings = 3,
                          .pushBytes = sizeof(Push),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    const std::uint32_t stride = errorSumGroups(elements) * kWorkgroupSize;
    dispatch(recorder, program, {{a, Access::Read}, {b, Access::Read}, {sums, Access::Write}}, Push{elements, stride},
             stride);
}

} // namespace qscope::gpu
