// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/arguments.h"

// What convolutions and poolings share: a window that walks over the spatial axes of [batch, channels, ...].

namespace qscope::engine::nn {

struct Window {
    Shape input; ///< spatial sizes
    Shape output;
    Shape kernel;
    Shape strides;
    Shape dilations;
    Shape padBegin;
    Shape padEnd;

    [[nodiscard]] std::int64_t taps() const { return elementCount(kernel); }
    [[nodiscard]] std::int64_t inputSize() const { return elementCount(input); }
    [[nodiscard]] std::int64_t outputSize() const { return elementCount(output); }
};

/// From the attributes of a convolution or pooling of an input of this shape. `kernel`: its spatial sizes, or empty to
/// take them from "kernel_shape". OutOfRange for sizes that cannot be, or without any output.
[[nodiscard]] Result<Window> windowOf(const Node& node, const Shape& input, Shape kernel);

/// The same for a transposed convolution, where `output` grows with the strides: `input` is what the taps are added
/// from, and `padBegin` is cut from the output.
[[nodiscard]] Result<Window> transposedWindowOf(const Node& node, const Shape& input, Shape kernel);

/// Where each tap of the window at each place of one axis reads: entry place * kernel + tap is the input's index, or -1
/// outside of it.
[[nodiscard]] std::vector<std::vector<std::int64_t>> tapTables(const Window& window);

/// Calls use(tap, input index) for the taps of the window at `place` (both row-major indices over all axes) that lie
/// inside the input.
template<class Use>
void eachTap(const Window& window, const std::vector<std::vector<std::int64_t>>& tables, std::int64_t place,
             const Use& use) {
    constexpr std::size_t kMostAxes = 8; // `windowOf` allows no more
    const std::size_t axes = window.kernel.size();
    const std::int64_t* row[kMostAxes]{};
    for (std::size_t axis = axes; axis-- > 0; place /= window.output[axis])
        row[axis] = tables[axis].data() + place % window.output[axis] * window.kernel[axis];
    const std::int64_t count = window.taps();
    for (std::int64_t tap = 0; tap < count; ++tap) {
        std::int64_t rest = tap;
        std::int64_t index = 0;
        std::int64_t stride = 1;
        bool inside = true;
        for (std::size_t axis = axes; axis-- > 0 && inside; rest /= window.kernel[axis]) {
            const std::int64_t at = row[axis][rest % window.kernel[axis]];
            inside = at >= 0;
            index += at * stride;
            stride *= window.input[axis];
        }
        if (inside) use(tap, index);
    }
}

} // namespace qscope::engine::nn
