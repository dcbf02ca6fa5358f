// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/simd.h"
#include "engine/tensor/block_layout.h"
#include "engine/tensor/blocks.h"

#include <cassert>
#include <cmath>

namespace qscope::engine {

namespace {

using namespace detail;
using Byte = std::uint8_t;

/// The value of largest magnitude, the first of equals. Magnitudes are compared as the bits of the numbers, which order
/// as the numbers do and let the compiler reorder the search.
QSCOPE_ALWAYS_INLINE float peakOf(const float* x) {
    std::int32_t high = 0, low = 0;
    for (int e = 0; e < kBlock; ++e) {
        const auto bits = bitsOf(x[e]);
        const std::int32_t negated = bits ^ INT32_MIN;
        high = bits > high ? bits : high;
        low = negated > low ? negated : low;
    }
    if (high != low) return high > low ? floatOf(high) : -floatOf(low);
    for (int e = 0; e < kBlock; ++e)
        if (bitsOf(std::fabs(x[e])) == high) return x[e];
    return 0;
}

QSCOPE_ALWAYS_INLINE float magnitudeOf(const float* x) {
    std::int32_t most = 0;
    for (int e = 0; e < kBlock; ++e) {
        const std::int32_t magnitude = bitsOf(x[e]) & INT32_MAX;
        most = magnitude > most ? magnitude : most;
    }
    return floatOf(most);
}

// The scale of both is used in single precision for the codes and stored as a half afterwards, as the reference does.

QSCOPE_MULTIVERSION void encodeQ4_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 18) {
        const float d = peakOf(x) / -8;
        const float inverse = d != 0 ? 1 / d : 0;
        storeHalf(d, block);
        int codes[kBlock];
        for (int e = 0; e < kBlock; ++e) {
            const int code = static_cast<int>(x[e] * inverse + 8.5f);
            codes[e] = code > 15 ? 15 : code;
        }
        for (int j = 0; j < 16; ++j) block[2 + j] = static_cast<Byte>(codes[j] | codes[j + 16] << 4);
    }
}

QSCOPE_MULTIVERSION void encodeQ8_0(const float* __restrict x, Byte* __restrict block, std::size_t blocks) {
    for (; blocks > 0; --blocks, x += kBlock, block += 34) {
        const float d = magnitudeOf(x) / 127;
        const float inverse = d != 0 ? 1 / d : 0;
        storeHalf(d, block);
        for (int e = 0; e < kBlock; ++e) {
            const float scaled = x[e] * inverse;
            const int whole = static_cast<int>(scaled);
            const float rest = scaled - static_cast<float>(whole); // ties go away from zero
            block[2 + e] = static_cast<Byte>(whole + (rest >= 0.5f) - (rest <= -0.5f));
        }
    }
}

} // namespace

bool canEncodeBlocks(DType type) {
    return type == DType::Q4_0 || type == DType::Q8_0 || type == DType::Q4_K || type == DType::Q6_K;
}

void encodeBlocks(DType type, std::span<const float> values, std::span<const float> importance,
                  std::span<std::byte> blocks) {
    assert(canEncodeBlocks(type));
    assert(importance.empty() || importance.size() == values.size());
    const std::size_t count = values.size() / static_cast<std::size_t>(info(type).blockLength);
    assert(count * static_cast<std::size_t>(info(type).blockBits / 8) == blocks.size());
    const float* const weights = importance.empty() ? nullptr : importance.data();
    auto* const out = reinterpret_cast<Byte*>(blocks.data());
    switch (type) {
    case DType::Q4_0:
        if (weights != nullptr) encodeQ4_0Weighted(values.data(), weights, out, count);
        else encodeQ4_0(values.data(), out, count);
        break;
    case DType::Q8_0: encodeQ8_0(values.data(), out, count); break;
    case DType::Q4_K: encodeQ4_K(values.data(), weights, out, count); break;
    case DType::Q6_K: encodeQ6_K(values.data(), weights, out, count); break;
    default: break;
    }
}

} // namespace qscope::engine
