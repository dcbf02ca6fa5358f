// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/gradients/support.h"
#include "engine/nn/operators/window.h"

namespace qscope::engine::nn::backward {

/// A kernel that slides over the spatial axes of a large tensor, one place for each position of a small one: input and
/// output of convolutions and pools, output and input of transposed convolutions.
struct Sliding {
    std::int64_t large = 0;     ///< elements of the large one's spatial axes
    std::int64_t positions = 0; ///< and of the small one's
    std::int64_t taps = 0;
    /// At position * taps + tap the element of the large one, `kPadding` where the tap lies in the padding, `kOutside`
    /// behind that.
    std::vector<std::int64_t> places;
};
inline constexpr std::int64_t kPadding = -1;
inline constexpr std::int64_t kOutside = -2;

/// Along each axis: element of the large one = position * stride + tap * dilation - padBegin.
[[nodiscard]] Sliding slidingOf(const Window& window, bool transposed);

} // namespace qscope::engine::nn::backward
