// SPDX-License-Identifier: GPL-3.0-or-later
// Includes the file that QSCOPE_ISA_TEXT names once for each instruction set, with QSCOPE_ISA_NAMESPACE (portable, avx2, avx512),
// QSCOPE_ISA (a function attribute) and QSCOPE_UNIT_BYTES (of one vector register) defined. `isa.h` picks among them.

#define QSCOPE_ISA_NAMESPACE portable
#define QSCOPE_ISA
#define QSCOPE_UNIT_BYTES 16
#include QSCOPE_ISA_TEXT
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES

#if defined(__x86_64__)
#define QSCOPE_ISA_NAMESPACE avx2
#define QSCOPE_ISA __attribute__((target("avx2,fma")))
#define QSCOPE_UNIT_BYTES 32
#include QSCOPE_ISA_TEXT
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES

#define QSCOPE_ISA_NAMESPACE avx512
#define QSCOPE_ISA __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw")))
#define QSCOPE_UNIT_BYTES 64
#include QSCOPE_ISA_TEXT
#undef QSCOPE_ISA_NAMESPACE
#undef QSCOPE_ISA
#undef QSCOPE_UNIT_BYTES
#endif
