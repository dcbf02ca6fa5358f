// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/oracle/tensor_oracle.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace qscope::test {

using namespace engine;

namespace {

/// The nearest number with an 11-bit fraction and an exponent of half precision, ties to even; finite results only.
double nearestHalf(double value) {
    if (value == 0) return value; // with its sign
    const int exponent = std::max(std::ilogb(value), -14);
    const double unit = std::ldexp(1.0, exponent - 10);
    return std::nearbyint(value / unit) * unit;
}

std::uint16_t halfBits(double half) {
    const std::uint16_t sign = std::signbit(half) ? 0x8000 : 0;
    const double magnitude = std::fabs(half);
    if (magnitude < 0x1p-14) return static_cast<std::uint16_t>(sign | static_cast<int>(magnitude * 0x1p24));
    const int exponent = std::ilogb(magnitude);
    const int fraction = static_cast<int>((std::ldexp(magnitude, -exponent) - 1) * 1024);
    return static_cast<std::uint16_t>(sign | (exponent + 15) << 10 | fraction);
}

double halfValue(std::span<const std::byte> bytes) {
    const int bits = std::to_integer<int>(bytes[0]) | std::to_integer<int>(bytes[1]) << 8;
    const int exponent = bits >> 10 & 31;
    const double fraction = bits & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return bits & 0x8000 ? -magnitude : magnitude;
}

int byteAt(std::span<const std::byte> bytes, int index) {
    return std::to_integer<int>(bytes[static_cast<std::size_t>(index)]);
}

double elementQ4_K(std::span<const std::byte> b, int e) {
    const int s = e / 32, l = e % 32;
    const auto scales = b.subspan(4, 12);
    const int sc = s < 4 ? byteAt(scales, s) & 63 : (byteAt(scales, s + 4) & 15) + 16 * (byteAt(scales, s - 4) >> 6);
    const int mn = s < 4 ? byteAt(scales, s + 4) & 63 : (byteAt(scales, s + 4) >> 4) + 16 * (byteAt(scales, s) >> 6);
    const int both = byteAt(b, 16 + 32 * (e / 64) + l);
    const int q = s % 2 == 0 ? both & 15 : both >> 4;
    return halfValue(b) * sc * q - halfValue(b.subspan(2)) * mn;
}

double elementQ6_K(std::span<const std::byte> b, int e) {
    const int h = e / 128, l = e % 32, j = e % 128 / 32;
    const int both = byteAt(b, 64 * h + l + 32 * (j & 1));
    const int low = j < 2 ? both & 15 : both >> 4;
    const int q = low + 16 * (byteAt(b, 128 + 32 * h + l) >> 2 * j & 3) - 32;
    const int scale = static_cast<std::int8_t>(byteAt(b, 192 + e / 16));
    return halfValue(b.subspan(208)) * scale * q;
}

} // namespace

RoundedToGrid naiveRoundToGrid(std::span<const float> values, const Grouping& grouping, const UniformGrid& grid) {
    const auto groups = static_cast<std::size_t>(grouping.count());
    std::vector<float> low(groups, 0), high(groups, 0);
    const auto forEach = [&](auto&& visit) {
        for (std::int64_t row = 0; row < grouping.rows; ++row)
            for (std::int64_t column = 0; column < grouping.columns; ++column)
                visit(static_cast<std::size_t>(row * grouping.columns + column),
                      static_cast<std::size_t>(grouping.indexOf(row, column)));
    };
    forEach([&](std::size_t i, std::size_t group) {
        low[group] = std::min(low[group], values[i]);
        high[group] = std::max(high[group], values[i]);
    });
    const int top = grid.symmetric ? (1 << (grid.bits - 1)) - 1 : (1 << grid.bits) - 1;
    RoundedToGrid result;
    std::vector<float> zeros(groups, 0);
    for (std::size_t group = 0; group < groups; ++group) {
        const float range = grid.symmetric ? std::max(high[group], -low[group]) : high[group] - low[group];
        float scale = range / static_cast<float>(top);
        if (grid.scaleType == ScaleType::F16 && scale > 0)
            scale = static_cast<float>(std::clamp(nearestHalf(double{scale}), 0x1p-24, 65504.0));
        result.scales.push_back(scale);
        if (!grid.symmetric && scale > 0)
            zeros[group] = std::clamp(std::nearbyint(-low[group] / scale), 0.f, static_cast<float>(top));
        if (!grid.symmetric) result.zeros.push_back(static_cast<std::uint8_t>(zeros[group]));
    }
    result.codes.resize(values.size());
    forEach([&](std::size_t i, std::size_t group) {
        double code = double{zeros[group]};
        if (const float scale = result.scales[group]; scale > 0) {
            const float quotient = values[i] / scale;
            code =
                std::clamp(std::nearbyint(double{quotient}) + code, grid.symmetric ? -double(top) : 0.0, double(top));
        }
        result.codes[i] = static_cast<std::uint8_t>(static_cast<int>(code));
    });
    return result;
}

