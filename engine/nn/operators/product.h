// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/arguments.h"

namespace qscope::engine::nn {

/// Elements of a matrix, with the distance between rows and between columns.
template<class T>
struct MatrixView {
    const T* data = nullptr;
    std::int64_t rowStride = 0;
    std::int64_t columnStride = 0;

    [[nodiscard]] T at(std::int64_t row, std::int64_t column) const {
        return data[row * rowStride + column * columnStride];
    }
};

/// out [rows, columns] = left [rows, depth] right [depth, columns]; integers wrap around.
template<class T>
Result<void> multiply(MatrixView<T> left, MatrixView<T> right, T* out, std::int64_t rows, std::int64_t columns,
                      std::int64_t depth, const RunContext& context) {
    return inParallel(rows * columns, depth, context, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            if constexpr (std::is_integral_v<T>) {
                std::uint64_t sum = 0;
                for (std::int64_t k = 0; k < depth; ++k)
                    sum += static_cast<std::uint64_t>(left.at(i / columns, k)) *
                           static_cast<std::uint64_t>(right.at(k, i % columns));
                out[i] = static_cast<T>(sum);
            } else {
                double sum = 0;
                for (std::int64_t k = 0; k < depth; ++k)
                    sum += static_cast<double>(left.at(i / columns, k)) * static_cast<double>(right.at(k, i % columns));
                out[i] = static_cast<T>(sum);
            }
        }
    });
}

/// As numpy.matmul, in the type of both.
[[nodiscard]] Result<Value> multiplied(const Value& left, const Value& right, const RunContext& context);

} // namespace qscope::engine::nn
