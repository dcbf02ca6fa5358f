// SPDX-License-Identifier: GPL-3.0-or-later
// Four-bit floats (OCP E2M1) under a shared scale: MXFP4 with a power of two per 32 values, NVFP4 with an E4M3 number
// per 16. Plain code, as in encode_simple_blocks.cpp.
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"
#include "engine/tensor/closed_rules.h"

#include <limits>

namespace qscope::engine::detail {

namespace {

using Byte = std::uint8_t;

/// The nearest E2M1 code to x / scale. A tie goes to the smaller magnitude, and what becomes zero loses its sign.
/// `scale` is a short binary fraction, so that the borders between codes are exact.
std::uint32_t fp4Code(float x, float scale) {
    const float a = x < 0 ? -x : x;
    std::uint32_t code = 0;
    code += a > 0.25f * scale;
    code += a > 0.75f * scale;
    code += a > 1.25f * scale;
    code += a > 1.75f * scale;
    code += a > 2.5f * scale;
    code += a > 3.5f * scale;
    code += a > 5.f * scale;
    return code | (x < 0 && code > 0 ? 8u : 0u);
}

/// The nearest number of E4M3 without a sign, ties up, 448 at most. Its exponents are 120 less than those of single
/// precision.
std::int32_t e4m3Code(float x) {
    const float bounded = x > 448.f ? 448.f : x;
    const std::int32_t normal = ((bitsOf(bounded) + (1 << 19)) >> 20) - (120 << 3);
    return bounded < 0x1p-6f ? static_cast<std::int32_t>(bounded * 512 + 0.5f) : normal;
}

/// The number of such a code.
float e4m3Value(std::int32_t code) {
    return code < 8 ? static_cast<float>(code) * 0x1p-9f : floatOf((code + (120 << 3)) << 20);
}

} // namespace

void encodeMXFP4(const float* x, Byte* block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 17) {
        const std::int32_t e = mxfp4Exponent(magnitudeOf(x, kBlock));
        // Scaling the values instead keeps the smallest scales, which are not normal numbers, out of the arithmetic.
        const float inverse = floatOf((254 - e) << 23);
        std::uint32_t codes[kBlock];
        for (int j = 0; j < kBlock; ++j) codes[j] = fp4Code(x[j] * inverse, 1);
        block[0] = static_cast<Byte>(e);
        for (int j = 0; j < 16; ++j) block[1 + j] = static_cast<Byte>(codes[j] | codes[j + 16] << 4);
    }
}

void encodeNVFP4(const float* x, Byte* block, std::size_t blocks) {
    constexpr int kPart = 16, kParts = 4;
    for (; blocks > 0; --blocks, x += kPart * kParts, block += 36) {
        float scales[kParts];
        for (int s = 0; s < kParts; ++s) {
            const std::int32_t code = e4m3Code(magnitudeOf(x + kPart * s, kPart) / 6);
            block[s] = static_cast<Byte>(code);
            scales[s] = code > 0 ? e4m3Value(code) : std::numeric_limits<float>::infinity(); // of which all are nothing
        }
        std::uint32_t codes[kPart * kParts];
        for (int s = 0; s < kParts; ++s)
            for (int r = 0; r < kPart; ++r) codes[kPart * s + r] = fp4Code(x[kPart * s + r], scales[s]);
        for (int i = 0; i < 32; ++i) {
            const std::uint32_t* const q = codes + kPart * (i / 8) + i % 8;
            block[kParts + i] = static_cast<Byte>(q[0] | q[8] << 4);
        }
    }
}

} // namespace qscope::engine::detail