std::vector<double> naiveFromGrid(const RoundedToGrid& codes, const Grouping& grouping, const UniformGrid& grid) {
    std::vector<double> values;
    for (std::int64_t row = 0; row < grouping.rows; ++row)
        for (std::int64_t column = 0; column < grouping.columns; ++column) {
            const auto code = codes.codes[static_cast<std::size_t>(row * grouping.columns + column)];
            const auto group = static_cast<std::size_t>(grouping.indexOf(row, column));
            const double centred = grid.symmetric ? static_cast<std::int8_t>(code) : code - codes.zeros[group];
            values.push_back(centred * double{codes.scales[group]});
        }
    return values;
}

std::vector<std::byte> naiveBlocks(DType type, std::span<const float> values) {
    std::vector<std::byte> out;
    for (std::size_t begin = 0; begin < values.size(); begin += 32) {
        const auto block = values.subspan(begin, 32);
        float peak = 0;
        for (const float x : block)
            if (std::fabs(x) > std::fabs(peak)) peak = x;
        const float d = type == DType::Q4_0 ? peak / -8 : std::fabs(peak) / 127;
        const float inverse = d != 0 ? 1 / d : 0;
        const auto bits = halfBits(std::clamp(nearestHalf(double{d}), -65504.0, 65504.0));
        out.push_back(static_cast<std::byte>(bits & 255));
        out.push_back(static_cast<std::byte>(bits >> 8));
        if (type == DType::Q8_0) {
            for (const float x : block) out.push_back(static_cast<std::byte>(std::lround(x * inverse)));
            continue;
        }
        const auto code = [&](float x) { return std::min(15, static_cast<int>(std::trunc(x * inverse + 8.5f))); };
        for (std::size_t j = 0; j < 16; ++j)
            out.push_back(static_cast<std::byte>(code(block[j]) + 16 * code(block[j + 16])));
    }
    return out;
}

std::vector<double> naiveFromBlocks(DType type, std::span<const std::byte> blocks) {
    std::vector<double> values;
    const auto bytes = static_cast<std::size_t>(info(type).blockBits / 8);
    for (std::size_t begin = 0; begin < blocks.size(); begin += bytes) {
        const auto block = blocks.subspan(begin, bytes);
        for (int e = 0; e < info(type).blockLength; ++e) {
            if (type == DType::Q8_0) {
                values.push_back(halfValue(block) * static_cast<std::int8_t>(byteAt(block, 2 + e)));
            } else if (type == DType::Q4_0) {
                const int both = byteAt(block, 2 + e % 16);
                values.push_back(halfValue(block) * ((e < 16 ? both & 15 : both >> 4) - 8));
            } else {
                values.push_back(type == DType::Q4_K ? elementQ4_K(block, e) : elementQ6_K(block, e));
            }
        }
    }
    return values;
}

ErrorSums naiveErrorSums(std::span<const float> reference, std::span<const float> result) {
    long double sums[4] = {};
    ErrorSums total;
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const long double w = reference[i], r = result[i];
        sums[0] += w * w;
        sums[1] += (w - r) * (w - r);
        sums[2] += w * r;
        sums[3] += r * r;
        total.maximum = std::max(total.maximum, static_cast<double>(std::fabs(w - r)));
    }
    total.count = static_cast<std::int64_t>(reference.size());
    total.reference = static_cast<double>(sums[0]);
    total.difference = static_cast<double>(sums[1]);
    total.product = static_cast<double>(sums[2]);
    total.result = static_cast<double>(sums[3]);
    return total;
}

} // namespace qscope::test
