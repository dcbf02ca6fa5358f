// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/kernels/instruction_set.h"

#include <cstdint>

namespace qscope::engine::kernels {

/// What normalisations, softmax and reductions do to one row of values that follow one another. Sums are in double, in
/// an order that depends on the length alone.
template<class T>
struct RowKernels {
    double (*sum)(const T* x, std::int64_t count) = nullptr;
    /// sum of (x - shift)^2
    double (*squares)(const T* x, std::int64_t count, double shift) = nullptr;
    /// The largest value; NaN is passed over, -inf when there is nothing else.
    T (*largest)(const T* x, std::int64_t count) = nullptr;
    /// y = e^(x - shift); returns the sum of y.
    double (*exponentials)(const T* x, std::int64_t count, T shift, T* y) = nullptr;
    /// y = (x - shift) * scale * weight + bias in double, rounded once; `weight` and `bias` may be null. A step of 0
    /// takes the first weight and bias for all.
    void (*affine)(const T* x, std::int64_t count, double shift, double scale, const T* weight, const T* bias,
                   std::int64_t step, T* y) = nullptr;
    /// y += x * factor
    void (*addScaled)(const T* x, std::int64_t count, T factor, T* y) = nullptr;
};

template<class T>
[[nodiscard]] const RowKernels<T>& rowKernels(InstructionSet instructions);

} // namespace qscope::engine::kernels
