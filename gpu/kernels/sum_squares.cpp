// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/sum_squares.h"

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kSinglePairs[] = {
#include "gpu/shaders/sum_squares_single_pairs.inc"
};
constexpr std::uint32_t kSingle[] = {
#include "gpu/shaders/sum_squares_single.inc"
};
constexpr std::uint32_t kDouble[] = {
#include "gpu/shaders/sum_squares_double.inc"
};

} // namespace

void sumSquares(Recorder& recorder, const Device& device, Real real, const SquaresPass& pass, const Buffer& values,
                const Buffer& sums) {
    const Program program{.name = "sum squares",
                          .spirv = real == Real::Double    ? std::span<const std::uint32_t>(kDouble)
                                   : device.info().float64 ? std::span<const std::uint32_t>(kSingle)
                                                           : std::span<const std::uint32_t>(kSinglePairs),
                          .bindings = 2,
                          .pushBytes = sizeof(SquaresPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{values, Access::Read}, {sums, Access::Write}}, pass, pass.count);
}

} // namespace qscope::gpu
