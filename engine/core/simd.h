// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

/// Before a hot loop: the compiler makes one version per instruction set and the loader picks at run time by what the
/// machine can do (a version named after a model, such as "arch=haswell", would run on that model alone). Results are
/// equal on all of them, as the engine is compiled without floating-point contraction.
/// Off under sanitizers, whose runtime is not ready when the loader chooses.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(QSCOPE_SANITIZED)
#define QSCOPE_MULTIVERSION __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define QSCOPE_MULTIVERSION
#endif

/// For what such a loop calls: a plain function is compiled for the oldest machine alone and is not inlined into the
/// other versions. Lambdas take `__attribute__((always_inline))` after their parameters for the same reason.
#define QSCOPE_ALWAYS_INLINE inline __attribute__((always_inline))

namespace qscope {

/// std::bit_cast for such loops; the library's is a plain function.
[[nodiscard]] QSCOPE_ALWAYS_INLINE std::int32_t bitsOf(float value) { return __builtin_bit_cast(std::int32_t, value); }
[[nodiscard]] QSCOPE_ALWAYS_INLINE float floatOf(std::int32_t bits) { return __builtin_bit_cast(float, bits); }

} // namespace qscope
