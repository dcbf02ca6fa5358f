// SPDX-License-Identifier: GPL-3.0-or-later
// See row_kernels.h; included once per instruction set by for_each_isa.inl.
#include "engine/nn/kernels/lanes_math.inl"

namespace QSCOPE_ISA_NAMESPACE {

constexpr int kWide = Lanes<double>::kCount; // values per step

typedef float HalfFloats __attribute__((vector_size(QSCOPE_UNIT_BYTES / 2)));

QSCOPE_INLINE Doubles widen(const float* x) {
    HalfFloats values;
    __builtin_memcpy(&values, x, sizeof values);
    return __builtin_convertvector(values, Doubles);
}
QSCOPE_INLINE Doubles widen(const double* x) { return load(x); }

QSCOPE_INLINE void narrow(Doubles values, float* y) {
    const HalfFloats rounded = __builtin_convertvector(values, HalfFloats);
    __builtin_memcpy(y, &rounded, sizeof rounded);
}
QSCOPE_INLINE void narrow(Doubles values, double* y) { store(y, values); }

template<class T>
QSCOPE_ISA double rowSum(const T* x, std::int64_t count) {
    Doubles first{}, second{};
    std::int64_t i = 0;
    for (; i + 2 * kWide <= count; i += 2 * kWide) {
        first += widen(x + i);
        second += widen(x + i + kWide);
    }
    double sum = sumOf<double>(first + second);
    for (; i < count; ++i) sum += static_cast<double>(x[i]);
    return sum;
}

template<class T>
QSCOPE_ISA double rowSquares(const T* x, std::int64_t count, double shift) {
    Doubles first{}, second{};
    std::int64_t i = 0;
    for (; i + 2 * kWide <= count; i += 2 * kWide) {
        const Doubles a = widen(x + i) - shift, b = widen(x + i + kWide) - shift;
        first = multiplyAdd(a, a, first);
        second = multiplyAdd(b, b, second);
    }
    double sum = sumOf<double>(first + second);
    for (; i < count; ++i) {
        const double difference = static_cast<double>(x[i]) - shift;
        sum += difference * difference;
    }
    return sum;
}

template<class T>
QSCOPE_ISA T rowLargest(const T* x, std::int64_t count) {
    using Vector = typename Lanes<T>::Vector;
    constexpr int kLanes = Lanes<T>::kCount;
    constexpr T kLeast = -std::numeric_limits<T>::infinity();
    Vector best = spread(kLeast);
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        const Vector next = load(x + i);
        const auto greater = next > best;
        best = (Vector)((greater & (decltype(greater))next) | (~greater & (decltype(greater))best));
    }
    T lanes[kLanes];
    store(lanes, best);
    T largest = kLeast;
    for (const T lane : lanes) largest = lane > largest ? lane : largest;
    for (; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

QSCOPE_ISA inline double rowExponentials(const float* x, std::int64_t count, float shift, float* y) {
    constexpr int kLanes = Lanes<float>::kCount;
    Doubles first{}, second{};
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        store(y + i, exponential(load(x + i) - shift));
        first += widen(y + i);
        second += widen(y + i + kWide);
    }
    double sum = sumOf<double>(first + second);
    if (i < count) storeFirst(y + i, exponential(loadFirst(x + i, count - i) - shift), count - i);
    for (; i < count; ++i) sum += static_cast<double>(y[i]);
    return sum;
}
QSCOPE_ISA inline double rowExponentials(const double* x, std::int64_t count, double shift, double* y) {
    double sum = 0;
    for (std::int64_t i = 0; i < count; ++i) sum += y[i] = std::exp(x[i] - shift);
    return sum;
}

template<class T>
QSCOPE_ISA void rowAffine(const T* x, std::int64_t count, double shift, double scale, const T* weight, const T* bias,
                          std::int64_t step, T* y) {
    std::int64_t i = 0;
    for (; i + kWide <= count; i += kWide) {
        Doubles value = (widen(x + i) - shift) * scale;
        if (weight) value *= step ? widen(weight + i) : spread(static_cast<double>(*weight));
        if (bias) value += step ? widen(bias + i) : spread(static_cast<double>(*bias));
        narrow(value, y + i);
    }
    for (; i < count; ++i) {
        double value = (static_cast<double>(x[i]) - shift) * scale;
        if (weight) value *= static_cast<double>(weight[i * step]);
        if (bias) value += static_cast<double>(bias[i * step]);
        y[i] = static_cast<T>(value);
    }
}

template<class T>
QSCOPE_ISA void rowAddScaled(const T* x, std::int64_t count, T factor, T* y) {
    constexpr int kLanes = Lanes<T>::kCount;
    std::int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) store(y + i, multiplyAdd(load(x + i), spread(factor), load(y + i)));
    if (const std::int64_t rest = count - i; rest > 0)
        storeFirst(y + i, multiplyAdd(loadFirst(x + i, rest), spread(factor), loadFirst(y + i, rest)), rest);
}

template<class T>
const RowKernels<T>& rowKernels() {
    static constexpr RowKernels<T> kernels{rowSum<T>,       rowSquares<T>, rowLargest<T>,
                                           rowExponentials, rowAffine<T>,  rowAddScaled<T>};
    return kernels;
}

} // namespace QSCOPE_ISA_NAMESPACE
