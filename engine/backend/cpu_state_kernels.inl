// SPDX-License-Identifier: GPL-3.0-or-later
// Included once per instruction set by `per_isa.inl`. Vector types are the compiler's own, so the same text serves them all.

namespace QSCOPE_ISA_NAMESPACE {

#define QSCOPE_INLINE QSCOPE_ISA __attribute__((always_inline)) inline

template<class Real>
struct Unit {
    typedef Real Vector __attribute__((vector_size(QSCOPE_UNIT_BYTES)));
    static constexpr int kReals = QSCOPE_UNIT_BYTES / static_cast<int>(sizeof(Real));
};

/// Units to fetch ahead: several streams within one page escape the hardware's prefetcher (measured: up to three times as fast).
constexpr std::uint64_t kAhead = 2048 / QSCOPE_UNIT_BYTES;

/// Which reals make up a permuted unit.
template<class Real>
struct Permutation {
    using Index = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;
    typedef Index Vector __attribute__((vector_size(QSCOPE_UNIT_BYTES)));
};

template<class Real>
QSCOPE_INLINE void permute(const typename Unit<Real>::Vector& x, const typename Permutation<Real>::Vector& from,
                           typename Unit<Real>::Vector& y) {
#if defined(__clang__)
    for (int i = 0; i < Unit<Real>::kReals; ++i) y[i] = x[from[i]];
#else
    y = __builtin_shuffle(x, from);
#endif
}

template<class Real>
QSCOPE_INLINE void swapParts(const typename Unit<Real>::Vector& x, typename Unit<Real>::Vector& y) {
    if constexpr (Unit<Real>::kReals == 2) y = __builtin_shufflevector(x, x, 1, 0);
    else if constexpr (Unit<Real>::kReals == 4) y = __builtin_shufflevector(x, x, 1, 0, 3, 2);
    else if constexpr (Unit<Real>::kReals == 8) y = __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
    else y = __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
}

/// All lanes alike: y[h] = sum over v of re x[v] + im i x[v].
template<class Real, int High>
QSCOPE_ISA void denseUniform(Real* units, const DenseTask<Real>& task, std::uint64_t begin, std::uint64_t end) {
    using Vector = typename Unit<Real>::Vector;
    constexpr int kCount = 1 << High;
    Vector sign{};
    for (int i = 0; i < Unit<Real>::kReals; ++i) sign[i] = i % 2 == 0 ? Real(-1) : Real(1);
    std::uint64_t offsets[kCount];
    for (int v = 0; v < kCount; ++v) offsets[v] = task.offsets[static_cast<std::size_t>(v)];
    std::uint64_t unit = task.groups.unit(begin);
    for (; begin < end; ++begin, unit = task.groups.next(unit)) {
        Vector* at = reinterpret_cast<Vector*>(units) + padded(unit, task.padding);
        const Vector* next = reinterpret_cast<Vector*>(units) + begin * kCount + task.span + 4 * kAhead;
        Vector x[kCount];
        Vector ix[kCount];
        for (int v = 0; v < kCount; ++v) {
            x[v] = at[offsets[v]];
            if (task.span > 0) __builtin_prefetch(next + v, 0, 2); // into the second cache: the first may not hold it so long
            else __builtin_prefetch(at + offsets[v] + kAhead);
            swapParts<Real>(x[v], ix[v]);
            ix[v] *= sign;
        }
        const Real* c = task.coefficients;
        for (int h = 0; h < kCount; ++h) {
            Vector re = c[0] * x[0];
            Vector im = c[1] * ix[0];
            c += 2;
            for (int v = 1; v < kCount; ++v, c += 2) {
                re += c[0] * x[v];
                im += c[1] * ix[v];
            }
            at[offsets[h]] = re + im;
        }
    }
}

/// Some targets or controls select lanes: every lane has its own coefficients, inputs come from 2^Low permuted lanes.
template<class Real, int High, int Low>
QSCOPE_ISA void denseLanes(Real* units, const DenseTask<Real>& task, std::uint64_t begin, std::uint64_t end) {
    using Vector = typename Unit<Real>::Vector;
    constexpr int kCount = 1 << High;
    constexpr int kPatterns = 1 << Low;
    std::uint64_t offsets[kCount];
    for (int v = 0; v < kCount; ++v) offsets[v] = task.offsets[static_cast<std::size_t>(v)];
    typename Permutation<Real>::Vector from[kPatterns] = {};
    for (int m = 0; m < kPatterns; ++m)
        for (int i = 0; i < Unit<Real>::kReals; ++i) from[m][i] = i ^ 2 * task.patterns[static_cast<std::size_t>(m)];
    std::uint64_t unit = task.groups.unit(begin);
    for (; begin < end; ++begin, unit = task.groups.next(unit)) {
        Vector* at = reinterpret_cast<Vector*>(units) + padded(unit, task.padding);
        const Vector* next = reinterpret_cast<Vector*>(units) + begin * kCount + task.span + 4 * kAhead;
        Vector x[kCount * kPatterns];
        Vector ix[kCount * kPatterns];
        for (int v = 0; v < kCount; ++v) {
            const Vector input = at[offsets[v]];
            if (task.span > 0) __builtin_prefetch(next + v, 0, 2); // into the second cache: the first may not hold it so long
            else __builtin_prefetch(at + offsets[v] + kAhead);
            x[v * kPatterns] = input; // the first pattern moves nothing
            swapParts<Real>(input, ix[v * kPatterns]);
            for (int m = 1; m < kPatterns; ++m) {
                permute<Real>(input, from[m], x[v * kPatterns + m]);
                swapParts<Real>(x[v * kPatterns + m], ix[v * kPatterns + m]);
            }
        }
        const Vector* c = reinterpret_cast<const Vector*>(task.coefficients);
        for (int h = 0; h < kCount; ++h) {
            Vector re = c[0] * x[0];
            Vector im = c[1] * ix[0];
            c += 2;
            for (int i = 1; i < kCount * kPatterns; ++i, c += 2) {
                re += c[0] * x[i];
                im += c[1] * ix[i];
            }
            at[offsets[h]] = re + im;
        }
    }
}

template<class Real, int Low>
QSCOPE_ISA void denseLanesOf(Real* units, const DenseTask<Real>& task, std::uint64_t begin, std::uint64_t end) {
    switch (task.high) {
    case 0: return denseLanes<Real, 0, Low>(units, task, begin, end);
    case 1: return denseLanes<Real, 1, Low>(units, task, begin, end);
    case 2: return denseLanes<Real, 2, Low>(units, task, begin, end);
    case 3: if constexpr (Low <= 2) return denseLanes<Real, 3, Low>(units, task, begin, end); break;
    case 4: if constexpr (Low <= 1) return denseLanes<Real, 4, Low>(units, task, begin, end); break;
    default: if constexpr (Low == 0) return denseLanes<Real, 5, Low>(units, task, begin, end); break;
    }
}

template<class Real>
QSCOPE_ISA void dense(Real* units, const DenseTask<Real>& task, std::uint64_t begin, std::uint64_t end) {
    constexpr int kLaneReals = Unit<Real>::kReals;
    if (task.perLane) {
        switch (task.patterns.size()) {
        case 1: return denseLanesOf<Real, 0>(units, task, begin, end);
        case 2: if constexpr (kLaneReals >= 4) return denseLanesOf<Real, 1>(units, task, begin, end); break;
        case 4: if constexpr (kLaneReals >= 8) return denseLanesOf<Real, 2>(units, task, begin, end); break;
        default: if constexpr (kLaneReals >= 16) return denseLanesOf<Real, 3>(units, task, begin, end); break;
        }
        return;
    }
    switch (task.high) {
    case 0: return denseUniform<Real, 0>(units, task, begin, end);
    case 1: return denseUniform<Real, 1>(units, task, begin, end);
    case 2: return denseUniform<Real, 2>(units, task, begin, end);
    case 3: return denseUniform<Real, 3>(units, task, begin, end);
    case 4: return denseUniform<Real, 4>(units, task, begin, end);
    default: return denseUniform<Real, 5>(units, task, begin, end);
    }
}

template<class Real>
QSCOPE_ISA void diagonal(Real* units, const DiagonalTask<Real>& task, std::uint64_t begin, std::uint64_t end) {
    using Vector = typename Unit<Real>::Vector;
    const Vector* factors = reinterpret_cast<const Vector*>(task.factors);
    std::uint64_t unit = task.groups.unit(begin);
    std::uint64_t upperPart = UINT64_MAX; // of the unit index, above its lowest byte
    std::size_t upperRow = 0;
    for (; begin < end; ++begin, unit = task.groups.next(unit)) {
        if (unit >> 8 != upperPart) {
            upperPart = unit >> 8;
            upperRow = 0;
            for (std::size_t byte = 1; byte < task.rows.size(); ++byte) upperRow |= task.rows[byte][unit >> 8 * byte & 255];
        }
        const std::size_t row = upperRow | task.rows[0][unit & 255];
        if (task.trivial[row]) continue;
        Vector& at = reinterpret_cast<Vector*>(units)[padded(unit, task.padding)];
        Vector swapped;
        swapParts<Real>(at, swapped);
        at = factors[2 * row] * at + factors[2 * row + 1] * swapped;
    }
}

#include "engine/backend/cpu_state_tile.inl"

template<class Real>
constexpr Kernels<Real> kKernels = {
    QSCOPE_UNIT_BYTES / (2 * sizeof(Real)) == 8   ? 3
    : QSCOPE_UNIT_BYTES / (2 * sizeof(Real)) == 4 ? 2
    : QSCOPE_UNIT_BYTES / (2 * sizeof(Real)) == 2 ? 1
                                                  : 0,
    kTileBits, dense<Real>, diagonal<Real>, tiles<Real, false>, tiles<Real, sizeof(Real) == 8>};

#undef QSCOPE_INLINE

} // namespace QSCOPE_ISA_NAMESPACE
