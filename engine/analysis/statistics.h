// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/tensor/tensor.h"

#include <memory>
#include <vector>

namespace qscope::engine {

/// Counts of finite values: bin i covers [edges[i], edges[i+1]), the last one includes its upper edge.
struct Histogram {
    std::vector<double> edges;
    std::vector<std::int64_t> counts;
};

/// One element of largest magnitude.
struct ExtremeValue {
    std::int64_t row = 0;
    std::int64_t column = 0;
    double value = 0;
};

/// What a tensor's values look like. NaN and infinite values are counted and left out of everything else; with no finite
/// value all moments are 0. Definitions: `metricTable()`.
struct TensorStatistics {
    std::int64_t count = 0;
    std::int64_t zeros = 0;
    std::int64_t nan = 0;
    std::int64_t inf = 0;
    std::int64_t outliers = 0;
    double min = 0;
    double max = 0;
    double mean = 0;
    double std = 0;
    double absmax = 0;
    double kurtosis = 0;
    double maxToMean = 0;
    Histogram histogram;
    std::vector<float> rowAbsMax;      ///< per output channel
    std::vector<float> columnAbsMax;   ///< per input channel
    std::vector<float> rowNorms;       ///< Euclidean
    std::vector<float> columnNorms;
    std::vector<ExtremeValue> extremes; ///< the largest magnitudes, descending
    std::vector<double> quantiles;     ///< at (i + 0.5) / n of a sample, n <= 1024, for the Q-Q plot
};

struct StatisticsOptions {
    int bins = 256;        ///< over [min, max]
    int extremes = 64;
    int quantiles = 1024;
    /// Magnitudes and norms of rows and columns, and the extremes, which are found by them. For a vector they take twenty
    /// bytes for each element.
    bool lines = true;
};

/// Two passes over the stored bytes on all cores; the same values on any number of threads.
/// Progress counts elements; a total that is not known yet becomes the tensor's.
[[nodiscard]] Result<std::shared_ptr<const TensorStatistics>>
computeStatistics(const TensorView& tensor, const StatisticsOptions& options, const RunContext& context);

} // namespace qscope::engine
