// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/kernels/instruction_set.h"
#include "engine/nn/kernels/scratch.h"

#include <cstdint>
#include <span>

namespace qscope::engine::kernels {

/// A row-major matrix, or one per item of a batch. All strides are in elements.
template<class T>
struct MatrixOperand {
    std::span<const T> values;
    std::int64_t stride = 0;      ///< between the rows as they lie in memory
    bool transposed = false;      ///< the product takes the transposed of what lies in memory
    std::int64_t batchStride = 0; ///< 0: the same matrix for the whole batch
};

/// result[b] = scale * left[b] * right[b] + bias (+ result[b]) with left [rows, inner] and right [inner, columns] after
/// transposition. Any size may be 0; an empty sum is 0. Nothing is skipped: NaN and infinity spread as in the
/// definition. The result overlaps no operand.
template<class T>
struct MatrixProduct {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    std::int64_t inner = 0;
    std::int64_t batch = 1;
    MatrixOperand<T> left;
    MatrixOperand<T> right;
    std::span<T> result;
    std::int64_t resultStride = 0;
    std::int64_t resultBatchStride = 0;
    T scale = 1;
    bool accumulate = false;   ///< add to what the result holds
    std::span<const T> bias{}; ///< `columns` values added to every row, or empty
    InstructionSet instructions = bestInstructionSet();
};

/// On all cores. Sums run in the type's precision, each in an order that depends on the sizes alone: results are equal
/// for any number of threads. The error of one element is at most (inner + 4) * epsilon * sum |left| |right| * |scale|
/// and the rounding of the two additions. Returns Cancelled; the result is then in part written.
[[nodiscard]] Result<void> multiply(const MatrixProduct<float>& product, const RunContext& context);
[[nodiscard]] Result<void> multiply(const MatrixProduct<double>& product, const RunContext& context);

/// The same on the calling thread alone, for small products within chunks of other work.
void multiplyHere(const MatrixProduct<float>& product, Scratch<float>& scratch);
void multiplyHere(const MatrixProduct<double>& product, Scratch<double>& scratch);

} // namespace qscope::engine::kernels
