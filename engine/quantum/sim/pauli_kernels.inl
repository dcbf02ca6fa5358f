// SPDX-License-Identifier: GPL-3.0-or-later
// Included once per instruction set by `per_isa.inl`. Vector types are the compiler's own, so the same text serves them all.

namespace QSCOPE_ISA_NAMESPACE {

template<class Real>
struct Unit {
    typedef Real Vector __attribute__((vector_size(QSCOPE_UNIT_BYTES)));
    using Index = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;
    typedef Index Lanes __attribute__((vector_size(QSCOPE_UNIT_BYTES)));
    static constexpr int kReals = QSCOPE_UNIT_BYTES / static_cast<int>(sizeof(Real));
};

template<class Real>
QSCOPE_ISA __attribute__((always_inline)) inline void exchange(const typename Unit<Real>::Vector& x,
                                                               const typename Unit<Real>::Lanes& from,
                                                               typename Unit<Real>::Vector& y) {
#if defined(__clang__)
    for (int i = 0; i < Unit<Real>::kReals; ++i) y[i] = x[from[i]];
#else
    y = __builtin_shuffle(x, from);
#endif
}

template<class Real, bool PerLane, int Batch>
QSCOPE_ISA void passOf(Real* units, const PassTask<Real>& task, std::uint64_t begin, std::uint64_t end) {
    using Vector = typename Unit<Real>::Vector;
    using Lanes = typename Unit<Real>::Lanes;
    const std::size_t outputs = task.offsets.size();
    const std::size_t patterns = task.patterns.size();
    Lanes from[16] = {};
    for (std::size_t m = 0; m < patterns; ++m)
        for (int lane = 0; lane < Unit<Real>::kReals; ++lane) from[m][lane] = lane ^ task.patterns[m];
    const std::uint64_t* offsets = task.offsets.data();
    const std::uint32_t* firstTerm = task.firstTerm.data();
    const std::uint32_t* inputs = task.inputs.data();
    Vector x[kMostInputs]; // every entry that is read is written first
    std::uint64_t unit = task.groups.unit(begin);
    for (; begin < end; ++begin, unit = task.groups.next(unit)) {
        Vector* at = reinterpret_cast<Vector*>(units) + unit;
        Vector* next = x;
        for (std::size_t v = 0; v < outputs; ++v) {
            const Vector* source = at + offsets[v];
            for (int b = 0; b < Batch; ++b) next[b] = source[b];
            next += Batch;
            for (std::size_t m = 1; m < patterns; ++m)
                for (int b = 0; b < Batch; ++b) exchange<Real>(source[b], from[m], *next++);
        }
        const Real* c = task.coefficients;
        for (std::size_t h = 0; h < outputs; ++h) {
            Vector sum[Batch] = {};
            for (std::uint32_t t = firstTerm[h]; t < firstTerm[h + 1]; ++t) {
                const Vector* input = x + static_cast<std::size_t>(inputs[t]) * Batch;
                if constexpr (PerLane) {
                    const Vector& factor = *reinterpret_cast<const Vector*>(c);
                    for (int b = 0; b < Batch; ++b) sum[b] += factor * input[b];
                    c += Unit<Real>::kReals;
                } else {
                    const Real factor = *c++;
                    for (int b = 0; b < Batch; ++b) sum[b] += factor * input[b];
                }
            }
            for (int b = 0; b < Batch; ++b) at[offsets[h] + static_cast<std::uint64_t>(b)] = sum[b];
        }
    }
}

template<class Real>
QSCOPE_ISA void pass(Real* units, const PassTask<Real>& task, std::uint64_t begin, std::uint64_t end) {
    if (task.perLane) {
        if (task.batched) return passOf<Real, true, 4>(units, task, begin, end);
        return passOf<Real, true, 1>(units, task, begin, end);
    }
    if (task.batched) return passOf<Real, false, 4>(units, task, begin, end);
    return passOf<Real, false, 1>(units, task, begin, end);
}

template<class Real>
constexpr Kernels<Real> kKernels = {QSCOPE_UNIT_BYTES / sizeof(Real) == 16  ? 4
                                    : QSCOPE_UNIT_BYTES / sizeof(Real) == 8 ? 3
                                    : QSCOPE_UNIT_BYTES / sizeof(Real) == 4 ? 2
                                                                            : 1,
                                    pass<Real>};

} // namespace QSCOPE_ISA_NAMESPACE
