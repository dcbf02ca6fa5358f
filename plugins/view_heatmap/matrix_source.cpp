// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_heatmap/matrix_source.h"

#include "engine/core/parallel.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace qscope {

namespace {

constexpr std::int64_t kMostBaseCells = 4 << 20;
constexpr std::int64_t kChunkValues = 1 << 20; // about 10-20 ms of decoding

void strengthen(float& cell, float value) {
    if (!std::isnan(cell) && !(std::abs(value) <= std::abs(cell))) cell = value;
}

} // namespace

MatrixSource storedValues(const engine::TensorView& tensor) {
    const engine::MatrixShape shape = engine::asMatrix(tensor.shape);
    return {shape, [tensor, shape](std::int64_t row, std::int64_t column, std::span<float> out) {
                return engine::decode(tensor, row * shape.columns + column, out);
            }};
}

MatrixSource dequantizedValues(std::shared_ptr<const engine::QuantizedTensor> quantized) {
    const engine::MatrixShape shape = engine::asMatrix(quantized->shape);
    return {shape,
            [quantized = std::move(quantized), shape](std::int64_t row, std::int64_t column, std::span<float> out) {
                return engine::dequantize(*quantized, row * shape.columns + column, out);
            }};
}

MatrixSource errorValues(const engine::TensorView& tensor, std::shared_ptr<const engine::QuantizedTensor> quantized) {
    const MatrixSource stored = storedValues(tensor), result = dequantizedValues(std::move(quantized));
    return {stored.shape,
            [stored, result](std::int64_t row, std::int64_t column, std::span<float> out) -> Result<void> {
                std::vector<float> reference(out.size());
                QSCOPE_CHECK(stored.read(row, column, reference));
                QSCOPE_CHECK(result.read(row, column, out));
                for (std::size_t i = 0; i < out.size(); ++i) out[i] -= reference[i];
                return {};
            }};
}

std::vector<std::int64_t> descendingOrder(const std::vector<float>& norms) {
    std::vector<std::int64_t> order(norms.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return norms[static_cast<std::size_t>(a)] > norms[static_cast<std::size_t>(b)];
    });
    return order;
}

std::vector<std::int64_t> placesOf(const std::vector<std::int64_t>& order) {
    std::vector<std::int64_t> places(order.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        places[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
    return places;
}

Result<MatrixTile> reduceTile(const MatrixSource& source, const DrawnOrder& order, const TileRequest& request,
                              const RunContext& context) {
    const std::int64_t cellRows = request.cellRows(), cellColumns = request.cellColumns();
    MatrixTile tile{request, std::vector<float>(static_cast<std::size_t>(cellRows * cellColumns))};
    // Drawn columns are anywhere in the row when sorted: then read the whole row and scatter it.
    const bool scattered = !order.columns.empty();
    const std::int64_t first = scattered ? 0 : request.column;
    const std::int64_t length = scattered ? source.shape.columns : request.columns;
    const std::int64_t grain =
        std::max<std::int64_t>(1, kChunkValues / std::max<std::int64_t>(1, length * request.rowFactor));
    context.progress.total = cellRows;
    QSCOPE_CHECK(parallelChunks(cellRows, grain, context, [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        std::vector<float> values(static_cast<std::size_t>(length));
        for (std::int64_t i = begin; i < end; ++i) {
            float* cells = tile.cells.data() + i * cellColumns;
            const std::int64_t last = std::min(request.row + request.rows, request.row + (i + 1) * request.rowFactor);
            for (std::int64_t place = request.row + i * request.rowFactor; place < last; ++place) {
                QSCOPE_CHECK(source.read(order.row(place), first, values));
                for (std::int64_t j = 0; j < request.columns; ++j)
                    strengthen(cells[j / request.columnFactor],
                               values[static_cast<std::size_t>(scattered ? order.column(request.column + j) : j)]);
            }
        }
        return {};
    }));
    return tile;
}

Result<std::shared_ptr<const DrawnMatrix>> prepareMatrix(MatrixSource source, DrawnOrder order,
                                                         const RunContext& context) {
    auto matrix = std::make_shared<DrawnMatrix>();
    matrix->source = std::move(source);
    matrix->order = std::move(order);
    const engine::MatrixShape shape = matrix->source.shape;
    const auto cells = [](std::int64_t count, std::int64_t factor) { return (count + factor - 1) / factor; };
    while (cells(shape.rows, matrix->rowFactor) * cells(shape.columns, matrix->columnFactor) > kMostBaseCells) {
        // Halve the longer side first, so that a long thin matrix keeps its few columns.
        if (cells(shape.rows, matrix->rowFactor) >= cells(shape.columns, matrix->columnFactor))
            matrix->rowFactor *= 2;
        else
            matrix->columnFactor *= 2;
    }
    const TileRequest whole{0, shape.rows, 0, shape.columns, matrix->rowFactor, matrix->columnFactor};
    QSCOPE_TRY(auto base, reduceTile(matrix->source, matrix->order, whole, context));
    const auto view = engine::makeTensor({whole.cellRows(), whole.cellColumns()}, std::move(base.cells));
    QSCOPE_TRY(matrix->pyramid, engine::buildPyramid(view, context));
    matrix->absoluteMaximum = matrix->pyramid->absoluteMaximum;
    return std::shared_ptr<const DrawnMatrix>(std::move(matrix));
}

Result<MatrixTile> drawTile(const DrawnMatrix& matrix, const TileRequest& request, const RunContext& context) {
    if (request.rowFactor < matrix.rowFactor || request.columnFactor < matrix.columnFactor)
        return reduceTile(matrix.source, matrix.order, request, context);
    // The coarsest level that is still at least as fine as what is asked, on both sides.
    const engine::Pyramid& pyramid = *matrix.pyramid;
    std::size_t level = 0;
    std::int64_t factor = pyramid.baseFactor;
    while (level + 1 < pyramid.levels.size() && matrix.rowFactor * factor * 2 <= request.rowFactor &&
           matrix.columnFactor * factor * 2 <= request.columnFactor) {
        ++level;
        factor *= 2;
    }
    const engine::PyramidLevel& cells = pyramid.levels[level];
    const std::int64_t downFactor = request.rowFactor / (matrix.rowFactor * factor),
                       acrossFactor = request.columnFactor / (matrix.columnFactor * factor);
    const std::int64_t top = request.row / (matrix.rowFactor * factor),
                       left = request.column / (matrix.columnFactor * factor);
    const std::int64_t cellRows = request.cellRows(), cellColumns = request.cellColumns();
    MatrixTile tile{request, std::vector<float>(static_cast<std::size_t>(cellRows * cellColumns))};
    for (std::int64_t i = 0; i < cellRows; ++i)
        for (std::int64_t y = top + i * downFactor; y < std::min(cells.rows, top + (i + 1) * downFactor); ++y)
            for (std::int64_t j = 0; j < cellColumns; ++j)
                for (std::int64_t x = left + j * acrossFactor;
                     x < std::min(cells.columns, left + (j + 1) * acrossFactor); ++x)
                    strengthen(tile.cells[static_cast<std::size_t>(i * cellColumns + j)],
                               cells.cells[static_cast<std::size_t>(y * cells.columns + x)]);
    return tile;
}

} // namespace qscope
