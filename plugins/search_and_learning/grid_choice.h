// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"
#include "engine/quant/uniform_step.h"

namespace qscope::engine {

/// Rows of the parameter table that say which uniform grid a method of this family works on: bits, group, symmetric,
/// scale.
[[nodiscard]] std::vector<ParamSpec> gridParameters(bool withSymmetric = true);
/// Rows that say how far the grid reaches: range, power. See `Clipping`.
[[nodiscard]] std::vector<ParamSpec> rangeParameters(const std::string& defaultRange);

/// What these rows say; asymmetric where the table has no row for it.
[[nodiscard]] UniformGrid gridOf(const ParamValues& parameters);
[[nodiscard]] Clipping clippingOf(const ParamValues& parameters);

/// Codes without values. Unsupported for an empty tensor or a group that does not divide its rows; a group of 0, or
/// longer than a row, is the row.
[[nodiscard]] Result<QuantizedTensor> outlineOnGrid(const Subject& subject, const ParamValues& parameters);

/// The values in single precision; OutOfRange when one is not finite.
[[nodiscard]] Result<std::vector<float>> finiteValues(const TensorView& weight, const RunContext& context);

/// Whether dividing the layer's inputs by one factor per channel can be undone for free, in the layer before.
enum class Folding : std::uint8_t {
    Free, ///< inputs come from a norm, or from a product whose other side is a linear layer: that takes the factors up
    Stored, ///< they have to be kept, 16 bits each
    Never   ///< several channels of the inputs are made by one row of the layer before (grouped-query attention)
};
[[nodiscard]] Folding foldingOf(const Subject& subject);

/// The rows of all tables, in order.
[[nodiscard]] std::vector<ParamSpec> joined(std::vector<std::vector<ParamSpec>> tables);

} // namespace qscope::engine
