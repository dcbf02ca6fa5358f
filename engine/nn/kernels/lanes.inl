// SPDX-License-Identifier: GPL-3.0-or-later
// The compiler's own vectors of one instruction set, and the few operations that its operators do not have.

namespace QSCOPE_ISA_NAMESPACE {

template<class T>
struct Lanes {
    typedef T Vector __attribute__((vector_size(QSCOPE_UNIT_BYTES)));
    static constexpr int kCount = QSCOPE_UNIT_BYTES / static_cast<int>(sizeof(T));
};
using Floats = Lanes<float>::Vector;
using Doubles = Lanes<double>::Vector;

template<class T>
QSCOPE_INLINE typename Lanes<T>::Vector load(const T* values) {
    typename Lanes<T>::Vector vector;
    __builtin_memcpy(&vector, values, sizeof vector);
    return vector;
}

/// The first `count` lanes from memory, zeros above.
template<class T>
QSCOPE_INLINE typename Lanes<T>::Vector loadFirst(const T* values, std::int64_t count) {
    typename Lanes<T>::Vector vector{};
    __builtin_memcpy(&vector, values, static_cast<std::size_t>(count) * sizeof(T));
    return vector;
}

template<class T>
QSCOPE_INLINE void store(T* values, typename Lanes<T>::Vector vector) {
    __builtin_memcpy(values, &vector, sizeof vector);
}

template<class T>
QSCOPE_INLINE void storeFirst(T* values, typename Lanes<T>::Vector vector, std::int64_t count) {
    __builtin_memcpy(values, &vector, static_cast<std::size_t>(count) * sizeof(T));
}

/// All lanes alike. Subtracting zero keeps the sign of a zero; the compiler drops it.
template<class T>
QSCOPE_INLINE typename Lanes<T>::Vector spread(T value) {
    return value - typename Lanes<T>::Vector{};
}

/// a * b + c, rounded once where the instruction set can.
QSCOPE_INLINE Floats multiplyAdd(Floats a, Floats b, Floats c) {
#if QSCOPE_UNIT_BYTES == 64
    return _mm512_fmadd_ps(a, b, c);
#elif QSCOPE_UNIT_BYTES == 32
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}
QSCOPE_INLINE Doubles multiplyAdd(Doubles a, Doubles b, Doubles c) {
#if QSCOPE_UNIT_BYTES == 64
    return _mm512_fmadd_pd(a, b, c);
#elif QSCOPE_UNIT_BYTES == 32
    return _mm256_fmadd_pd(a, b, c);
#else
    return a * b + c;
#endif
}

/// The sum of all lanes, neighbours first.
template<class T>
QSCOPE_INLINE T sumOf(typename Lanes<T>::Vector vector) {
    T lanes[Lanes<T>::kCount];
    store<T>(lanes, vector);
    for (int width = Lanes<T>::kCount; width > 1; width /= 2)
        for (int i = 0; i < width / 2; ++i) lanes[i] = lanes[2 * i] + lanes[2 * i + 1];
    return lanes[0];
}

} // namespace QSCOPE_ISA_NAMESPACE
