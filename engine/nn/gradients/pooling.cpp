// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/window.h"

namespace qscope::engine::nn::backward {

namespace {

enum class Pool : std::uint8_t { Average, Max };

/// Calls `pass(plane, x, dy, dx)` for the elements of each channel of each batch.
template<class T, class Pass>
Result<InputGradients> perPlane(const BackwardStep& step, std::int64_t large, std::int64_t small, Pass pass) {
    const Value& x = *step.inputs[0];
    const T* from = elements<T>(x).data();
    const T* back = elements<T>(*step.outputGradients[0]).data();
    std::vector<T> dx(elements<T>(x).size());
    const std::int64_t planes = x.shape()[0] * x.shape()[1];
    QSCOPE_CHECK(parallelChunks(planes, 1, step.run, [&](std::int64_t plane, std::int64_t) -> Result<void> {
        pass(from + plane * large, back + plane * small, dx.data() + plane * large);
        return {};
    }));
    InputGradients result(1);
    result[0] = makeValue<T>(x.shape(), std::move(dx));
    return result;
}

/// The largest of a window, the first of several, takes its gradient; a mean shares it.
template<class T, Pool kind>
Result<InputGradients> pool(const BackwardStep& step) {
    if (step.outputGradients[0] == nullptr)
        return fail(ErrorCode::Unsupported, "{} has a gradient with respect to its first output only",
                    step.node.op->name);
    QSCOPE_TRY(const Window window, windowOf(step.node, step.inputs[0]->shape(), {}));
    const Sliding sliding = slidingOf(window, false);
    const bool paddingCounts = attributeOr<std::int64_t>(step.node, "count_include_pad", 0) != 0;
    const std::int64_t taps = sliding.taps;
    const std::int64_t positions = sliding.positions;
    return perPlane<T>(step, sliding.large, positions, [&](const T* x, const T* dy, T* dx) {
        for (std::int64_t position = 0; position < positions; ++position) {
            const std::int64_t* own = sliding.places.data() + position * taps;
            if constexpr (kind == Pool::Max) {
                std::int64_t best = kPadding;
                for (std::int64_t tap = 0; tap < taps; ++tap)
                    if (own[tap] >= 0 && (best < 0 || x[own[tap]] > x[best])) best = own[tap];
                if (best >= 0) dx[best] += dy[position];
            } else {
                const auto counted = std::count_if(own, own + taps, [&](std::int64_t place) {
                    return place >= 0 || (paddingCounts && place == kPadding);
                });
                for (std::int64_t tap = 0; tap < taps; ++tap)
                    if (own[tap] >= 0) dx[own[tap]] += dy[position] / static_cast<T>(counted);
            }
        }
    });
}

template<class T, Pool kind>
Result<InputGradients> globalPool(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const std::int64_t size = countOf(shape, 2, shape.size());
    return perPlane<T>(step, size, 1, [&](const T* x, const T* dy, T* dx) {
        if constexpr (kind == Pool::Max)
            dx[std::max_element(x, x + size) - x] = *dy;
        else
            std::fill_n(dx, size, *dy / static_cast<T>(size));
    });
}

constexpr std::array kPooling{
    Gradient{"AveragePool", pool<float, Pool::Average>, pool<double, Pool::Average>},
    Gradient{"GlobalAveragePool", globalPool<float, Pool::Average>, globalPool<double, Pool::Average>},
    Gradient{"GlobalMaxPool", globalPool<float, Pool::Max>, globalPool<double, Pool::Max>},
    Gradient{"MaxPool", pool<float, Pool::Max>, pool<double, Pool::Max>},
};

} // namespace

std::span<const Gradient> poolingGradients() { return kPooling; }

} // namespace qscope::engine::nn::backward
