// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_tensor_ops.h"

#include "engine/core/checked_math.h"
#include "engine/core/large_vector.h"
#include "engine/core/parallel.h"
#include "engine/core/simd.h"
#include "engine/tensor/blocks.h"
#include "engine/tensor/half.h"

#include <algorithm>
#include <atomic>

namespace qscope::engine::cpu {

namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 18; ///< elements: 1 MiB of single precision, about a millisecond
constexpr std::int32_t kInfinity = 0x7F800000;         ///< the bits of; NaN and infinity are at or above it

/// Magnitudes of the largest and of the smallest value of a group, 0 included in it. Kept as the bits of the numbers,
/// which order magnitudes as the numbers do, put what is not finite on top, and let the compiler reorder the search.
struct Range {
    std::int32_t high = 0;
    std::int32_t low = 0;
};

QSCOPE_MULTIVERSION Range rangeOf(const float* values, std::int64_t count) {
    std::int32_t high = 0, low = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const auto bits = bitsOf(values[i]);
        const std::int32_t negated = bits ^ INT32_MIN;
        high = bits > high ? bits : high;
        low = negated > low ? negated : low;
    }
    return {high, low};
}

/// One range per value.
QSCOPE_MULTIVERSION void widenEach(Range* ranges, const float* values, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const auto bits = bitsOf(values[i]);
        const std::int32_t negated = bits ^ INT32_MIN;
        ranges[i].high = bits > ranges[i].high ? bits : ranges[i].high;
        ranges[i].low = negated > ranges[i].low ? negated : ranges[i].low;
    }
}

void widen(Range& range, Range other) {
    range.high = std::max(range.high, other.high);
    range.low = std::max(range.low, other.low);
}

