// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/line_norms.h"

#include "engine/analysis/statistics_kernels.h"
#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine::detail {

namespace {

constexpr std::int64_t kRunElements = 32768;   ///< 128 KiB of single precision stay in the second-level cache
constexpr std::int64_t kSegment = 8192;        ///< columns whose sums stay there as well
constexpr std::int64_t kItemElements = std::int64_t{1} << 20;
constexpr std::int64_t kMostBands = 32;        ///< bounds the memory for sums per column
constexpr std::int64_t kRowsInSingle = 64;

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

} // namespace

Tiling::Tiling(MatrixShape matrix) : shape(matrix) {
    segmentColumns = std::min(shape.columns, shape.rows < 64 ? 8 * kRunElements : kSegment);
    segments = segmentColumns == 0 ? 0 : ceilDiv(shape.columns, segmentColumns);
    const std::int64_t wanted = std::clamp<std::int64_t>(shape.rows * shape.columns / kItemElements, 1, kMostBands);
    bandRows = std::max<std::int64_t>(1, ceilDiv(shape.rows, wanted));
    bands = ceilDiv(shape.rows, bandRows);
    runRows = segments == 1 ? std::clamp<std::int64_t>(kRunElements / segmentColumns, 1, bandRows) : 1;
}

Result<void> walk(const Tiling& tiling, Pass pass, const RunContext& context,
                  const std::function<Result<void>(const Run&)>& visit) {
    Progress items; // the caller's progress counts elements
    const RunContext inner{context.stop, items, context.notes, context.backend};
    return parallelChunks(tiling.items(), 1, inner, [&](std::int64_t item, std::int64_t) -> Result<void> {
        const std::int64_t band = item / tiling.segments, segment = item % tiling.segments;
        const std::int64_t end = std::min(tiling.shape.rows, (band + 1) * tiling.bandRows);
        const std::int64_t column = segment * tiling.segmentColumns;
        const std::int64_t columns = std::min(tiling.segmentColumns, tiling.shape.columns - column);
        for (std::int64_t row = band * tiling.bandRows; row < end; row += tiling.runRows) {
            if (context.cancelled()) return cancelled();
            const Run run{item, row, std::min(tiling.runRows, end - row), column, columns};
            QSCOPE_CHECK(visit(run));
            const std::int64_t elements = run.rows * run.columns;
            context.progress.done += elements * (pass.index + 1) / pass.of - elements * pass.index / pass.of;
        }
        return {};
    });
}

LineNorms::LineNorms(const Tiling& tiling, bool kept)
    : m_tiling(tiling), m_kept(kept), m_rowMagnitudes(kept ? at(tiling.shape.rows * tiling.segments) : 0), m_rowSquares(m_rowMagnitudes.size()),
      m_columnMagnitudes(kept ? at(tiling.shape.columns * tiling.bands) : 0), m_columnSquares(m_columnMagnitudes.size()) {}

void LineNorms::add(const Run& run, std::span<const float> values, bool squaresFit) {
    if (!m_kept) return;
    const std::int64_t band = run.item / m_tiling.segments, segment = run.item % m_tiling.segments;
    float* const magnitudes = m_columnMagnitudes.data() + band * m_tiling.shape.columns + run.column;
    double* const squares = m_columnSquares.data() + band * m_tiling.shape.columns + run.column;
    std::vector<float> partial(squaresFit ? at(run.columns) : 0);
    for (std::int64_t r = 0; r < run.rows; ++r) {
        const float* const row = values.data() + r * run.columns;
        const std::size_t line = at((run.row + r) * m_tiling.segments + segment);
        if (!squaresFit) {
            std::array<double, kLanes> lanes{};
            m_rowMagnitudes[line] = addRow(row, run.columns, magnitudes, squares, lanes.data());
            m_rowSquares[line] = std::accumulate(lanes.begin(), lanes.end(), 0.0);
            continue;
        }
        std::array<float, kLanes> lanes{};
        m_rowMagnitudes[line] = addRow(row, run.columns, magnitudes, partial.data(), lanes.data());
        double sum = 0;
        for (const float lane : lanes) sum += static_cast<double>(lane);
        m_rowSquares[line] = sum;
        if (r + 1 == run.rows || (r + 1) % kRowsInSingle == 0) {
            for (std::size_t c = 0; c < partial.size(); ++c) squares[c] += static_cast<double>(partial[c]);
            std::ranges::fill(partial, 0.f);
        }
    }
}

void LineNorms::finish(TensorStatistics& statistics) const {
    if (!m_kept) return;
    const auto [rows, columns] = m_tiling.shape;
    statistics.rowAbsMax.assign(at(rows), 0);
    statistics.rowNorms.assign(at(rows), 0);
    for (std::int64_t row = 0; row < rows; ++row) {
        double squares = 0;
        for (std::int64_t segment = 0; segment < m_tiling.segments; ++segment) {
            const std::size_t line = at(row * m_tiling.segments + segment);
            statistics.rowAbsMax[at(row)] = std::max(statistics.rowAbsMax[at(row)], m_rowMagnitudes[line]);
            squares += m_rowSquares[line];
        }
        statistics.rowNorms[at(row)] = static_cast<float>(std::sqrt(squares));
    }
    statistics.columnAbsMax.assign(at(columns), 0);
    statistics.columnNorms.assign(at(columns), 0);
    for (std::int64_t column = 0; column < columns; ++column) {
        double squares = 0;
        for (std::int64_t band = 0; band < m_tiling.bands; ++band) {
            const std::size_t line = at(band * columns + column);
            statistics.columnAbsMax[at(column)] = std::max(statistics.columnAbsMax[at(column)], m_columnMagnitudes[line]);
            squares += m_columnSquares[line];
        }
        statistics.columnNorms[at(column)] = static_cast<float>(std::sqrt(squares));
    }
}

} // namespace qscope::engine::detail
