// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quant/forms.h"

namespace qscope::engine {

/// Groups of a row as gain * y / |y| with y on a pyramid. Stored are the index of y and the gain: 16 bits, or a code
/// for its part of the row's norm, which has 16 bits.
class PyramidCodes final : public CodeForm {
public:
    int pulses = 1;
    int indexBits = 0;
    int gainBits = 0; ///< 0: a gain of 16 bits in each group and no norms of rows
    Grouping grouping;
    std::vector<std::int8_t> points; ///< row-major
    std::vector<float> gains;        ///< one per group, as decoded
    std::vector<float> lengths;      ///< |y|, one per group

    [[nodiscard]] std::uint64_t storedBits(const Shape& shape) const override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] Result<void> dequantize(const Shape& shape, std::int64_t first, std::span<float> out) const override;
};

/// Levels for the part |w_group| / |w_row| of a row's norm, for directions alike likely: the square follows
/// Beta(group/2, (row - group)/2), and level i is its quantile (i + 1/2) / 2^bits.
[[nodiscard]] std::vector<double> gainLevels(std::int64_t group, std::int64_t row, int bits);

} // namespace qscope::engine
