// SPDX-License-Identifier: GPL-3.0-or-later
// The IQ2, IQ3 and IQ1 types: a super-block of 256 values in eight parts of 32, each in four octets of eight values that
// are points of a lattice (or two points of half the width), with signs beside them (IQ2, IQ3) or a shift (IQ1).
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"
#include "engine/tensor/grid_tables.h"

#include <bit>

namespace qscope::engine::detail {

namespace {

using Byte = std::uint8_t;

constexpr int kParts = 8, kOctets = 4;

template<class Word>
Word load(const Byte* at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

/// Eight signs of which seven are stored: their number is even.
std::uint32_t evenSigns(std::uint32_t seven) {
    seven &= 127;
    return seven | static_cast<std::uint32_t>(std::popcount(seven) & 1) << 7;
}

/// Neighbouring values from a lattice point; bit j of `signs` makes value j negative.
template<std::size_t Width>
void placePoint(const std::array<std::int8_t, Width>& point, float scale, std::uint32_t signs, float* y) {
    for (std::size_t j = 0; j < Width; ++j) {
        const float magnitude = scale * static_cast<float>(point[j]);
        y[j] = (signs >> j & 1) != 0 ? -magnitude : magnitude;
    }
}

/// IQ1: coordinates -1, 0, 1, all shifted by an eighth up or down.
void placeShifted(const std::array<std::int8_t, 8>& point, float scale, bool down, float* y) {
    const float shift = down ? -0.125f : 0.125f;
    for (std::size_t j = 0; j < 8; ++j) y[j] = scale * (static_cast<float>(point[j]) + shift);
}

/// The scale of a four-bit code: odd numbers of eighths or halves of d.
float oddScale(float d, std::uint32_t code, float unit) { return d * (0.5f + static_cast<float>(code)) * unit; }

} // namespace

void decodeIQ2_XXS(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 66) {
        const float d = loadHalf(block);
        for (int part = 0; part < kParts; ++part) {
            const Byte* const points = block + 2 + 8 * part;
            const auto rest = load<std::uint32_t>(points + 4); // seven signs four times, then the scale
            const float scale = oddScale(d, rest >> 28, 0.25f);
            for (int o = 0; o < kOctets; ++o, y += 8)
                placePoint(kGridIQ2_XXS[points[o]], scale, evenSigns(rest >> 7 * o), y);
        }
    }
}

void decodeIQ2_XS(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 74) {
        const float d = loadHalf(block);
        for (int octet = 0; octet < kParts * kOctets; ++octet, y += 8) {
            const auto word = load<std::uint16_t>(block + 2 + 2 * octet); // nine bits of point, seven of signs
            const std::uint32_t code = block[66 + octet / 4] >> 4 * (octet / 2 % 2) & 15u;
            placePoint(kGridIQ2_XS[word & 511u], oddScale(d, code, 0.25f), evenSigns(word >> 9u), y);
        }
    }
}

void decodeIQ2_S(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 82) {
        const float d = loadHalf(block);
        for (int octet = 0; octet < kParts * kOctets; ++octet, y += 8) {
            const int part = octet / 4, o = octet % 4;
            const std::uint32_t point = block[2 + octet] | (block[66 + part] >> 2 * o & 3u) << 8;
            const std::uint32_t code = block[74 + part] >> 4 * (o / 2) & 15u;
            placePoint(kGridIQ2_S[point], oddScale(d, code, 0.25f), block[34 + octet], y);
        }
    }
}

void decodeIQ3_XXS(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 98) {
        const float d = loadHalf(block);
        for (int part = 0; part < kParts; ++part) {
            const Byte* points = block + 2 + 8 * part;
            const auto rest = load<std::uint32_t>(block + 66 + 4 * part); // as in IQ2_XXS
            const float scale = oddScale(d, rest >> 28, 0.5f);
            for (int o = 0; o < kOctets; ++o, y += 8, points += 2) {
                const std::uint32_t signs = evenSigns(rest >> 7 * o);
                placePoint(kGridIQ3_XXS[points[0]], scale, signs, y);
                placePoint(kGridIQ3_XXS[points[1]], scale, signs >> 4, y + 4);
            }
        }
    }
}

void decodeIQ3_S(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 110) {
        const float d = loadHalf(block);
        for (int quad = 0; quad < 2 * kParts * kOctets; ++quad, y += 4) {
            const int part = quad / 8;
            const std::uint32_t point = block[2 + quad] | (block[66 + part] >> quad % 8 & 1u) << 8;
            const std::uint32_t code = block[106 + part / 2] >> 4 * (part % 2) & 15u;
            const std::uint32_t signs = block[74 + quad / 2] >> 4 * (quad % 2);
            placePoint(kGridIQ3_S[point], d * static_cast<float>(1 + 2 * code), signs, y);
        }
    }
}

void decodeIQ1_S(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 50) {
        const float d = loadHalf(block);
        for (int part = 0; part < kParts; ++part) {
            // Three high bits of four points, three bits of scale, the direction of the shift.
            const std::uint32_t rest = load<std::uint16_t>(block + 34 + 2 * part);
            const float scale = d * static_cast<float>(2 * (rest >> 12 & 7) + 1);
            for (int o = 0; o < kOctets; ++o, y += 8)
                placeShifted(kGridIQ1[block[2 + 4 * part + o] | (rest >> 3 * o & 7) << 8], scale, rest >> 15 != 0, y);
        }
    }
}

void decodeIQ1_M(const Byte* block, float* y, std::size_t blocks) {
    for (; blocks > 0; --blocks, block += 56) {
        // Four words hold four scales of three bits each; their top four bits together are the half-precision d.
        std::array<std::uint32_t, 4> words;
        std::uint32_t half = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            words[k] = load<std::uint16_t>(block + 48 + 2 * k);
            half |= words[k] >> 12 << 4 * k;
        }
        const float d = halfToFloat(static_cast<std::uint16_t>(half));
        for (int octet = 0; octet < kParts * kOctets; ++octet, y += 8) {
            const std::uint32_t high = block[32 + octet / 2] >> 4 * (octet % 2) & 15u; // three bits of point, the shift
            const std::uint32_t code = words[static_cast<std::size_t>(octet / 8)] >> 3 * (octet / 2 % 4) & 7u;
            placeShifted(kGridIQ1[block[octet] | (high & 7) << 8], d * static_cast<float>(2 * code + 1), high >> 3 != 0, y);
        }
    }
}

} // namespace qscope::engine::detail
