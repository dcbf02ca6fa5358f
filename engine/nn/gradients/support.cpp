// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/support.h"

namespace qscope::engine::nn::backward {

Strides rowMajor(const Shape& shape) {
    Strides strides(shape.size(), 1);
    for (std::size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * shape[axis];
    return strides;
}

Strides broadcastStrides(const Shape& shape, const Shape& through) {
    assert(shape.size() <= through.size());
    const Strides own = rowMajor(shape);
    Strides strides(through.size(), 0);
    const std::size_t missing = through.size() - shape.size();
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
        if (shape[axis] != 1) strides[missing + axis] = own[axis];
    return strides;
}

std::int64_t countOf(const Shape& shape, std::size_t begin, std::size_t end) {
    std::int64_t count = 1;
    for (std::size_t axis = begin; axis < end; ++axis) count *= shape[axis];
    return count;
}

template<class T>
Result<Value> sumTo(const Value& gradient, const Shape& shape, const RunContext& context) {
    if (gradient.shape() == shape) return gradient;
    const T* from = elements<T>(gradient).data();
    std::vector<double> sums(static_cast<std::size_t>(elementCount(shape)));
    const std::array strides{rowMajor(gradient.shape()), broadcastStrides(shape, gradient.shape())};
    QSCOPE_CHECK(walk<2>(gradient.shape(), strides, Order::Sequential, context, [&](const Run<2>& run) {
        double* to = sums.data() + run.first[1];
        for (std::int64_t i = 0; i < run.count; ++i)
            to[i * run.step[1]] += static_cast<double>(from[run.first[0] + i * run.step[0]]);
    }));
    return narrowed<T>(shape, sums);
}

template<class T>
Result<Value> gathered(const Value& source, Shape shape, const Strides& strides, std::int64_t first,
                       const RunContext& context) {
    const T* from = elements<T>(source).data() + first;
    std::vector<T> result(static_cast<std::size_t>(elementCount(shape)));
    QSCOPE_CHECK(walk<2>(shape, {rowMajor(shape), strides}, Order::Any, context, [&](const Run<2>& run) {
        for (std::int64_t i = 0; i < run.count; ++i)
            result[static_cast<std::size_t>(run.first[0] + i * run.step[0])] = from[run.first[1] + i * run.step[1]];
    }));
    return makeValue<T>(std::move(shape), std::move(result));
}

template<class T>
Result<Value> broadcastTo(const Value& value, const Shape& shape, const RunContext& context) {
    if (value.shape() == shape) return value;
    return gathered<T>(value, shape, broadcastStrides(value.shape(), shape), 0, context);
}

#define QSCOPE_INSTANTIATE(T)                                                                                          \
    template Result<Value> sumTo<T>(const Value&, const Shape&, const RunContext&);                                    \
    template Result<Value> broadcastTo<T>(const Value&, const Shape&, const RunContext&);                              \
    template Result<Value> gathered<T>(const Value&, Shape, const Strides&, std::int64_t, const RunContext&);
QSCOPE_INSTANTIATE(float)
QSCOPE_INSTANTIATE(double)
#undef QSCOPE_INSTANTIATE

} // namespace qscope::engine::nn::backward
