// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/statistics.h"

#include <functional>
#include <span>

namespace qscope::engine::detail {

/// How a matrix is cut for parallel work: bands of rows times segments of columns, each walked in runs of contiguous
/// elements that fit the cache. Depends on the shape alone, so that sums are the same on any number of threads.
struct Tiling {
    /// `decoded`: values of a run are decoded to single precision; else their stored bytes are read as they are, and runs
    /// may be longer and wider.
    explicit Tiling(MatrixShape shape, bool decoded = true);

    MatrixShape shape;
    std::int64_t segmentColumns = 0;
    std::int64_t segments = 0;
    std::int64_t bandRows = 0;
    std::int64_t bands = 0;
    std::int64_t runRows = 0; ///< at most; 1 where a segment is not the whole row

    [[nodiscard]] std::int64_t items() const { return bands * segments; }
    [[nodiscard]] std::int64_t largestRun() const { return runRows * segmentColumns; }
};

/// `rows` rows from `row` on, `columns` columns from `column` on; contiguous in the tensor.
struct Run {
    std::int64_t item = 0;
    std::int64_t row = 0;
    std::int64_t rows = 0;
    std::int64_t column = 0;
    std::int64_t columns = 0;
};

/// One of several walks over the same elements, which share their progress: together they count each element once.
struct Pass {
    std::int64_t index = 0;
    std::int64_t of = 1;
};

/// Calls `visit` for the runs of every item, items in parallel, runs of one item in order. Adds to the progress and
/// asks for a stop after each run.
[[nodiscard]] Result<void> walk(const Tiling& tiling, Pass pass, const RunContext& context,
                                const std::function<Result<void>(const Run&)>& visit);

/// Largest magnitudes and Euclidean norms of all rows and columns. Items add to parts of their own.
class LineNorms {
public:
    /// `kept`: whether they are asked for; when not, nothing is added and nothing is found.
    LineNorms(const Tiling& tiling, bool kept);
    /// `squaresFit`: squares of the values and sums of 64 of them stay in the range of single precision.
    void add(const Run& run, std::span<const float> finiteValues, bool squaresFit);
    /// The same from the stored values of a tensor of F16 or BF16, which may be special, while their patterns are counted.
    [[nodiscard]] Result<void> addStored(const Run& run, const TensorView& tensor, std::uint32_t* patternCounts);
    void finish(TensorStatistics& statistics) const;

private:
    const Tiling& m_tiling;
    bool m_kept;
    std::vector<float> m_rowMagnitudes;     ///< [row][segment]
    std::vector<double> m_rowSquares;       ///< [row][segment]
    std::vector<float> m_columnMagnitudes;  ///< [band][column]
    std::vector<double> m_columnSquares;    ///< [band][column]
};

} // namespace qscope::engine::detail
