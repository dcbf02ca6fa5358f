// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of encode_simple_blocks.cpp and encode_fp4_blocks.cpp in AVX2 instructions, to the same bytes. GCC 12
// leaves the packing, the half-precision scales and the searches of one block in those loops scalar, which is most of
// their time.
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"
#include "engine/tensor/closed_rules.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <cmath>
#include <limits>

// Every processor with AVX2 has F16C. A processor's fused multiplication stays off: it rounds once where the rules
// round twice.
#define QSCOPE_AVX2 __attribute__((target("avx2,f16c")))
#define QSCOPE_AVX2_INLINE inline __attribute__((always_inline, target("avx2,f16c")))

namespace qscope::engine::detail::wide {

namespace {

using Byte = std::uint8_t;

/// 32 values: vector i has elements 4i to 4i + 3 in its low half and in its high half those of them 16 further on (8
/// within a part of NVFP4). Packing to bytes works within halves, so that the bytes come out in order, and those that
/// share a byte as nibbles lie half a register apart.
struct Values {
    __m256 v[4];
};

QSCOPE_AVX2_INLINE __m256 twoHalves(const float* low, const float* high) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
}

QSCOPE_AVX2_INLINE Values loadBlock(const float* x) {
    return {{twoHalves(x, x + 16), twoHalves(x + 4, x + 20), twoHalves(x + 8, x + 24), twoHalves(x + 12, x + 28)}};
}

QSCOPE_AVX2_INLINE Values loadTwoParts(const float* x) {
    return {{twoHalves(x, x + 8), twoHalves(x + 4, x + 12), twoHalves(x + 16, x + 24), twoHalves(x + 20, x + 28)}};
}

struct Extent {
    float low, high;
};

QSCOPE_AVX2_INLINE Extent extentOf(const Values& x) {
    const __m256 high = _mm256_max_ps(_mm256_max_ps(x.v[0], x.v[1]), _mm256_max_ps(x.v[2], x.v[3]));
    const __m256 low = _mm256_min_ps(_mm256_min_ps(x.v[0], x.v[1]), _mm256_min_ps(x.v[2], x.v[3]));
    // Both searches in one register: the largest value beside the largest of the negated ones.
    const __m256 below = _mm256_xor_ps(low, _mm256_set1_ps(-0.f));
    const __m256 pairs = _mm256_max_ps(_mm256_unpacklo_ps(high, below), _mm256_unpackhi_ps(high, below));
    const __m128 half = _mm_max_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
    const __m128 one = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return {-_mm_cvtss_f32(_mm_shuffle_ps(one, one, 1)), _mm_cvtss_f32(one)};
}

QSCOPE_AVX2_INLINE float magnitudeOf(const Extent& extent) {
    return std::fabs(extent.high > -extent.low ? extent.high : extent.low);
}

QSCOPE_AVX2_INLINE void storeHalf(float value, Byte* at) {
    const __m128 bounded = _mm_max_ss(_mm_min_ss(_mm_set_ss(value), _mm_set_ss(65504.f)), _mm_set_ss(-65504.f));
    const int half = _mm_cvtsi128_si32(_mm_cvtps_ph(bounded, _MM_FROUND_TO_NEAREST_INT));
    std::memcpy(at, &half, 2);
}

/// Four vectors of whole numbers from 0 to 255 as bytes.
QSCOPE_AVX2_INLINE __m256i packBytes(__m256i a, __m256i b, __m256i c, __m256i d) {
    return _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
}

/// Codes below 32 in the order of `Values`; stores the low four bits.
QSCOPE_AVX2_INLINE void storeNibbles(__m256i codes, Byte* to) {
    const __m256i four = _mm256_and_si256(codes, _mm256_set1_epi8(15));
    const __m128i high = _mm_slli_epi16(_mm256_extracti128_si256(four, 1), 4);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_or_si128(_mm256_castsi256_si128(four), high));
}

QSCOPE_AVX2_INLINE void storeFifthBits(__m256i codes, Byte* to) {
    const int bits = _mm256_movemask_epi8(_mm256_slli_epi16(codes, 3));
    std::memcpy(to, &bits, sizeof bits);
}

template<int Half>
QSCOPE_AVX2_INLINE __m256i symmetricCodes(const float* x, float& d) {
    const Values block = loadBlock(x);
    const Extent extent = extentOf(block);
    float peak = extent.high > -extent.low ? extent.high : extent.low;
    if (extent.high == -extent.low) peak = peakOf(x); // the first of equals decides
    d = peak / -Half;
    const __m256 inverse = _mm256_set1_ps(inverseOf(d)), shift = _mm256_set1_ps(Half + 0.5f);
    __m256i codes[4];
    for (int i = 0; i < 4; ++i)
        codes[i] = _mm256_cvttps_epi32(_mm256_add_ps(_mm256_mul_ps(block.v[i], inverse), shift));
    return _mm256_min_epu8(packBytes(codes[0], codes[1], codes[2], codes[3]), _mm256_set1_epi8(2 * Half - 1));
}

