// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/kernels/elementwise.h"
#include "engine/nn/operators/arguments.h"

namespace qscope::engine::nn {

/// Two tensors seen in one shape, their axes of size 1 repeated (ONNX, "Broadcasting in ONNX"). Neighbouring axes that
/// both walk alike are one here; the innermost strides are 0 or 1.
struct Broadcast {
    Shape shape; ///< of the result
    std::vector<std::int64_t> sizes;
    std::vector<std::int64_t> left; ///< strides in elements, 0 where repeated
    std::vector<std::int64_t> right;
    std::int64_t count = 0;

    /// Where element `index` of the result is read in both, in elements.
    [[nodiscard]] std::pair<std::int64_t, std::int64_t> offsets(std::int64_t index) const {
        std::pair<std::int64_t, std::int64_t> found{0, 0};
        for (std::size_t axis = sizes.size(); axis-- > 0; index /= sizes[axis]) {
            found.first += index % sizes[axis] * left[axis];
            found.second += index % sizes[axis] * right[axis];
        }
        return found;
    }
};

/// OutOfRange when the shapes do not fit, or their result exceeds the limit.
[[nodiscard]] Result<Broadcast> broadcast(const Shape& left, const Shape& right);

/// out[i] = f(left[i], right[i]) over the broadcast shape.
template<class T, class R, class F>
Result<void> combine(const Broadcast& plan, const T* left, const T* right, R* out, const RunContext& context,
                     const F& f) {
    if (plan.count == 0) return {};
    return kernels::apply(plan.sizes, std::span<R>(out, static_cast<std::size_t>(plan.count)), f, context,
                          kernels::Strided<T>{{left, 1}, plan.left}, kernels::Strided<T>{{right, 1}, plan.right});
}

/// The value with its axes of size 1 repeated until it has this shape, which must be what broadcasting gives.
template<class T>
Result<std::vector<T>> expandedTo(const Value& value, const Shape& shape, const RunContext& context,
                                  std::string_view what) {
    const auto plan = broadcast(shape, value.shape());
    if (!plan || plan->shape != shape)
        return fail(ErrorCode::OutOfRange, "{} of shape {} does not fit {}", what, describe(value.shape()),
                    describe(shape));
    QSCOPE_TRY(std::vector<T> all, makeElements<T>(shape));
    if (all.empty()) return all;
    QSCOPE_CHECK(combine(*plan, all.data(), elements<T>(value).data(), all.data(), context, [](T, T x) { return x; }));
    return all;
}

} // namespace qscope::engine::nn
