// SPDX-License-Identifier: GPL-3.0-or-later
// Included once per instruction set by for_each_isa.inl.
#include "engine/nn/kernels/lanes_math.inl"

namespace QSCOPE_ISA_NAMESPACE {

template<Function Which>
QSCOPE_INLINE Floats valueOf(Floats x) {
    if constexpr (Which == Function::Exp)
        return exponential(x);
    else if constexpr (Which == Function::Tanh)
        return hyperbolicTangent(x);
    else if constexpr (Which == Function::Erf)
        return errorFunction(x);
    else if constexpr (Which == Function::Sigmoid)
        return logistic(x);
    else if constexpr (Which == Function::Silu)
        return timesLogistic(x, x);
    else if constexpr (Which == Function::Gelu)
        return 0.5f * x * (1.0f + errorFunction(x * 0.707106781f));
    else
        return timesLogistic(
            x, x * multiplyAdd(x * x, spread(0.0713548163f), spread(1.59576912f))); // 1 + tanh(u) = 2 sigmoid(2u)
}

template<Function Which>
QSCOPE_ISA void evaluateAll(const float* x, float* y, std::int64_t count) {
    constexpr int kLanes = Lanes<float>::kCount;
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) store(y + i, valueOf<Which>(load(x + i)));
    if (i < count) storeFirst(y + i, valueOf<Which>(loadFirst(x + i, count - i)), count - i);
}

inline auto evaluator(Function function) {
    switch (function) {
    case Function::Exp: return evaluateAll<Function::Exp>;
    case Function::Tanh: return evaluateAll<Function::Tanh>;
    case Function::Erf: return evaluateAll<Function::Erf>;
    case Function::Sigmoid: return evaluateAll<Function::Sigmoid>;
    case Function::Silu: return evaluateAll<Function::Silu>;
    case Function::Gelu: return evaluateAll<Function::Gelu>;
    case Function::GeluTanh: break;
    }
    return evaluateAll<Function::GeluTanh>;
}

} // namespace QSCOPE_ISA_NAMESPACE
