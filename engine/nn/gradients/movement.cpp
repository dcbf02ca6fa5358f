// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <numeric>

// Operators that only move elements: their gradients move back, and add up where an element went to several places.

namespace qscope::engine::nn::backward {

namespace {

InputGradients first(const BackwardStep& step, Value gradient) {
    InputGradients result(step.inputs.size());
    result[0] = std::move(gradient);
    return result;
}

/// Whatever leaves the elements in their order. Cast too: types are seen to by `inputGradients`.
Result<InputGradients> sameOrder(const BackwardStep& step) {
    return first(step, reshaped(*step.outputGradients[0], step.inputs[0]->shape()));
}

template<class T>
Result<InputGradients> transpose(const BackwardStep& step) {
    const Value& dy = *step.outputGradients[0];
    const std::size_t rank = dy.shape().size();
    std::vector<std::int64_t> order(rank);
    std::iota(order.rbegin(), order.rend(), 0);
    order = attributeOr(step.node, "perm", order);
    const Strides own = rowMajor(dy.shape());
    Strides strides(rank);
    for (std::size_t axis = 0; axis < rank; ++axis) strides[axisOf(order[axis], rank)] = own[axis];
    QSCOPE_TRY(Value dx, gathered<T>(dy, step.inputs[0]->shape(), strides, 0, step.run));
    return first(step, std::move(dx));
}

/// Adds `part` to the places first + index * strides of `whole`.
template<class T>
Result<void> scatter(const Value& part, const Strides& strides, std::int64_t start, std::vector<T>& whole,
                     const RunContext& context) {
    const T* from = elements<T>(part).data();
    return walk<2>(part.shape(), {rowMajor(part.shape()), strides}, Order::Sequential, context, [&](const Run<2>& run) {
        T* to = whole.data() + start + run.first[1];
        for (std::int64_t i = 0; i < run.count; ++i) to[i * run.step[1]] += from[run.first[0] + i * run.step[0]];
    });
}

template<class T>
Result<InputGradients> concat(const BackwardStep& step) {
    const Value& dy = *step.outputGradients[0];
    const Strides strides = rowMajor(dy.shape());
    const std::size_t axis = axisOf(attributeOr<std::int64_t>(step.node, "axis", 0), dy.shape().size());
    InputGradients result(step.inputs.size());
    std::int64_t start = 0;
    for (std::size_t i = 0; i < result.size(); ++i) {
        const Shape& shape = step.inputs[i]->shape();
        if (step.wanted[i]) {
            QSCOPE_TRY(result[i], gathered<T>(dy, shape, strides, start * strides[axis], step.run));
        }
        start += shape[axis];
    }
    return result;
}

template<class T>
Result<InputGradients> split(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const Strides strides = rowMajor(shape);
    const std::size_t axis = axisOf(attributeOr<std::int64_t>(step.node, "axis", 0), shape.size());
    const auto parts = static_cast<std::int64_t>(step.outputs.size());
    std::vector<std::int64_t> sizes(step.outputs.size(), (shape[axis] + parts - 1) / parts);
    if (step.inputs.size() > 1 && step.inputs[1]) {
        QSCOPE_TRY(sizes, integers(*step.inputs[1]));
    }
    std::vector<T> dx(elements<T>(*step.inputs[0]).size());
    std::int64_t start = 0;
    for (std::size_t i = 0; i < sizes.size(); start += sizes[i], ++i)
        if (const Value* dy = step.outputGradients[i])
            QSCOPE_CHECK(scatter<T>(*dy, strides, start * strides[axis], dx, step.run));
    return first(step, makeValue<T>(shape, std::move(dx)));
}

template<class T>
Result<InputGradients> slice(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const auto listed = [&](std::size_t input) -> Result<std::vector<std::int64_t>> {
        if (input < step.inputs.size() && step.inputs[input]) return integers(*step.inputs[input]);
        return std::vector<std::int64_t>{};
    };
    QSCOPE_TRY(const auto starts, listed(1));
    QSCOPE_TRY(auto axes, listed(3));
    QSCOPE_TRY(const auto steps, listed(4));
    if (axes.empty()) {
        axes.resize(starts.size());
        std::iota(axes.begin(), axes.end(), 0);
    }
    const Value& dy = *step.outputGradients[0];
    std::vector<T> dx(elements<T>(*step.inputs[0]).size());
    if (elementCount(dy.shape()) > 0) {
        Strides strides = rowMajor(shape);
        std::int64_t begin = 0;
        for (std::size_t i = 0; i < starts.size(); ++i) {
            const std::size_t axis = axisOf(axes[i], shape.size());
            const std::int64_t size = shape[axis];
            const std::int64_t by = steps.empty() ? 1 : steps[i];
            const std::int64_t at = starts[i] < 0 ? std::max(starts[i], -size) + size : std::min(starts[i], size);
            begin += (by < 0 ? std::min(at, size - 1) : at) * strides[axis];
            // With one element the step does not matter, and may be any number.
            strides[axis] *= std::clamp(by, -size, size);
        }
        QSCOPE_CHECK(scatter<T>(dy, strides, begin, dx, step.run));
    }
    return first(step, makeValue<T>(shape, std::move(dx)));
}

template<class T>
Result<InputGradients> expand(const BackwardStep& step) {
    QSCOPE_TRY(Value dx, sumTo<T>(*step.outputGradients[0], step.inputs[0]->shape(), step.run));
    return first(step, std::move(dx));
}

template<class T>
Result<InputGradients> gather(const BackwardStep& step) {
    const Shape& shape = step.inputs[0]->shape();
    const std::size_t axis = axisOf(attributeOr<std::int64_t>(step.node, "axis", 0), shape.size());
    const std::int64_t outer = countOf(shape, 0, axis);
    const std::int64_t inner = countOf(shape, axis + 1, shape.size());
    const std::int64_t size = shape[axis];
    QSCOPE_TRY(const auto indices, integers(reshaped(*step.inputs[1], {elementCount(step.inputs[1]->shape())})));
    const T* from = elements<T>(*step.outputGradients[0]).data();
    std::vector<T> dx(elements<T>(*step.inputs[0]).size());
    for (std::int64_t row = 0; row < outer; ++row)
        for (const std::int64_t index : indices) {
            if (step.run.cancelled()) return cancelled();
            T* to = dx.data() + (row * size + (index < 0 ? index + size : index)) * inner;
            for (std::int64_t i = 0; i < inner; ++i) to[i] += *from++;
        }
    return first(step, makeValue<T>(shape, std::move(dx)));
}

/// Constant padding: the inner part comes back, and the padding's value takes the rest.
template<class T>
Result<InputGradients> pad(const BackwardStep& step) {
    if (attributeOr<std::string>(step.node, "mode", "constant") != "constant")
        return fail(ErrorCode::Unsupported, "Pad has a gradient in constant mode only");
    if (step.inputs.size() > 2 && step.wanted[2])
        return fail(ErrorCode::Unsupported, "Pad has no gradient with respect to the constant");
    const Shape& shape = step.inputs[0]->shape();
    const Value& dy = *step.outputGradients[0];
    QSCOPE_TRY(const auto pads, integers(*step.inputs[1]));
    std::vector<std::int64_t> axes(shape.size());
    std::iota(axes.begin(), axes.end(), 0);
    if (step.inputs.size() > 3 && step.inputs[3]) {
        QSCOPE_TRY(axes, integers(*step.inputs[3]));
    }
    // Pads below zero crop: what was cropped gets no gradient.
    Shape left = shape;
    std::vector<T> dx(elements<T>(*step.inputs[0]).size());
    const Strides to = rowMajor(shape);
    const Strides from = rowMajor(dy.shape());
    std::int64_t begin = 0;
    std::int64_t start = 0;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const std::size_t axis = axisOf(axes[i], shape.size());
        const std::int64_t before = pads[i];
        const std::int64_t after = pads[i + axes.size()];
        left[axis] += std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(after, 0);
        begin += std::max<std::int64_t>(before, 0) * from[axis];
        start -= std::min<std::int64_t>(before, 0) * to[axis];
    }
    if (std::ranges::all_of(left, [](std::int64_t size) { return size > 0; })) {
        QSCOPE_TRY(const Value part, gathered<T>(dy, left, from, begin, step.run));
        QSCOPE_CHECK(scatter<T>(part, to, start, dx, step.run));
    }
    return first(step, makeValue<T>(shape, std::move(dx)));
}

constexpr std::array kMovement{
    Gradient{"Cast", sameOrder, sameOrder},
    Gradient{"Concat", concat<float>, concat<double>},
    Gradient{"Expand", expand<float>, expand<double>},
    Gradient{"Flatten", sameOrder, sameOrder},
    Gradient{"Gather", gather<float>, gather<double>},
    Gradient{"Identity", sameOrder, sameOrder},
    Gradient{"Pad", pad<float>, pad<double>},
    Gradient{"Reshape", sameOrder, sameOrder},
    Gradient{"Slice", slice<float>, slice<double>},
    Gradient{"Split", split<float>, split<double>},
    Gradient{"Squeeze", sameOrder, sameOrder},
    Gradient{"Transpose", transpose<float>, transpose<double>},
    Gradient{"Unsqueeze", sameOrder, sameOrder},
};

} // namespace

std::span<const Gradient> movementGradients() { return kMovement; }

} // namespace qscope::engine::nn::backward