template<int Top>
QSCOPE_AVX2_INLINE __m256i affineCodes(const float* x, ScaleAndMinimum& found) {
    const Values block = loadBlock(x);
    Extent extent = extentOf(block);
    if (extent.low == 0) extent.low = firstZeroOf(x);
    found = gridBetween(extent.low, extent.high, Top);
    const __m256 low = _mm256_set1_ps(extent.low), inverse = _mm256_set1_ps(inverseOf(found.scale));
    __m256i codes[4];
    for (int i = 0; i < 4; ++i) {
        const __m256 code = _mm256_add_ps(_mm256_mul_ps(_mm256_sub_ps(block.v[i], low), inverse), _mm256_set1_ps(0.5f));
        codes[i] = _mm256_cvttps_epi32(_mm256_min_ps(code, _mm256_set1_ps(Top)));
    }
    return packBytes(codes[0], codes[1], codes[2], codes[3]);
}

/// E2M1 codes of what has been divided by its scale. A value is above a border between two codes, all of them quarters,
/// when its quarters rounded up are: 32 comparisons at once.
QSCOPE_AVX2_INLINE __m256i fp4Codes(const Values& scaled) {
    __m256i quarters[4], bits[4];
    for (int i = 0; i < 4; ++i) {
        bits[i] = _mm256_castps_si256(scaled.v[i]);
        const __m256 magnitude = _mm256_andnot_ps(_mm256_set1_ps(-0.f), scaled.v[i]);
        const __m256 bounded = _mm256_min_ps(magnitude, _mm256_set1_ps(8));
        quarters[i] = _mm256_cvtps_epi32(_mm256_ceil_ps(_mm256_mul_ps(bounded, _mm256_set1_ps(4))));
    }
    const __m256i a = packBytes(quarters[0], quarters[1], quarters[2], quarters[3]);
    __m256i codes = _mm256_setzero_si256();
    for (const int border : {1, 3, 5, 7, 10, 14, 20})
        codes = _mm256_sub_epi8(codes, _mm256_cmpgt_epi8(a, _mm256_set1_epi8(static_cast<char>(border))));
    // Saturation keeps the sign bits, and what became zero loses its own.
    const __m256i signs =
        _mm256_packs_epi16(_mm256_packs_epi32(bits[0], bits[1]), _mm256_packs_epi32(bits[2], bits[3]));
    const __m256i negative = _mm256_and_si256(_mm256_and_si256(signs, _mm256_set1_epi8(-128)),
                                              _mm256_cmpgt_epi8(codes, _mm256_setzero_si256()));
    return _mm256_or_si256(codes, _mm256_srli_epi16(negative, 4));
}

/// The largest magnitude of each of four parts of 16 values.
QSCOPE_AVX2_INLINE __m128 magnitudesOfParts(const float* x) {
    __m256 most[4];
    for (int s = 0; s < 4; ++s)
        most[s] = _mm256_max_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.f), _mm256_loadu_ps(x + 16 * s)),
                                _mm256_andnot_ps(_mm256_set1_ps(-0.f), _mm256_loadu_ps(x + 16 * s + 8)));
    const __m256 first = _mm256_max_ps(_mm256_unpacklo_ps(most[0], most[1]), _mm256_unpackhi_ps(most[0], most[1]));
    const __m256 second = _mm256_max_ps(_mm256_unpacklo_ps(most[2], most[3]), _mm256_unpackhi_ps(most[2], most[3]));
    const __m256 all = _mm256_max_ps(_mm256_shuffle_ps(first, second, 0x44), _mm256_shuffle_ps(first, second, 0xEE));
    return _mm_max_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
}

