// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/low_rank/lq_codes.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/quant/scalar_clusters.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine {

namespace {

/// x with this share of the standard normal distribution below it, by halving.
double normalQuantile(double share) {
    double low = -10, high = 10;
    for (int i = 0; i < 100; ++i) {
        const double middle = (low + high) / 2;
        (0.5 * std::erfc(-middle / std::numbers::sqrt2) < share ? low : high) = middle;
    }
    return (low + high) / 2;
}

} // namespace

std::uint64_t LqFormat::storedBits(std::int64_t count) const {
    const std::int64_t blocks = ceilDiv(count, block), runs = ceilDiv(blocks, run);
    return static_cast<std::uint64_t>(count * bits + blocks * scaleBits) +
           static_cast<std::uint64_t>(runs) * bitsOf(peakType);
}

std::vector<float> normalFloatLevels(int bits) {
    constexpr double kOutermost = 0.9677083; // share below the largest level, as QLoRA's code has it
    const int half = 1 << (bits - 1);
    const double largest = normalQuantile(kOutermost);
    std::vector<float> levels;
    for (int i = 0; i < half - 1; ++i) // from the smallest up to, not including, 0
        levels.push_back(
            static_cast<float>(normalQuantile((1 - kOutermost) + (kOutermost - 0.5) * i / (half - 1)) / largest));
    levels.push_back(0);
    for (int i = 1; i <= half; ++i)
        levels.push_back(static_cast<float>(normalQuantile(0.5 + (kOutermost - 0.5) * i / half) / largest));
    levels.front() = -1;
    levels.back() = 1;
    return levels;
}

float LqCodes::scaleOf(std::size_t block) const {
    const float peak = peaks[block / static_cast<std::size_t>(format.run)];
    return offset + static_cast<float>(scaleCodes[block]) * (peak / static_cast<float>((1 << format.scaleBits) - 1));
}

std::uint64_t LqCodes::storedBits(const Shape& shape) const {
    const std::int64_t count = elementCount(shape);
    if (outlineBits > 0) return static_cast<std::uint64_t>(outlineBits * static_cast<double>(count));
    return format.storedBits(count) + 32;
}

std::string LqCodes::describe() const {
    if (outlineBits > 0) return fmt::format("normal floats under a budget of {} bits", outlineBits);
    return fmt::format("NF{}, blocks of {} with {}-bit scales", format.bits, format.block, format.scaleBits);
}

Result<void> LqCodes::dequantize(const Shape&, std::int64_t first, std::span<float> out) const {
    const auto size = static_cast<std::size_t>(format.block), begin = static_cast<std::size_t>(first);
    std::size_t last = SIZE_MAX;
    float scale = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t block = (begin + i) / size;
        if (block != last) scale = scaleOf(last = block);
        out[i] = table[codes[begin + i]] * scale;
    }
    return {};
}

std::vector<float> LqCodes::levels(const Shape& shape, std::int64_t row, std::int64_t column) const {
    const std::int64_t element = row * asMatrix(shape).columns + column;
    std::vector<float> found = table;
    for (float& level : found) level *= scaleOf(static_cast<std::size_t>(element / format.block));
    return found;
}

Result<LqCodes> roundToLevels(std::span<const float> values, const LqFormat& format, const RunContext& given) {
    Progress unseen;
    const RunContext context{given.stop, unseen, given.notes, given.backend};
    const auto count = static_cast<std::int64_t>(values.size());
    const std::int64_t blocks = ceilDiv(count, format.block);
    const auto blockOf = [&](std::int64_t block) {
        const std::int64_t begin = block * format.block;
        return values.subspan(static_cast<std::size_t>(begin),
                              static_cast<std::size_t>(std::min(format.block, count - begin)));
    };
    std::vector<float> scales(static_cast<std::size_t>(blocks));
    const std::int64_t grain = std::max<std::int64_t>(1, (1 << 16) / format.block);
    QSCOPE_CHECK(parallelChunks(blocks, grain, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        for (std::int64_t b = begin; b < end; ++b)
            for (const float x : blockOf(b))
                scales[static_cast<std::size_t>(b)] = std::max(scales[static_cast<std::size_t>(b)], std::abs(x));
        return {};
    }));
    LqCodes made;
    made.format = format;
    made.table = normalFloatLevels(format.bits);
    made.offset = scales.empty() ? 0 : *std::ranges::min_element(scales);
    const float top = static_cast<float>((1 << format.scaleBits) - 1);
    for (std::int64_t begin = 0; begin < blocks; begin += format.run) {
        const auto run = std::span(scales).subspan(static_cast<std::size_t>(begin),
                                                   static_cast<std::size_t>(std::min(format.run, blocks - begin)));
        const float peak = roundedTo(format.peakType, *std::ranges::max_element(run) - made.offset);
        if (!std::isfinite(peak)) return fail(ErrorCode::OutOfRange, "a scale is too large for its type");
        made.peaks.push_back(peak);
        for (const float scale : run)
            made.scaleCodes.push_back(peak > 0 ? static_cast<std::uint8_t>(std::clamp(
                                                     std::rint((scale - made.offset) / (peak / top)), 0.0F, top))
                                               : 0);
    }
    made.codes.resize(values.size());
    QSCOPE_CHECK(parallelChunks(blocks, grain, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        for (std::int64_t b = begin; b < end; ++b) {
            const float scale = made.scaleOf(static_cast<std::size_t>(b));
            std::uint8_t* out = made.codes.data() + b * format.block;
            for (const float x : blockOf(b))
                *out++ = static_cast<std::uint8_t>(nearestCentre(made.table, scale > 0 ? x / scale : 0));
        }
        return {};
    }));
    return made;
}

} // namespace qscope::engine
