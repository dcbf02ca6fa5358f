// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/checkpoint/checkpoint.h"
#include "engine/core/run_context.h"
#include "engine/report/compare_report.h"

#include <QString>

#include <cstdint>
#include <memory>
#include <vector>

namespace qscope {

/// What a column of the board is about, as snapshots that a job may keep.
struct ColumnSubject {
    std::shared_ptr<const engine::Checkpoint> checkpoint;
    std::shared_ptr<const engine::CompareReport> report;
    int method = -1;
    std::int64_t tensor = -1; ///< -1: the whole model
    std::int64_t row = 0;     ///< whose grid is shown, of a tensor
    std::int64_t column = 0;

    [[nodiscard]] const engine::MethodResult& result() const {
        return report->methods[static_cast<std::size_t>(method)];
    }
};

/// Counts over bins, as shares per unit of the axis, so that bins of any width compare.
struct Density {
    std::vector<double> edges;  ///< one more than `stored` and `result`
    std::vector<double> stored; ///< empty for errors
    std::vector<double> result;
};

/// All that is drawn of one result on one tensor or on the whole model.
struct ColumnPicture {
    Density values;
    std::vector<float> levels; ///< the grid's, ascending; empty: none known, or the whole model
    Density errors;            ///< of ŵ - w
    /// Of a tensor: errors of largest magnitude in a grid of cells, row-major. Of the model: relative MSE by module
    /// (row) and layer, NaN where there is none.
    std::int64_t mapRows = 0;
    std::int64_t mapColumns = 0;
    std::vector<float> map;
    std::vector<QString> mapNames;      ///< modules of the model
    std::int64_t rows = 0, columns = 0; ///< of the tensor
    /// Relative squared error of each input channel of a tensor, sum over its weights (w - ŵ)² / sum w²; of each tensor
    /// of the model, in the order of the network.
    std::vector<double> channels;
    std::vector<std::int64_t> tensors; ///< behind the model's channels
    std::int64_t counted = 0;          ///< weights in the histograms
    std::int64_t beyond = 0;           ///< of these, values or errors outside the bins
    std::int64_t total = 0;
};

/// Of each tensor of a model, at most so many weights are counted, spread evenly.
inline constexpr std::int64_t kModelSample = std::int64_t{1} << 18;

/// Whether the result still has the codes that a picture needs.
[[nodiscard]] bool hasCodes(const engine::MethodResult& method, std::int64_t tensor);

/// Unsupported when the method left the tensor out or its codes were not kept. All cores; streams the tensor.
[[nodiscard]] Result<ColumnPicture> pictureOf(const ColumnSubject& subject, const RunContext& context);

} // namespace qscope
