// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <cmath>

namespace qscope::engine::nn::backward {

namespace {

enum class Reduction : std::uint8_t { Sum, Mean, SumSquare, Norm };

/// The shape of the result with its reduced axes kept at size 1; nothing when the node lets its input through.
Result<std::optional<Shape>> keptShape(const BackwardStep& step) {
    Shape shape = step.inputs[0]->shape();
    std::vector<std::int64_t> axes;
    if (step.inputs.size() > 1 && step.inputs[1]) {
        QSCOPE_TRY(axes, integers(*step.inputs[1]));
    }
    if (axes.empty() && attributeOr<std::int64_t>(step.node, "noop_with_empty_axes", 0) != 0)
        return std::optional<Shape>();
    if (axes.empty()) return std::optional(Shape(shape.size(), 1));
    const std::size_t rank = shape.size();
    for (const std::int64_t axis : axes) shape[axisOf(axis, rank)] = 1;
    return std::optional(std::move(shape));
}

/// dx = dy times 1, 1 / count, 2 x, or x / y.
template<class T, Reduction kind>
Result<InputGradients> reduce(const BackwardStep& step) {
    const Value& x = *step.inputs[0];
    InputGradients result(step.inputs.size());
    QSCOPE_TRY(const std::optional<Shape> shape, keptShape(step));
    if (!shape) {
        result[0] = *step.outputGradients[0];
        return result;
    }
    const Shape& kept = *shape;
    QSCOPE_TRY(const Value dy, broadcastTo<T>(reshaped(*step.outputGradients[0], kept), x.shape(), step.run));
    if constexpr (kind == Reduction::Sum) {
        result[0] = dy;
        return result;
    }
    QSCOPE_TRY(const Value y, broadcastTo<T>(reshaped(*step.outputs[0], kept), x.shape(), step.run));
    const auto count = static_cast<double>(elementCount(x.shape())) /
                       static_cast<double>(std::max<std::int64_t>(1, elementCount(kept)));
    const auto from = elements<T>(x);
    const auto made = elements<T>(y);
    const auto back = elements<T>(dy);
    std::vector<T> dx(from.size());
    const auto pass = [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
            const auto arrived = static_cast<double>(back[i]);
            const auto value = static_cast<double>(from[i]);
            if constexpr (kind == Reduction::Mean) dx[i] = static_cast<T>(arrived / count);
            if constexpr (kind == Reduction::SumSquare) dx[i] = static_cast<T>(2 * arrived * value);
            // The norm of zeros has a corner; 0 is one of its slopes.
            if constexpr (kind == Reduction::Norm)
                dx[i] = static_cast<T>(value == 0 ? 0 : arrived * value / static_cast<double>(made[i]));
        }
        return {};
    };
    QSCOPE_CHECK(parallelChunks(static_cast<std::int64_t>(dx.size()), 1 << 15, step.run, pass));
    result[0] = makeValue<T>(x.shape(), std::move(dx));
    return result;
}

template<Reduction kind>
constexpr Gradient row(std::string_view op) {
    return {op, reduce<float, kind>, reduce<double, kind>};
}

constexpr std::array kReduction{
    row<Reduction::Norm>("ReduceL2"),
    row<Reduction::Mean>("ReduceMean"),
    row<Reduction::Sum>("ReduceSum"),
    row<Reduction::SumSquare>("ReduceSumSquare"),
};

} // namespace

std::span<const Gradient> reductionGradients() { return kReduction; }

} // namespace qscope::engine::nn::backward
