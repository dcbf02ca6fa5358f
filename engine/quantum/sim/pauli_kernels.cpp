// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/pauli_kernels.h"

#include <type_traits>

namespace qscope::engine::pauli {

namespace {

#define QSCOPE_ISA_NAMESPACE portable
#define QSCOPE_ISA
#define QSCOPE_UNIT_BYTES 16
#include "engine/quantum/sim/pauli_kernels.inl"
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES

#if defined(__x86_64__)
#define QSCOPE_ISA_NAMESPACE avx2
#define QSCOPE_ISA __attribute__((target("avx2")))
#define QSCOPE_UNIT_BYTES 32
#include "engine/quantum/sim/pauli_kernels.inl"
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES

#define QSCOPE_ISA_NAMESPACE avx512
#define QSCOPE_ISA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#define QSCOPE_UNIT_BYTES 64
#include "engine/quantum/sim/pauli_kernels.inl"
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES
#endif

} // namespace

template<class Real>
const Kernels<Real>& kernels() {
#if defined(__x86_64__)
    static const Kernels<Real>& best =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512bw")
            ? avx512::kKernels<Real>
        : __builtin_cpu_supports("avx2") ? avx2::kKernels<Real>
                                         : portable::kKernels<Real>;
    return best;
#else
    return portable::kKernels<Real>;
#endif
}

template const Kernels<float>& kernels<float>();
template const Kernels<double>& kernels<double>();

} // namespace qscope::engine::pauli
