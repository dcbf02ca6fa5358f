// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/kernels/matmul.h"
#include "engine/nn/operators/arguments.h"

namespace qscope::engine::nn {

/// Products of whole numbers, which wrap around.
template<class T>
Result<void> multiplyWhole(const kernels::MatrixProduct<T>& p, const RunContext& context) {
    const auto step = [](const kernels::MatrixOperand<T>& operand, bool down) {
        return operand.transposed == down ? 1 : operand.stride;
    };
    return inParallel(p.batch * p.rows * p.columns, p.inner * 4, context, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t n = begin; n < end; ++n) {
            const std::int64_t batch = n / p.columns / p.rows;
            const std::int64_t row = n / p.columns % p.rows;
            const T* left = p.left.values.data() + batch * p.left.batchStride + row * step(p.left, true);
            const T* right = p.right.values.data() + batch * p.right.batchStride + n % p.columns * step(p.right, false);
            std::uint64_t sum = 0;
            for (std::int64_t k = 0; k < p.inner; ++k)
                sum += static_cast<std::uint64_t>(left[k * step(p.left, false)]) *
                       static_cast<std::uint64_t>(right[k * step(p.right, true)]);
            T& to =
                p.result[static_cast<std::size_t>(batch * p.resultBatchStride + row * p.resultStride + n % p.columns)];
            sum *= static_cast<std::uint64_t>(p.scale);
            if (p.accumulate) sum += static_cast<std::uint64_t>(to);
            to = static_cast<T>(sum);
        }
    });
}

template<class T>
Result<void> multiply(const kernels::MatrixProduct<T>& product, const RunContext& context) {
    if constexpr (std::is_integral_v<T>)
        return multiplyWhole(product, context);
    else
        return kernels::multiply(product, context);
}

/// As numpy.matmul, in the type of both, which is one of those that `widened` gives.
[[nodiscard]] Result<Value> multiplied(const Value& left, const Value& right, const RunContext& context);

} // namespace qscope::engine::nn
