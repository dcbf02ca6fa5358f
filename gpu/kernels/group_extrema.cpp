// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/group_extrema.h"

#include "gpu/kernels/real.h"

#include <algorithm>

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kShader[] = {
#include "gpu/shaders/group_extrema.inc"
};

/// Enough to fill large devices; more only makes more partial results.
constexpr std::uint64_t kInvocations = 1u << 17;

/// Fewer elements per invocation are not worth an own lane or part.
constexpr std::uint32_t kLeastWork = 16;

} // namespace

/// Lanes of a team read side by side along a row, some times each, because meeting at the end costs time as well.
ExtremaPass planExtrema(const GroupShape& shape) {
    const auto lanes = std::clamp(std::bit_floor(shape.groupColumns / kLeastWork), 1u, kWorkgroupSize / 4);
    const std::uint64_t groups = shape.groups();
    const std::uint64_t elements =
        std::uint64_t{std::min(shape.groupRows, shape.rows)} * std::min(shape.groupColumns, shape.columns);
    const auto wanted = std::max<std::uint64_t>(1, kInvocations / (groups * lanes));
    const auto parts = std::clamp<std::uint64_t>(elements / (lanes * kLeastWork), 1, wanted);
    const auto length = ((elements + parts - 1) / parts + lanes - 1) / lanes * lanes;
    return {shape,
            shape.groupsAcross(),
            shape.groups(),
            static_cast<std::uint32_t>((elements + length - 1) / length),
            static_cast<std::uint32_t>(length),
            lanes};
}

void groupExtrema(Recorder& recorder, const ExtremaPass& pass, const Buffer& values, const Buffer& extrema) {
    const Program program{.name = "group extrema",
                          .spirv = kShader,
                          .bindings = 2,
                          .pushBytes = sizeof(ExtremaPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{values, Access::Read}, {extrema, Access::Write}}, pass,
             std::uint64_t{pass.outputs()} * pass.lanes);
}

} // namespace qscope::gpu
