// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/lane_kernels.h"

#include <cstring>

namespace qscope::engine::detail {

namespace {

namespace baseline {
#include "engine/tensor/lane_kernels.inl"
} // namespace baseline

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2")
namespace avx2 {
#include "engine/tensor/lane_kernels.inl"
} // namespace avx2
#pragma GCC pop_options
#endif

} // namespace

const LaneKernels& laneKernels() {
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
    static const bool wide = __builtin_cpu_supports("avx2") != 0;
    if (wide) return avx2::kKernels;
#endif
    return baseline::kKernels;
}

} // namespace qscope::engine::detail
