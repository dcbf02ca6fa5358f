// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/half.h"

#include <cassert>
#include <cstddef>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace qscope::engine {

namespace {

using Convert = void (*)(const std::uint16_t*, float*, std::size_t);

void convertPortably(const std::uint16_t* from, float* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) to[i] = halfToFloat(from[i]);
}

#if defined(__x86_64__)
// F16C instructions set the quiet bit of a signalling NaN; nothing tells those apart once decoded.
__attribute__((target("avx,f16c"))) void convertEight(const std::uint16_t* from, float* to, std::size_t count) {
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
    convertPortably(from + i, to + i, count - i);
}
#endif

Convert bestConversion() {
#if defined(__x86_64__)
    // Every processor with AVX2 has F16C, and the compilers in use cannot ask for F16C by name.
    if (__builtin_cpu_supports("avx2")) return convertEight;
#endif
    return convertPortably;
}

} // namespace

void halfToFloat(std::span<const std::uint16_t> halves, std::span<float> values) {
    assert(halves.size() == values.size());
    static const Convert convert = bestConversion();
    convert(halves.data(), values.data(), halves.size());
}

} // namespace qscope::engine
