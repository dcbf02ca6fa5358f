// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/broadcast.h"

#include <algorithm>

namespace qscope::engine::nn {

Result<Broadcast> broadcast(const Shape& left, const Shape& right) {
    const std::size_t rank = std::max(left.size(), right.size());
    const auto sizeAt = [&](const Shape& shape, std::size_t axis) {
        return axis + shape.size() < rank ? 1 : shape[axis + shape.size() - rank];
    };
    Broadcast plan;
    for (std::size_t axis = 0; axis < rank; ++axis) {
        const std::int64_t a = sizeAt(left, axis);
        const std::int64_t b = sizeAt(right, axis);
        if (a != b && a != 1 && b != 1)
            return fail(ErrorCode::OutOfRange, "shapes {} and {} do not fit together", describe(left), describe(right));
        plan.shape.push_back(a == 1 ? b : a);
    }
    QSCOPE_TRY(plan.count, checkedCount(plan.shape));
    std::int64_t leftStride = 1;
    std::int64_t rightStride = 1;
    for (std::size_t axis = rank; axis-- > 0 && plan.count > 0;) {
        const std::int64_t size = plan.shape[axis];
        if (size == 1) continue;
        const std::int64_t leftStep = sizeAt(left, axis) == 1 ? 0 : leftStride;
        const std::int64_t rightStep = sizeAt(right, axis) == 1 ? 0 : rightStride;
        if (!plan.sizes.empty() && leftStep == plan.left.back() * plan.sizes.back() &&
            rightStep == plan.right.back() * plan.sizes.back()) {
            plan.sizes.back() *= size;
        } else {
            plan.sizes.push_back(size);
            plan.left.push_back(leftStep);
            plan.right.push_back(rightStep);
        }
        leftStride *= sizeAt(left, axis);
        rightStride *= sizeAt(right, axis);
    }
    if (plan.sizes.empty()) {
        plan.sizes = {1};
        plan.left = plan.right = {1};
    }
    for (auto* list : {&plan.sizes, &plan.left, &plan.right}) std::ranges::reverse(*list);
    return plan;
}

} // namespace qscope::engine::nn
