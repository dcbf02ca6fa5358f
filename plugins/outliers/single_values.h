// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/quantized_tensor.h"

#include <span>
#include <vector>

namespace qscope::engine {

/// Indices of the `count` largest scores in ascending order; of equal scores the first ones.
[[nodiscard]] std::vector<std::int64_t> largestOf(std::span<const float> scores, std::int64_t count);

/// How many of so many elements a share in percent is, rounded down.
[[nodiscard]] std::int64_t shareOf(std::int64_t elements, double percent);

/// The base with these elements (ascending indices) kept as half precision holds them. An outline holds `count` alone.
[[nodiscard]] QuantizedTensor withSingleValues(QuantizedTensor base, std::span<const std::int64_t> elements,
                                               std::span<const float> values);
[[nodiscard]] QuantizedTensor outlineWithSingleValues(QuantizedTensor base, std::int64_t count);

} // namespace qscope::engine
