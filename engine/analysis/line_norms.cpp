// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/line_norms.h"

#include "engine/analysis/statistics_kernels.h"
#include "engine/analysis/statistics_paths.h"
#include "engine/analysis/stored_lines.h"
#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/tensor/half.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qscope::engine::detail {

namespace {

/// 128 KiB of single precision, and the sums of so many columns, stay in the second-level cache; elements that are read
/// where they are stored, with smaller sums, leave the cache as they came.
struct Lengths {
    std::int64_t runElements, segment;
};
constexpr Lengths kDecoded{32768, 8192}, kStored{262144, 65536};
constexpr std::int64_t kItemElements = std::int64_t{1} << 20;
constexpr std::int64_t kMostBands = 32;        ///< bounds the memory for sums per column

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

} // namespace

Tiling::Tiling(MatrixShape matrix, bool decoded) : shape(matrix) {
    const auto [runElements, segment] = decoded ? kDecoded : kStored;
    segmentColumns = std::min(shape.columns, shape.rows < 64 ? std::int64_t{262144} : segment);
    segments = segmentColumns == 0 ? 0 : ceilDiv(shape.columns, segmentColumns);
    const std::int64_t wanted = std::clamp<std::int64_t>(shape.rows * shape.columns / kItemElements, 1, kMostBands);
    bandRows = std::max<std::int64_t>(1, ceilDiv(shape.rows, wanted));
    bands = ceilDiv(shape.rows, bandRows);
    runRows = segments == 1 ? std::clamp<std::int64_t>(runElements / segmentColumns, 1, bandRows) : 1;
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

Result<void> LineNorms::addStored(const Run& run, const TensorView& tensor, std::uint32_t* patternCounts) {
    const auto toFloat = [&](std::uint16_t pattern) {
        return tensor.dtype == DType::F16 ? halfToFloat(pattern) : bfloat16ToFloat(pattern);
    };
    const std::int64_t band = run.item / m_tiling.segments, segment = run.item % m_tiling.segments;
    float* const magnitudes = m_columnMagnitudes.data() + band * m_tiling.shape.columns + run.column;
    double* const squares = m_columnSquares.data() + band * m_tiling.shape.columns + run.column;
    std::vector<std::uint16_t> columnMagnitudes(at(run.columns));
    std::vector<float> columnSquares(at(run.columns));
    std::array<std::uint16_t, kRowsInSingle> rowMagnitudes;
    std::array<double, kRowsInSingle> rowSquares;
    for (std::int64_t first = 0; first < run.rows; first += kRowsInSingle) {
        const Run part{run.item, run.row + first, std::min(kRowsInSingle, run.rows - first), run.column, run.columns};
        const std::int64_t element = part.row * m_tiling.shape.columns + part.column;
        const LineSums sums{patternCounts, columnMagnitudes.data(), columnSquares.data(), rowMagnitudes.data(), rowSquares.data()};
        if (addStoredRows(tensor.dtype, tensor.bytes.data() + 2 * element, part.rows, part.columns, sums)) {
            for (std::int64_t r = 0; r < part.rows; ++r) {
                const std::size_t line = at((part.row + r) * m_tiling.segments + segment);
                m_rowMagnitudes[line] = toFloat(rowMagnitudes[at(r)]);
                m_rowSquares[line] = rowSquares[at(r)];
            }
            mergeColumns(tensor.dtype, part.columns, sums, magnitudes, squares);
        } else {
            std::vector<float> values(at(part.rows * part.columns));
            QSCOPE_CHECK(decode(tensor, element, std::span(values)));
            clearSpecial(std::span(values));
            add(part, values, false);
        }
        std::ranges::fill(columnMagnitudes, std::uint16_t{0});
        std::ranges::fill(columnSquares, 0.f);
    }
    return {};
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
    std::vector<double> squares(at(columns));
    for (std::int64_t band = 0; band < m_tiling.bands; ++band)
        for (std::int64_t column = 0; column < columns; ++column) {
            const std::size_t line = at(band * columns + column);
            statistics.columnAbsMax[at(column)] = std::max(statistics.columnAbsMax[at(column)], m_columnMagnitudes[line]);
            squares[at(column)] += m_columnSquares[line];
        }
    for (std::int64_t column = 0; column < columns; ++column)
        statistics.columnNorms[at(column)] = static_cast<float>(std::sqrt(squares[at(column)]));
}

} // namespace qscope::engine::detail
