// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/grid.h"
#include "engine/quant/method.h"

#include <functional>
#include <span>
#include <vector>

namespace qscope::engine {

/// The squared error of one group of values on a grid, for any scale of it: the values are sorted once, and then a
/// scale costs a search per level.
class GroupError {
public:
    /// `weights`: one per value, or empty.
    explicit GroupError(std::span<const float> values, std::span<const float> weights = {});
    [[nodiscard]] float largest() const { return m_largest; }
    /// Sum of weight * (w - level * scale)², each value on the level of its share; `scale` above 0.
    [[nodiscard]] double of(const Grid& grid, float scale) const;

private:
    std::vector<float> m_values;                   ///< ascending
    std::vector<double> m_mass, m_first, m_second; ///< sums of weight, weight * w, weight * w² over those before
    float m_largest = 0;
};

/// Which scales are tried: those that bring the group's largest magnitude times a part to the grid's largest level.
/// Equal steps from the first part to the last; part 1 always, and first. One candidate: that alone.
struct ScaleSearch {
    double first = 1;
    double last = 1;
    int candidates = 1;
};

struct FittedScale {
    float scale = 1; ///< 1 for groups of zeros
    double error = 0;
};

/// The scale of least error, rounded to its type.
[[nodiscard]] FittedScale fitScale(const GroupError& group, const Grid& grid, const ScaleSearch& search,
                                   ScaleType type);

/// A scale as its type holds it: not below the smallest half above zero.
[[nodiscard]] float storedScale(float scale, ScaleType type);

/// The input's values in single precision. OutOfRange where one is not finite.
[[nodiscard]] Result<std::vector<float>> finiteValues(const QuantInput& input, const RunContext& context);

/// The input's importance of a column: from the matrix file or from calibration's mean squares; empty: neither.
[[nodiscard]] std::span<const float> importanceOf(const QuantInput& input);

/// The elements of one group, gathered.
struct GroupValues {
    std::vector<std::int64_t> elements; ///< row-major places in the matrix
    std::vector<float> values;
    std::vector<float> weights; ///< empty: none
};

/// Calls use(group, its values) for all groups on all cores. `columnWeights`: one per column or empty. Adds the
/// elements to the context's progress.
[[nodiscard]] Result<void> eachGroup(std::span<const float> matrix, std::span<const float> columnWeights,
                                     const Grouping& grouping, const RunContext& context,
                                     const std::function<void(std::int64_t, const GroupValues&)>& use);

} // namespace qscope::engine
