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

void fit(Recorder& recorder, std::string_view name, std::span<const std::uint32_t> shader, std::uint32_t lanes,
         const FitPass& pass, const Buffer& values, const Buffer& weights, const Buffer& blocks) {
    const Program program{.name = name,
                          .spirv = shader,
                          .bindings = 3,
                          .pushBytes = sizeof(FitPass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {}};
    dispatch(recorder, program, {{values, Access::Read}, {weights, Access::Read}, {blocks, Access::Write}}, pass,
             std::uint64_t{pass.count} * lanes);
}

} // namespace

void fitAffine(Recorder& recorder, const FitPass& pass, const Buffer& values, const Buffer& weights,
               const Buffer& blocks) {
    fit(recorder, "fit affine", kAffine, 8, pass, values, weights, blocks);
}

void fitSymmetric(Recorder& recorder, const FitPass& pass, const Buffer& values, const Buffer& weights,
                  const Buffer& blocks) {
    fit(recorder, "fit symmetric", kSymmetric, 16, pass, values, weights, blocks);
}

} // namespace qscope::gpu
