// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/view_codes/code_use.h"

#include <optional>

namespace qscope {

/// A result with everything that is wrapped around its codes taken off, and the weights as those codes saw them.
struct CodedLayers {
    const engine::QuantizedTensor* codes = nullptr; ///< inside the tensor that was unwrapped
    std::vector<float> weights;                     ///< what was rounded; empty without the original
    std::vector<std::uint8_t> isApart;              ///< one per weight, in the codes' order; empty: none are
    std::vector<StoredApart> apart;                 ///< in the tensor's own order
};

/// Takes off column factors and orders, low-rank parts and weights stored apart, however they are nested.
[[nodiscard]] Result<CodedLayers> unwrapped(const engine::QuantizedTensor& tensor, const engine::TensorView* original,
                                            const RunContext& context);

} // namespace qscope
