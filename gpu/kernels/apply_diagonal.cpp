// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/apply_diagonal.h"

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kSingle[] = {
#include "gpu/shaders/apply_diagonal_single.inc"
};
constexpr std::uint32_t kDouble[] = {
#include "gpu/shaders/apply_diagonal_double.inc"
};

} // namespace

void applyDiagonal(Recorder& recorder, Real real, const DiagonalPass& pass, const Buffer& values,
                   const Buffer& entries) {
    const Program program{.name = "apply diagonal",
                          .spirv = real == Real::Single ? std::span<const std::uint32_t>(kSingle)
                                                        : std::span<const std::uint32_t>(kDouble),
                          .bindings = 2,
                          .pushBytes = sizeof(DiagonalPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{values, Access::ReadWrite}, {entries, Access::Read}}, pass, pass.count);
}

} // namespace qscope::gpu
