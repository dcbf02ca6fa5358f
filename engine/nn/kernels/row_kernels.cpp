// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/row_kernels.h"

#include <cmath>
#include <cstddef>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace qscope::engine::kernels {

namespace {
#define QSCOPE_ISA_SOURCE "engine/nn/kernels/row_kernels.inl"
#include "engine/nn/kernels/for_each_isa.inl"
#undef QSCOPE_ISA_SOURCE
} // namespace

template<class T>
const RowKernels<T>& rowKernels(InstructionSet instructions) {
#if defined(__x86_64__)
    if (instructions == InstructionSet::Avx512) return avx512::rowKernels<T>();
    if (instructions == InstructionSet::Avx2) return avx2::rowKernels<T>();
#endif
    return portable::rowKernels<T>();
}
template const RowKernels<float>& rowKernels(InstructionSet);
template const RowKernels<double>& rowKernels(InstructionSet);

} // namespace qscope::engine::kernels
