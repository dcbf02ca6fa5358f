// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/round_to_grid.h"

#include "gpu/kernels/real.h"

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kShader[] = {
#include "gpu/shaders/round_to_grid.inc"
};

} // namespace

void roundToGrid(Recorder& recorder, const RoundPass& pass, const Buffer& values, const Buffer& scales,
                 const Buffer& offsets, const Buffer& codes) {
    const Program program{.name = "round to grid",
                          .spirv = kShader,
                          .bindings = 4,
                          .pushBytes = sizeof(RoundPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program,
             {{values, Access::Read}, {scales, Access::Read}, {offsets, Access::Read}, {codes, Access::Write}}, pass,
             pass.count);
}

} // namespace qscope::gpu
