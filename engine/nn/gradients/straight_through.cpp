// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/straight_through.h"

namespace qscope::engine::nn {

Result<Value> DifferentiableObserver::valueGradient(const Graph&, ValueId, const Value&, Value gradient) {
    return gradient;
}

Result<Value> DifferentiableObserver::useGradient(const Graph&, const Node&, std::size_t, const Value&,
                                                  Value gradient) {
    return gradient;
}

Result<Value> EdgeFunctions::value(const Graph&, ValueId edge, Value value) {
    return m_functions.at(edge).forward(std::move(value));
}

bool EdgeFunctions::learns(const Graph&, ValueId edge) {
    const auto found = m_functions.find(edge);
    return found != m_functions.end() && found->second.learns;
}

Result<Value> EdgeFunctions::valueGradient(const Graph&, ValueId edge, const Value& original, Value gradient) {
    const auto& backward = m_functions.at(edge).backward;
    return backward ? backward(original, std::move(gradient)) : gradient;
}

namespace {

template<class T>
Value clipped(const Value& original, const Value& gradient, double low, double high) {
    const auto x = elements<T>(original);
    std::vector<T> result(elements<T>(gradient).begin(), elements<T>(gradient).end());
    for (std::size_t i = 0; i < x.size(); ++i)
        if (const auto value = static_cast<double>(x[i]); !(value >= low && value <= high)) result[i] = 0;
    return makeValue<T>(gradient.shape(), std::move(result));
}

} // namespace

Result<Value> clippedIdentity(const Value& original, const Value& gradient, double low, double high) {
    if (original.dtype() != gradient.dtype() || original.shape() != gradient.shape())
        return fail(ErrorCode::OutOfRange, "a gradient of another shape or type than its value");
    if (original.dtype() == DType::F32) return clipped<float>(original, gradient, low, high);
    if (original.dtype() == DType::F64) return clipped<double>(original, gradient, low, high);
    return fail(ErrorCode::Unsupported, "no gradients in {}", info(original.dtype()).name);
}

} // namespace qscope::engine::nn
