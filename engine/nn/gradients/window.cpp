// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/window.h"

namespace qscope::engine::nn::backward {

Sliding slidingOf(const Window& window, bool transposed) {
    const Shape& large = transposed ? window.output : window.input;
    const Shape& small = transposed ? window.input : window.output;
    Sliding sliding{elementCount(large), elementCount(small), window.taps(), {}};
    sliding.places.resize(static_cast<std::size_t>(sliding.positions * sliding.taps));
    for (std::size_t i = 0; i < sliding.places.size(); ++i) {
        std::int64_t position = static_cast<std::int64_t>(i) / sliding.taps;
        std::int64_t tap = static_cast<std::int64_t>(i) % sliding.taps;
        std::int64_t stride = 1;
        std::int64_t place = 0;
        bool padding = false;
        bool outside = false;
        for (std::size_t axis = window.kernel.size(); axis-- > 0;) {
            const std::int64_t size = large[axis];
            const std::int64_t at = position % small[axis] * window.strides[axis] +
                                    tap % window.kernel[axis] * window.dilations[axis] - window.padBegin[axis];
            padding = padding || at < 0 || at >= size;
            outside = outside || at >= size + window.padEnd[axis];
            place += at * stride;
            stride *= size;
            position /= small[axis];
            tap /= window.kernel[axis];
        }
        sliding.places[i] = outside ? kOutside : padding ? kPadding : place;
    }
    return sliding;
}

} // namespace qscope::engine::nn::backward
