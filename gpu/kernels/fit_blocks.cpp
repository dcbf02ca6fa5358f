// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/fit_blocks.h"

#include "gpu/kernels/real.h"

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kAffine[] = {
#include "gpu/shaders/fit_affine.inc"
};
constexpr std::uint32_t kSymmetric[] = {
#include "gpu/shaders/fit_symmetric.inc"
};
constexpr std::uint32_t kSingle[] = {
#include "gpu/shaders/fit_single.inc"
};

std::span<const std::uint32_t> shaderOf(Fit fit) {
    if (fit == Fit::Affine) return kAffine;
    if (fit == Fit::Symmetric) return kSymmetric;
    return kSingle;
}

} // namespace

void fitBlocks(Recorder& recorder, Fit fit, const FitPass& pass, const Buffer& values, const Buffer& weights,
               const Buffer& blocks) {
    const Program program{.name = "fit blocks",
                          .spirv = shaderOf(fit),
                          .bindings = 3,
                          .pushBytes = sizeof(FitPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{values, Access::Read}, {weights, Access::Read}, {blocks, Access::Write}}, pass,
             std::uint64_t{pass.count} * shapeOf(fit).lanes);
}

} // namespace qscope::gpu