void widenShared(Range& range, Range other) {
    const auto raise = [](std::int32_t& shared, std::int32_t value) {
        std::atomic_ref<std::int32_t> target(shared);
        std::int32_t seen = target.load(std::memory_order_relaxed);
        while (value > seen && !target.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {}
    };
    raise(range.high, other.high);
    raise(range.low, other.low);
}

/// The grid of one group: code = round(clamp(w / step, low, high)) + zero, low and high being integers.
struct Steps {
    float scale;
    float step; ///< the scale, or 1 where that is 0
    float low;
    float high;
    std::int32_t zero;
};

Steps stepsOf(Range range, const UniformGrid& grid) {
    const float high = floatOf(range.high), low = -floatOf(range.low);
    const auto top = static_cast<float>(grid.symmetric ? (1 << (grid.bits - 1)) - 1 : (1 << grid.bits) - 1);
    float scale = (grid.symmetric ? std::max(high, -low) : high - low) / top;
    if (grid.scaleType == ScaleType::F16 && scale > 0)
        scale = halfToFloat(floatToHalf(std::clamp(scale, 0x1p-24f, 65504.f)));
    const float step = scale > 0 ? scale : 1;
    if (grid.symmetric) return {scale, step, scale > 0 ? -top : 0, scale > 0 ? top : 0, 0};
    // rint of a value clamped to [0, top]: adding and subtracting 2^23 rounds to even.
    const float zero = (std::clamp(-low / step, 0.f, top) + 0x1p23f) - 0x1p23f;
    return {scale, step, -zero, scale > 0 ? top - zero : 0, static_cast<std::int32_t>(zero)};
}

/// Clamping first keeps the sum in range where adding 1.5 * 2^23 leaves the integer, ties to even, in the low bits.
QSCOPE_ALWAYS_INLINE std::uint8_t codeOf(float value, float step, float low, float high, std::int32_t zero) {
    float scaled = value / step;
    scaled = scaled < low ? low : scaled;
    scaled = scaled > high ? high : scaled;
    return static_cast<std::uint8_t>(bitsOf(scaled + 0x1.8p23f) + zero);
}

QSCOPE_MULTIVERSION void codesOf(const float* values, std::int64_t count, const Steps& steps,
                                  std::uint8_t* __restrict codes) {
    const Steps s = steps;
    for (std::int64_t i = 0; i < count; ++i) codes[i] = codeOf(values[i], s.step, s.low, s.high, s.zero);
}

/// One grid per value.
QSCOPE_MULTIVERSION void codesOfEach(const float* values, std::int64_t count, const Steps* steps,
                                      std::uint8_t* __restrict codes) {
    for (std::int64_t i = 0; i < count; ++i)
        codes[i] = codeOf(values[i], steps[i].step, steps[i].low, steps[i].high, steps[i].zero);
}

/// A matrix on its way to codes. Groups may be of any size, so that work is cut into tiles of whole rows, or into
/// pieces of a row where rows are long; a tile covers parts of groups.
class Rounding {
public:
    Rounding(std::span<const float> values, const Grouping& grouping, const UniformGrid& grid)
        : m_values(values.data()), m_grouping(grouping), m_grid(grid) {
        // Groups that tile a row exactly are the rows of a narrower matrix, in the same order.
        if (m_grouping.groupRows == 1 && m_grouping.columns % m_grouping.groupColumns == 0) {
            m_grouping.rows *= m_grouping.columns / m_grouping.groupColumns;
            m_grouping.columns = m_grouping.groupColumns;
        }
        m_result.codes = largeVector<std::uint8_t>(values.size());
        m_result.scales.resize(static_cast<std::size_t>(m_grouping.count()));
        if (!grid.symmetric) m_result.zeros.resize(m_result.scales.size());
    }

    Result<RoundedToGrid> run(const RunContext& context) {
        if (m_grouping.groupRows * m_grouping.columns <= kChunk) QSCOPE_CHECK(runBandByBand(context));
        else QSCOPE_CHECK(runInTwoPasses(context));
        return std::move(m_result);
    }

private:
    /// A row of groups fits the cache: read it once.
    Result<void> runBandByBand(const RunContext& context) {
        const std::int64_t across = m_grouping.groupsAcross();
        const std::int64_t bandsPerChunk = std::max<std::int64_t>(1, kChunk / (m_grouping.groupRows * m_grouping.columns));
        return parallelChunks(m_grouping.groupsDown(), bandsPerChunk, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
            std::vector<Range> ranges(static_cast<std::size_t>(across));
            std::vector<Steps> steps(ranges.size());
            for (std::int64_t band = begin; band < end; ++band) {
                std::ranges::fill(ranges, Range{});
                const std::int64_t stop = std::min(m_grouping.rows, (band + 1) * m_grouping.groupRows);
                for (std::int64_t row = band * m_grouping.groupRows; row < stop; ++row)
                    forGroups(0, m_grouping.columns, [&](std::int64_t column, std::int64_t count, std::int64_t group) {
                        widenRun(ranges[static_cast<std::size_t>(group)], row, column, count);
                    });
                for (std::int64_t group = 0; group < across; ++group)
                    QSCOPE_CHECK(settle(band * across + group, ranges[static_cast<std::size_t>(group)],
                                        steps[static_cast<std::size_t>(group)]));
                for (std::int64_t row = band * m_grouping.groupRows; row < stop; ++row)
                    encode(row, 0, m_grouping.columns, steps.data());
            }
            return {};
        });
    }

    Result<void> runInTwoPasses(const RunContext& context) {
        const std::int64_t across = m_grouping.groupsAcross();
        std::vector<Range> ranges(m_result.scales.size());
        QSCOPE_CHECK(forTiles(context, [&](std::int64_t firstRow, std::int64_t lastRow, std::int64_t column, std::int64_t count) {
            const std::int64_t firstGroup = column / m_grouping.groupColumns;
            std::vector<Range> local(static_cast<std::size_t>((column + count - 1) / m_grouping.groupColumns - firstGroup + 1));
            for (std::int64_t row = firstRow; row < lastRow; ++row) {
                forGroups(column, count, [&](std::int64_t at, std::int64_t run, std::int64_t group) {
                    widenRun(local[static_cast<std::size_t>(group - firstGroup)], row, at, run);
                });
                const bool bandEnds = row + 1 == lastRow || (row + 1) % m_grouping.groupRows == 0;
                if (!bandEnds) continue;
                Range* const shared = ranges.data() + row / m_grouping.groupRows * across + firstGroup;
                for (std::size_t i = 0; i < local.size(); ++i) widenShared(shared[i], local[i]);
                std::ranges::fill(local, Range{});
            }
        }));
        std::vector<Steps> steps(ranges.size());
        for (std::size_t group = 0; group < ranges.size(); ++group)
            QSCOPE_CHECK(settle(static_cast<std::int64_t>(group), ranges[group], steps[group]));
        return forTiles(context, [&](std::int64_t firstRow, std::int64_t lastRow, std::int64_t column, std::int64_t count) {
            for (std::int64_t row = firstRow; row < lastRow; ++row)
                encode(row, column, count, steps.data() + row / m_grouping.groupRows * across);
        });
    }

    /// Tiles of about kChunk elements.
    template<class Work>
    Result<void> forTiles(const RunContext& context, const Work& work) {
        const std::int64_t width = std::min(m_grouping.columns, kChunk);
        const std::int64_t height = std::max<std::int64_t>(1, kChunk / width);
        const std::int64_t across = ceilDiv(m_grouping.columns, width);
        return parallelChunks(across * ceilDiv(m_grouping.rows, height), 1, context, [&](std::int64_t tile, std::int64_t) -> Result<void> {
            const std::int64_t row = tile / across * height, column = tile % across * width;
            work(row, std::min(m_grouping.rows, row + height), column, std::min(width, m_grouping.columns - column));
            return {};
        });
    }

    /// work(column, count, group) for the parts of groups in [column, column + count); single columns go as one run.
    template<class Work>
    void forGroups(std::int64_t column, std::int64_t count, const Work& work) const {
        if (m_grouping.groupColumns == 1) {
            work(column, count, column);
            return;
        }
        const std::int64_t end = column + count;
        while (column < end) {
            const std::int64_t group = column / m_grouping.groupColumns;
            const std::int64_t stop = std::min(end, (group + 1) * m_grouping.groupColumns);
            work(column, stop - column, group);
            column = stop;
        }
    }

    void widenRun(Range& first, std::int64_t row, std::int64_t column, std::int64_t count) const {
        const float* const from = m_values + row * m_grouping.columns + column;
        if (m_grouping.groupColumns == 1) widenEach(&first, from, count);
        else widen(first, rangeOf(from, count));
    }

    void encode(std::int64_t row, std::int64_t column, std::int64_t count, const Steps* band) {
        const std::int64_t start = row * m_grouping.columns;
        forGroups(column, count, [&](std::int64_t at, std::int64_t run, std::int64_t group) {
            std::uint8_t* const to = m_result.codes.data() + start + at;
            if (m_grouping.groupColumns == 1) codesOfEach(m_values + start + at, run, band + group, to);
            else codesOf(m_values + start + at, run, band[group], to);
        });
    }

    Result<void> settle(std::int64_t group, Range range, Steps& steps) {
        if (std::max(range.high, range.low) >= kInfinity)
            return fail(ErrorCode::OutOfRange, "values that are not finite cannot be rounded to a grid");
        steps = stepsOf(range, m_grid);
        if (bitsOf(steps.scale) >= kInfinity)
            return fail(ErrorCode::OutOfRange, "the range of a group exceeds single precision");
        m_result.scales[static_cast<std::size_t>(group)] = steps.scale;
        if (!m_grid.symmetric) m_result.zeros[static_cast<std::size_t>(group)] = static_cast<std::uint8_t>(steps.zero);
        return {};
    }

    const float* m_values;
    Grouping m_grouping;
    UniformGrid m_grid;
    RoundedToGrid m_result;
};

