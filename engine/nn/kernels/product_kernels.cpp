// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/product_kernels.h"

#include <cstddef>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace qscope::engine::kernels {

namespace {
#define QSCOPE_ISA_SOURCE "engine/nn/kernels/product_kernels.inl"
#include "engine/nn/kernels/for_each_isa.inl"
#undef QSCOPE_ISA_SOURCE
} // namespace

template<class T>
const ProductKernels<T>& productKernels(InstructionSet instructions) {
#if defined(__x86_64__)
    if (instructions == InstructionSet::Avx512) return avx512::productKernels<T>();
    if (instructions == InstructionSet::Avx2) return avx2::productKernels<T>();
#endif
    return portable::productKernels<T>();
}
template const ProductKernels<float>& productKernels(InstructionSet);
template const ProductKernels<double>& productKernels(InstructionSet);

} // namespace qscope::engine::kernels
