// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/quant/quantized_tensor.h"
#include "engine/tensor/pyramid.h"
#include "plugins/sdk/widgets/heatmap.h"

#include <functional>
#include <memory>
#include <vector>

namespace qscope {

/// A matrix that can be read by stretches of a row, from any thread, without ever being held whole.
struct MatrixSource {
    engine::MatrixShape shape;
    /// Values (row, column) to (row, column + out.size()).
    std::function<Result<void>(std::int64_t row, std::int64_t column, std::span<float> out)> read;
};

[[nodiscard]] MatrixSource storedValues(const engine::TensorView& tensor);
[[nodiscard]] MatrixSource dequantizedValues(std::shared_ptr<const engine::QuantizedTensor> quantized);
/// Dequantized minus stored.
[[nodiscard]] MatrixSource errorValues(const engine::TensorView& tensor,
                                       std::shared_ptr<const engine::QuantizedTensor> quantized);

/// Order in which rows and columns are drawn: entry i is the matrix row at place i. Empty: as stored.
struct DrawnOrder {
    std::vector<std::int64_t> rows;
    std::vector<std::int64_t> columns;

    [[nodiscard]] std::int64_t row(std::int64_t place) const {
        return rows.empty() ? place : rows[static_cast<std::size_t>(place)];
    }
    [[nodiscard]] std::int64_t column(std::int64_t place) const {
        return columns.empty() ? place : columns[static_cast<std::size_t>(place)];
    }
};

/// Places sorted by a number per channel, largest first; equal ones keep their order.
[[nodiscard]] std::vector<std::int64_t> descendingOrder(const std::vector<float>& norms);
/// Place of each channel: the inverse of an order.
[[nodiscard]] std::vector<std::int64_t> placesOf(const std::vector<std::int64_t>& order);

/// The cells of a request, read from the source in drawn order: value of largest magnitude each, NaN wins. All cores.
[[nodiscard]] Result<MatrixTile> reduceTile(const MatrixSource& source, const DrawnOrder& order,
                                            const TileRequest& request, const RunContext& context);

/// A matrix prepared for drawing at any zoom: its cells reduced to at most 4 Mi once, halved from there.
struct DrawnMatrix {
    MatrixSource source;
    DrawnOrder order;
    std::int64_t rowFactor = 1; ///< of the pyramid's base
    std::int64_t columnFactor = 1;
    std::shared_ptr<const engine::Pyramid> pyramid;
    float absoluteMaximum = 0; ///< of the finite values
};
[[nodiscard]] Result<std::shared_ptr<const DrawnMatrix>> prepareMatrix(MatrixSource source, DrawnOrder order,
                                                                       const RunContext& context);

/// A tile at the request's factors: from the pyramid where that is as fine, else from the source.
[[nodiscard]] Result<MatrixTile> drawTile(const DrawnMatrix& matrix, const TileRequest& request,
                                          const RunContext& context);

} // namespace qscope
