// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/window.h"

namespace qscope::engine::nn::backward {

namespace {

/// Columns [first, first + count) of the unfolded tensor: row (channel, tap), column position; zeros in the padding.
template<class T>
Result<void> unfold(const T* planes, std::int64_t channels, const Sliding& sliding, std::int64_t first,
                    std::int64_t count, T* columns, const RunContext& context) {
    const std::int64_t taps = sliding.taps;
    return parallelChunks(channels, 1, context, [&](std::int64_t channel, std::int64_t) -> Result<void> {
        for (std::int64_t tap = 0; tap < taps; ++tap) {
            T* row = columns + (channel * taps + tap) * count;
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int64_t place = sliding.places[static_cast<std::size_t>((first + i) * taps + tap)];
                row[i] = place < 0 ? T{0} : planes[channel * sliding.large + place];
            }
        }
        return {};
    });
}

/// The way back: adds every column's elements to the places that they came from.
template<class T>
Result<void> fold(const T* columns, std::int64_t channels, const Sliding& sliding, std::int64_t first,
                  std::int64_t count, T* planes, const RunContext& context) {
    const std::int64_t taps = sliding.taps;
    return parallelChunks(channels, 1, context, [&](std::int64_t channel, std::int64_t) -> Result<void> {
        for (std::int64_t tap = 0; tap < taps; ++tap) {
            const T* row = columns + (channel * taps + tap) * count;
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int64_t place = sliding.places[static_cast<std::size_t>((first + i) * taps + tap)];
                if (place >= 0) planes[channel * sliding.large + place] += row[i];
            }
        }
        return {};
    });
}

/// Sums of dy [batch, channels, ...] over everything but the channels.
template<class T>
Result<Value> perChannel(const Value& dy, const Shape& shape, const RunContext& context) {
    Shape through(dy.shape().size(), 1);
    through[1] = dy.shape()[1];
    QSCOPE_TRY(Value sum, sumTo<T>(dy, through, context));
    return reshaped(std::move(sum), shape);
}

/// Conv: with the large tensor unfolded to columns, Y = W columns, so dW = dY columnsᵀ and dcolumns = Wᵀ dY.
/// ConvTranspose is its adjoint: columns = Wᵀ X are folded to Y, so dX = W columns(dY) and dW = X columns(dY)ᵀ.
/// In both, W is [small channels, large channels / groups, kernel].
template<class T, bool transposed>
Result<InputGradients> convolution(const BackwardStep& step) {
    const Value& x = *step.inputs[0];
    const Value& w = *step.inputs[1];
    const Value& dy = *step.outputGradients[0];
    const Value& large = transposed ? dy : x;
    const Value& small = transposed ? x : dy;
    Shape kernel(w.shape().begin() + 2, w.shape().end());
    QSCOPE_TRY(const Window window, transposed ? transposedWindowOf(step.node, x.shape(), std::move(kernel))
                                               : windowOf(step.node, x.shape(), std::move(kernel)));
    const Sliding sliding = slidingOf(window, transposed);
    const auto groups = attributeOr<std::int64_t>(step.node, "group", 1);
    const std::int64_t many = large.shape()[1] / groups; // channels per group
    const std::int64_t few = small.shape()[1] / groups;
    const std::int64_t rows = many * sliding.taps;
    const std::int64_t positions = sliding.positions;
    const std::int64_t block = std::clamp<std::int64_t>((1 << 22) / std::max<std::int64_t>(1, rows), 1, 1 << 16);

    std::vector<T> dx(step.wanted[0] ? elements<T>(x).size() : 0);
    std::vector<T> dw(step.wanted[1] ? elements<T>(w).size() : 0);
    std::vector<T> columns;
    for (std::int64_t item = 0; item < x.shape()[0] * groups; ++item)
        for (std::int64_t first = 0; first < positions; first += block) {
            if (step.run.cancelled()) return cancelled();
            const std::int64_t count = std::min(block, positions - first);
            const std::int64_t group = item % groups;
            const std::int64_t atSmall = item * few * positions + first;
            const std::int64_t atLarge = item * many * sliding.large;
            const MatrixRef<T> smallRows{elements<T>(small).data() + atSmall, positions, 1};
            const MatrixRef<T> weight{elements<T>(w).data() + group * few * rows, rows, 1};
            columns.assign(static_cast<std::size_t>(rows * count), 0);
            const MatrixRef<T> unfolded{columns.data(), count, 1};
            if (!dw.empty() || transposed) {
                QSCOPE_CHECK(unfold<T>(elements<T>(large).data() + atLarge, many, sliding, first, count, columns.data(),
                                       step.run));
            }
            if (!dw.empty())
                QSCOPE_CHECK(addProduct<T>(few, rows, count, 1, smallRows, unfolded.transposed(),
                                           dw.data() + group * few * rows, rows, step.run));
            if (dx.empty()) continue;
            if constexpr (transposed) {
                QSCOPE_CHECK(
                    addProduct<T>(few, count, rows, 1, weight, unfolded, dx.data() + atSmall, positions, step.run));
            } else {
                columns.assign(columns.size(), 0);
                QSCOPE_CHECK(addProduct<T>(rows, count, few, 1, weight.transposed(), smallRows, columns.data(), count,
                                           step.run));
                QSCOPE_CHECK(fold<T>(columns.data(), many, sliding, first, count, dx.data() + atLarge, step.run));
            }
        }
    InputGradients result(step.inputs.size());
    if (step.wanted[0]) result[0] = makeValue<T>(x.shape(), std::move(dx));
    if (step.wanted[1]) result[1] = makeValue<T>(w.shape(), std::move(dw));
    if (step.inputs.size() > 2 && step.wanted[2]) {
        QSCOPE_TRY(result[2], perChannel<T>(dy, step.inputs[2]->shape(), step.run));
    }
    return result;
}

constexpr std::array kConvolution{
    Gradient{"Conv", convolution<float, false>, convolution<double, false>},
    Gradient{"ConvTranspose", convolution<float, true>, convolution<double, true>},
};

} // namespace

std::span<const Gradient> convolutionGradients() { return kConvolution; }

} // namespace qscope::engine::nn::backward