constexpr int kLanes = 64; ///< partial sums; the compiler keeps the order of additions within each

/// Adds the sums over `count` pairs, a multiple of kLanes, into lanes of double precision.
struct LaneSums {
    double reference[kLanes];
    double difference[kLanes];
    double product[kLanes];
    double result[kLanes];
    double maximum[kLanes];
};

QSCOPE_MULTIVERSION void addPairs(LaneSums& sums, const float* reference, const float* result, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += kLanes)
        for (int l = 0; l < kLanes; ++l) {
            const double w = static_cast<double>(reference[i + l]), r = static_cast<double>(result[i + l]);
            const double difference = w - r;
            const double magnitude = difference < 0 ? -difference : difference;
            sums.reference[l] += w * w;
            sums.difference[l] += difference * difference;
            sums.product[l] += w * r;
            sums.result[l] += r * r;
            sums.maximum[l] = magnitude > sums.maximum[l] ? magnitude : sums.maximum[l];
        }
}

ErrorSums sumsOf(const float* reference, const float* result, std::int64_t count) {
    LaneSums lanes{};
    const std::int64_t whole = count / kLanes * kLanes;
    addPairs(lanes, reference, result, whole);
    if (whole < count) {
        float padded[2][kLanes] = {}; // pairs of zeros change no sum
        std::copy(reference + whole, reference + count, padded[0]);
        std::copy(result + whole, result + count, padded[1]);
        addPairs(lanes, padded[0], padded[1], kLanes);
    }
    ErrorSums total;
    for (int l = 0; l < kLanes; ++l)
        total += ErrorSums{0, lanes.reference[l], lanes.difference[l], lanes.product[l], lanes.result[l], lanes.maximum[l]};
    total.count = count;
    return total;
}

