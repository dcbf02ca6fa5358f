// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/pyramid.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/core/simd.h"

#include <algorithm>

namespace qscope::engine {

namespace {

constexpr std::int64_t kMostCells = std::int64_t{4} << 20;
constexpr std::int64_t kSegment = std::int64_t{1} << 16; ///< elements of a row treated at once: 256 KiB, stays in cache

/// The one of larger magnitude. Compared as integers, the bits of a magnitude put NaN above infinity above numbers.
QSCOPE_ALWAYS_INLINE float larger(float a, float b) {
    const std::int32_t magnitudeA = bitsOf(a) & INT32_MAX;
    const std::int32_t magnitudeB = bitsOf(b) & INT32_MAX;
    return magnitudeB > magnitudeA ? b : a;
}

/// into[i] = the larger of into[i] and from[i]; returns the largest finite magnitude of `from`.
QSCOPE_MULTIVERSION float mergeRow(float* __restrict into, const float* __restrict from, std::int64_t count) {
    std::int32_t most = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        const std::int32_t magnitude = bitsOf(from[i]) & INT32_MAX;
        const std::int32_t finite = magnitude < 0x7F800000 ? magnitude : 0;
        most = finite > most ? finite : most;
        into[i] = larger(into[i], from[i]);
    }
    return floatOf(most);
}

/// Each pair of neighbours becomes one; an odd last value stays alone. In place.
QSCOPE_MULTIVERSION void mergePairs(float* values, std::int64_t count) {
    for (std::int64_t i = 0; i < count / 2; ++i) values[i] = larger(values[2 * i], values[2 * i + 1]);
    if (count % 2 != 0) values[count / 2] = values[count - 1];
}

PyramidLevel halved(const PyramidLevel& finer) {
    PyramidLevel level{ceilDiv<std::int64_t>(finer.rows, 2), ceilDiv<std::int64_t>(finer.columns, 2), {}};
    level.cells.resize(static_cast<std::size_t>(level.rows * level.columns));
    std::vector<float> row(static_cast<std::size_t>(finer.columns));
    for (std::int64_t r = 0; r < level.rows; ++r) {
        const float* const first = finer.cells.data() + 2 * r * finer.columns;
        std::copy_n(first, finer.columns, row.begin());
        if (2 * r + 1 < finer.rows) mergeRow(row.data(), first + finer.columns, finer.columns);
        mergePairs(row.data(), finer.columns);
        std::copy_n(row.begin(), level.columns, level.cells.begin() + r * level.columns);
    }
    return level;
}

} // namespace

Result<std::shared_ptr<const Pyramid>> buildPyramid(const TensorView& tensor, const RunContext& context) {
    auto pyramid = std::make_shared<Pyramid>();
    const MatrixShape shape = pyramid->shape = asMatrix(tensor.shape);
    if (shape.rows <= 0 || shape.columns <= 0) return std::shared_ptr<const Pyramid>(pyramid);
    std::int64_t& factor = pyramid->baseFactor;
    while (ceilDiv(shape.rows, factor) * ceilDiv(shape.columns, factor) > kMostCells) factor *= 2;

    PyramidLevel base{ceilDiv(shape.rows, factor), ceilDiv(shape.columns, factor), {}};
    base.cells.resize(static_cast<std::size_t>(base.rows * base.columns));
    // Work items: pieces of a base row that cover at most a segment of columns. A segment is a multiple of the factor
    // unless the factor is larger, which only a single row of over 2^38 values needs.
    const std::int64_t width = std::max(kSegment, factor);
    const std::int64_t pieces = ceilDiv(shape.columns, width);
    const std::int64_t items = base.rows * pieces;
    std::vector<float> most(static_cast<std::size_t>(items));
    if (context.progress.total == 0) context.progress.total = shape.rows * shape.columns;
    const std::int64_t perChunk = std::max<std::int64_t>(1, (std::int64_t{1} << 20) / (std::min(width, shape.columns) * factor));
    Progress ignored; // counted below in elements, not in items
    const RunContext inner{context.stop, ignored, context.notes, context.backend};
    QSCOPE_CHECK(parallelChunks(items, perChunk, inner, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<float> merged, row;
        for (std::int64_t item = begin; item < end; ++item) {
            const std::int64_t firstColumn = item % pieces * width;
            const std::int64_t columns = std::min(width, shape.columns - firstColumn);
            const std::int64_t firstRow = item / pieces * factor;
            const std::int64_t rows = std::min(factor, shape.rows - firstRow);
            merged.assign(static_cast<std::size_t>(columns), 0.f);
            row.resize(static_cast<std::size_t>(columns));
            for (std::int64_t r = 0; r < rows; ++r) {
                if (context.cancelled()) return cancelled();
                QSCOPE_CHECK(decode(tensor, (firstRow + r) * shape.columns + firstColumn, std::span(row)));
                float& largest = most[static_cast<std::size_t>(item)];
                largest = std::max(largest, mergeRow(merged.data(), row.data(), columns));
            }
            std::int64_t count = columns;
            for (std::int64_t f = factor; f > 1; f /= 2, count = ceilDiv<std::int64_t>(count, 2))
                mergePairs(merged.data(), count);
            std::copy_n(merged.begin(), count,
                        base.cells.begin() + item / pieces * base.columns + firstColumn / factor);
            context.progress.done.fetch_add(rows * columns, std::memory_order_relaxed);
        }
        return {};
    }));
    pyramid->absoluteMaximum = *std::ranges::max_element(most);
    pyramid->levels.push_back(std::move(base));
    while (pyramid->levels.back().rows > 1 || pyramid->levels.back().columns > 1) {
        if (context.cancelled()) return cancelled();
        pyramid->levels.push_back(halved(pyramid->levels.back()));
    }
    return std::shared_ptr<const Pyramid>(pyramid);
}

} // namespace qscope::engine
