// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/calibration.h"
#include "engine/core/run_context.h"
#include "engine/quant/quantized_tensor.h"

#include <optional>
#include <vector>

namespace qscope {

/// What a result multiplies the inputs of its layer by before they meet its codes, one factor per input channel: the
/// product of all `ColumnTransformed` forms within it. Empty: nothing.
[[nodiscard]] std::vector<float> inputFactors(const engine::QuantizedTensor& result);

/// How values are spread.
struct Spread {
    std::vector<double> counts;
    std::vector<float> channelMax; ///< largest magnitude of each channel
    double largest = 0;
    double rootMeanSquare = 0;
    double maxToMean = 0; ///< max|x| / mean|x|
    double kurtosis = 0;  ///< mean (x - m)⁴ / variance²; 3 for a normal distribution
    /// Signal to noise of rounding the values on the method's grid for activations, -10 log10 Σ(x̂ - x)² / Σx²; nothing
    /// where it has none.
    std::optional<double> sqnrDb = {};
};

/// The tokens that calibration kept of a layer's inputs, as they are and as a transform leaves them, over the same
/// bins.
struct TransformedInputs {
    std::vector<double> edges; ///< of all counts; in units of each distribution's root mean square where asked for
    Spread before, after;
    std::vector<double> rounded; ///< counts of what the codes meet: transformed and rounded; empty: not rounded
};

/// `factors`: one per channel. `grid`: how the method rounds inputs, or null; `range`: its static range, or null.
/// `perRms`: counts over multiples of each distribution's root mean square, so that shapes can be told apart whatever
/// the scale. Unsupported without kept tokens, or when the numbers of channels differ.
[[nodiscard]] Result<TransformedInputs> transformedInputs(const engine::InputStatistics& inputs,
                                                          const std::vector<float>& factors,
                                                          const engine::ActivationGrid* grid,
                                                          const engine::ActivationRange* range, bool perRms = false);

} // namespace qscope
