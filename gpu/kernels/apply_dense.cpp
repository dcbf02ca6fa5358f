// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/apply_dense.h"

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kSingle[] = {
#include "gpu/shaders/apply_dense_single.inc"
};
constexpr std::uint32_t kDouble[] = {
#include "gpu/shaders/apply_dense_double.inc"
};

} // namespace

void applyDense(Recorder& recorder, Real real, int targets, const DensePass& pass, const Buffer& low,
                const Buffer* high, const Buffer& matrix) {
    const Program program{.name = "apply dense",
                          .spirv = real == Real::Single ? std::span<const std::uint32_t>(kSingle)
                                                        : std::span<const std::uint32_t>(kDouble),
                          .bindings = 3,
                          .pushBytes = sizeof(DensePass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {static_cast<std::uint32_t>(targets), high ? 1u : 0u}};
    dispatch(recorder, program,
             {{low, Access::ReadWrite}, {high ? *high : low, Access::ReadWrite}, {matrix, Access::Read}}, pass,
             pass.count);
}

} // namespace qscope::gpu
