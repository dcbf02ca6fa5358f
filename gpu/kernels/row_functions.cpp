// SPDX-License-Identifier: GPL-3.0-or-later
#include "gpu/kernels/row_functions.h"

#include "gpu/kernels/real.h"

#include <algorithm>

namespace qscope::gpu {
namespace {

constexpr std::uint32_t kSoftmax[] = {
#include "gpu/shaders/softmax_rows.inc"
};
constexpr std::uint32_t kNormalise[] = {
#include "gpu/shaders/normalise_rows.inc"
};

static_assert(sizeof(SoftmaxPass) == 4 * 13 && sizeof(NormalisePass) == 4 * 5);

} // namespace

void softmaxRows(Recorder& recorder, SoftmaxForm form, const SoftmaxPass& pass, std::uint32_t count, const Buffer& x,
                 const Buffer& added) {
    const Program program{.name = "softmax of rows",
                          .spirv = kSoftmax,
                          .bindings = 2,
                          .pushBytes = sizeof(pass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {static_cast<std::uint32_t>(form)}};
    SoftmaxPass part = pass;
    part.rows = std::min(pass.rows, pass.first + count);
    dispatch(recorder, program, {{x, Access::ReadWrite}, {added}}, part, std::uint64_t{count} * kWorkgroupSize);
}

void normaliseRows(Recorder& recorder, Centring centring, const NormalisePass& pass, std::uint32_t count,
                   const Buffer& x, const Buffer& scale, const Buffer& bias, const Buffer& y) {
    const Program program{.name = "normalise rows",
                          .spirv = kNormalise,
                          .bindings = 4,
                          .pushBytes = sizeof(pass),
                          .workgroupSize = kWorkgroupSize,
                          .constants = {static_cast<std::uint32_t>(centring)}};
    NormalisePass part = pass;
    part.rows = std::min(pass.rows, pass.first + count);
    dispatch(recorder, program, {{x}, {scale}, {bias}, {y, Access::Write}}, part,
             std::uint64_t{count} * kWorkgroupSize);
}

} // namespace qscope::gpu
