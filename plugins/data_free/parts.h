// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/method.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace qscope::engine {

// What the methods of this family share.

/// Width of a code.
[[nodiscard]] ParamSpec bitsRow(std::int64_t standard, int least, int most);
/// Weights along a row that share a scale; 0: the whole row.
[[nodiscard]] ParamSpec groupRow(std::int64_t standard);
[[nodiscard]] ParamSpec choiceRow(std::string key, std::string label, std::vector<std::string> choices,
                                  std::string help);

[[nodiscard]] int bitsOf(const ParamValues& parameters);
/// The groups of `groupRow`; a row that is shorter is one group.
[[nodiscard]] Grouping rowGroups(const Shape& shape, const ParamValues& parameters);

/// Unsupported for tensors without elements.
[[nodiscard]] Result<void> requireElements(const Shape& shape);
/// Unsupported for tensors that are no matrix.
[[nodiscard]] Result<void> requireMatrix(const Shape& shape);
/// XᵀX of the inputs of a matrix with so many columns; Unsupported when calibration has none.
[[nodiscard]] Result<std::span<const double>> momentsOf(const QuantInput& input, std::int64_t columns);

/// The sum over rows of d M dᵀ, where d is a row of `difference` [rows, columns] and M [columns, columns]: the squared
/// error of the layer's outputs, where M holds the inputs' second moments.
[[nodiscard]] Result<double> outputError(std::span<const float> difference, std::span<const double> moments,
                                         std::int64_t columns, const RunContext& context);

/// Calls use(row) for all rows on all cores; leaves progress alone.
[[nodiscard]] Result<void> eachRow(std::int64_t rows, std::int64_t grain, const RunContext& context,
                                   const std::function<void(std::int64_t)>& use);

} // namespace qscope::engine
