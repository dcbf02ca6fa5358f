// SPDX-License-Identifier: GPL-3.0-or-later
// Includes QSCOPE_ISA_SOURCE once per instruction set, each time in a namespace of its own and after lanes.inl. The
// functions of that source carry QSCOPE_ISA (or QSCOPE_INLINE where vectors are passed): compiling a whole file for
// one instruction set would leak its copies of shared inline functions into other files. Lambdas do not inherit the
// attribute; such sources use none.

#define QSCOPE_INLINE QSCOPE_ISA __attribute__((always_inline)) inline

#define QSCOPE_ISA_NAMESPACE portable
#define QSCOPE_ISA
#define QSCOPE_UNIT_BYTES 16
#include "engine/nn/kernels/lanes.inl"
#include QSCOPE_ISA_SOURCE
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES

#if defined(__x86_64__)
#define QSCOPE_ISA_NAMESPACE avx2
#define QSCOPE_ISA __attribute__((target("avx2,fma")))
#define QSCOPE_UNIT_BYTES 32
#include "engine/nn/kernels/lanes.inl"
#include QSCOPE_ISA_SOURCE
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES

#define QSCOPE_ISA_NAMESPACE avx512
#define QSCOPE_ISA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#define QSCOPE_UNIT_BYTES 64
#include "engine/nn/kernels/lanes.inl"
#include QSCOPE_ISA_SOURCE
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES
#endif

#undef QSCOPE_INLINE