/// Four E4M3 scales by the rule of `e4m3Code`: stores the codes and gives their values, infinity for 0.
QSCOPE_AVX2_INLINE void e4m3Scales(__m128 wanted, Byte* to, float* values) {
    const __m128 bounded = _mm_min_ps(wanted, _mm_set1_ps(448.f));
    const __m128i offset = _mm_set1_epi32(120 << 3);
    const __m128i rounded = _mm_add_epi32(_mm_castps_si128(bounded), _mm_set1_epi32(1 << 19));
    const __m128i normal = _mm_sub_epi32(_mm_srli_epi32(rounded, 20), offset);
    const __m128i small = _mm_cvttps_epi32(_mm_add_ps(_mm_mul_ps(bounded, _mm_set1_ps(512)), _mm_set1_ps(0.5f)));
    const __m128i isSmall = _mm_castps_si128(_mm_cmplt_ps(bounded, _mm_set1_ps(0x1p-6f)));
    const __m128i codes = _mm_blendv_epi8(normal, small, isSmall);
    const __m128i words = _mm_packs_epi32(codes, codes);
    const int bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    std::memcpy(to, &bytes, sizeof bytes);
    const __m128 normalValue = _mm_castsi128_ps(_mm_slli_epi32(_mm_add_epi32(codes, offset), 20));
    const __m128 smallValue = _mm_mul_ps(_mm_cvtepi32_ps(codes), _mm_set1_ps(0x1p-9f));
    const __m128 value =
        _mm_blendv_ps(normalValue, smallValue, _mm_castsi128_ps(_mm_cmplt_epi32(codes, _mm_set1_epi32(8))));
    const __m128 isZero = _mm_castsi128_ps(_mm_cmpeq_epi32(codes, _mm_setzero_si128()));
    _mm_storeu_ps(values, _mm_blendv_ps(value, _mm_set1_ps(std::numeric_limits<float>::infinity()), isZero));
}

} // namespace

QSCOPE_AVX2 void encodeQ4_0(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 18) {
        float d;
        storeNibbles(symmetricCodes<8>(x, d), block + 2);
        storeHalf(d, block);
    }
}

QSCOPE_AVX2 void encodeQ4_1(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 20) {
        ScaleAndMinimum found;
        storeNibbles(affineCodes<15>(x, found), block + 4);
        storeHalf(found.scale, block);
        storeHalf(found.minimum, block + 2);
    }
}

QSCOPE_AVX2 void encodeQ5_0(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 22) {
        float d;
        const __m256i codes = symmetricCodes<16>(x, d);
        storeHalf(d, block);
        storeFifthBits(codes, block + 2);
        storeNibbles(codes, block + 6);
    }
}

QSCOPE_AVX2 void encodeQ5_1(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 24) {
        ScaleAndMinimum found;
        const __m256i codes = affineCodes<31>(x, found);
        storeHalf(found.scale, block);
        storeHalf(found.minimum, block + 2);
        storeFifthBits(codes, block + 4);
        storeNibbles(codes, block + 8);
    }
}

QSCOPE_AVX2 void encodeQ8_0(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 34) {
        const Values values = loadBlock(x);
        const float d = magnitudeOf(extentOf(values)) / 127;
        const __m256 inverse = _mm256_set1_ps(inverseOf(d));
        __m256i codes[4];
        for (int i = 0; i < 4; ++i) {
            const __m256 code = _mm256_mul_ps(values.v[i], inverse);
            // Half away from zero: the largest number below one half rounds up to the next whole number from a half on
            // only.
            const __m256 half = _mm256_or_ps(_mm256_set1_ps(0x1.fffffep-2f), _mm256_and_ps(code, _mm256_set1_ps(-0.f)));
            codes[i] = _mm256_cvttps_epi32(_mm256_add_ps(code, half));
        }
        storeHalf(d, block);
        _mm256_storeu_si256(
            reinterpret_cast<__m256i*>(block + 2),
            _mm256_packs_epi16(_mm256_packs_epi32(codes[0], codes[1]), _mm256_packs_epi32(codes[2], codes[3])));
    }
}

QSCOPE_AVX2 void encodeMXFP4(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 17) {
        Values values = loadBlock(x);
        const std::int32_t e = mxfp4Exponent(magnitudeOf(extentOf(values)));
        const __m256 inverse = _mm256_set1_ps(floatOf((254 - e) << 23));
        for (__m256& v : values.v) v = _mm256_mul_ps(v, inverse);
        block[0] = static_cast<Byte>(e);
        storeNibbles(fp4Codes(values), block + 1);
    }
}

QSCOPE_AVX2 void encodeNVFP4(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += 64, block += 36) {
        float scales[4];
        e4m3Scales(_mm_div_ps(magnitudesOfParts(x), _mm_set1_ps(6)), block, scales);
        for (int pair = 0; pair < 2; ++pair) {
            Values values = loadTwoParts(x + 32 * pair);
            // Division, as it keeps the order with the borders: a border times a scale is a short binary fraction, the
            // next number above it is half a unit of the last place further at least, and so is the rounded quotient.
            for (int i = 0; i < 4; ++i)
                values.v[i] = _mm256_div_ps(values.v[i], _mm256_set1_ps(scales[2 * pair + i / 2]));
            storeNibbles(fp4Codes(values), block + 4 + 16 * pair);
        }
    }
}

} // namespace qscope::engine::detail::wide

#endif