/// The caller's context with a progress of its own: operations leave the caller's to the caller.
struct Quiet {
    explicit Quiet(const RunContext& context) : inner{context.stop, ignored, context.notes, context.backend} {}
    Progress ignored;
    RunContext inner;
};

} // namespace

Result<RoundedToGrid> roundToGrid(std::span<const float> values, const Grouping& grouping, const UniformGrid& grid,
                                  const RunContext& context) {
    if (grid.bits < 2 || grid.bits > 8) return fail(ErrorCode::OutOfRange, "{} bits, 2 to 8 are possible", grid.bits);
    const auto size = checkedMul(grouping.rows, grouping.columns);
    if (grouping.rows < 0 || grouping.columns < 0 || !size || *size != static_cast<std::int64_t>(values.size()))
        return fail(ErrorCode::OutOfRange, "{} values for {} x {}", values.size(), grouping.rows, grouping.columns);
    if (grouping.groupRows < 1 || grouping.groupColumns < 1)
        return fail(ErrorCode::OutOfRange, "groups of {} x {}", grouping.groupRows, grouping.groupColumns);
    if (values.empty()) return RoundedToGrid{};
    Grouping inside = grouping;
    inside.groupRows = std::min(inside.groupRows, inside.rows);
    inside.groupColumns = std::min(inside.groupColumns, inside.columns);
    const Quiet quiet(context);
    return Rounding(values, inside, grid).run(quiet.inner);
}

Result<std::vector<std::byte>> encodeBlocks(DType type, std::span<const float> values, std::int64_t columns,
                                            std::span<const float> importance, const RunContext& context) {
    if (!canEncodeBlocks(type)) return fail(ErrorCode::Unsupported, "the CPU does not encode {}", info(type).name);
    const auto length = static_cast<std::int64_t>(info(type).blockLength);
    const auto count = static_cast<std::int64_t>(values.size());
    if (columns < 1 || columns % length != 0 || count % columns != 0)
        return fail(ErrorCode::OutOfRange, "rows of {} values are no whole number of {} blocks of {}", columns,
                    info(type).name, length);
    if (!importance.empty() && static_cast<std::int64_t>(importance.size()) != columns)
        return fail(ErrorCode::OutOfRange, "{} importance weights for {} columns", importance.size(), columns);
    if (!std::ranges::all_of(importance, [](float w) { return w >= 0 && bitsOf(w) < kInfinity; }))
        return fail(ErrorCode::OutOfRange, "importance weights must be finite and not negative");
    const std::int64_t blockBytes = info(type).blockBits / 8;
    auto blocks = largeVector<std::byte>(static_cast<std::size_t>(count / length * blockBytes));
    const Quiet quiet(context);
    const std::int64_t grain = kChunk / 4; // the searches take up to 40 ns a value
    QSCOPE_CHECK(parallelChunks(count, grain, quiet.inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        const auto chunk = values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
        const Range range = rangeOf(chunk.data(), end - begin);
        if (std::max(range.high, range.low) >= kInfinity)
            return fail(ErrorCode::OutOfRange, "values that are not finite cannot be encoded as {}", info(type).name);
        std::vector<float> weights(importance.empty() ? 0 : chunk.size());
        for (std::size_t i = 0; i < weights.size(); ++i)
            weights[i] = importance[(static_cast<std::size_t>(begin) + i) % static_cast<std::size_t>(columns)];
        engine::encodeBlocks(type, chunk, weights,
                             std::span(blocks).subspan(static_cast<std::size_t>(begin / length * blockBytes),
                                                       static_cast<std::size_t>((end - begin) / length * blockBytes)));
        return {};
    }));
    return blocks;
}

Result<ErrorSums> errorSums(std::span<const float> reference, std::span<const float> result, const RunContext& context) {
    if (reference.size() != result.size())
        return fail(ErrorCode::OutOfRange, "{} values compared with {}", reference.size(), result.size());
    const auto count = static_cast<std::int64_t>(reference.size());
    std::vector<ErrorSums> partial(static_cast<std::size_t>(ceilDiv(count, kChunk)));
    const Quiet quiet(context);
    QSCOPE_CHECK(parallelChunks(count, kChunk, quiet.inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        partial[static_cast<std::size_t>(begin / kChunk)] = sumsOf(reference.data() + begin, result.data() + begin, end - begin);
        return {};
    }));
    ErrorSums total;
    for (const ErrorSums& part : partial) total += part;
    return total;
}

} // namespace qscope::engine::cpu
