// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/quantized_tensor.h"
#include "plugins/view_spectrum/singular_values.h"

#include <optional>

namespace qscope {

/// Which matrix a spectrum is of.
enum class SpectrumOf : std::uint8_t {
    Weights,  ///< as stored
    Result,   ///< as a method left them
    Error,    ///< result - weights
    Unhelped, ///< weights - result without its low-rank part: what that part had to take up
    LowRank   ///< the low-rank part
};

struct Spectrum {
    SpectrumOf of = SpectrumOf::Weights;
    SingularValues values;
    std::optional<CutEntropies> entropies = {}; ///< of weights and results, unless they are zero
};

/// Spectra of a weight matrix and, where there is a result, of what the method made of it. `result` may be null.
[[nodiscard]] Result<std::vector<Spectrum>> spectraOf(const engine::TensorView& weights,
                                                      const engine::QuantizedTensor* result, const RunContext& context);

/// The outermost low-rank part of a result in the tensor's own columns, behind column factors and weights stored apart;
/// nothing when it has none.
[[nodiscard]] Result<std::optional<std::vector<float>>> lowRankPart(const engine::QuantizedTensor& result,
                                                                    const RunContext& context);

} // namespace qscope
