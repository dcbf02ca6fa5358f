// SPDX-License-Identifier: GPL-3.0-or-later
// Functions of vectors of floats, for sources included by for_each_isa.inl. Polynomials are our own weighted minimax
// fits (Lawson's iteration on Chebyshev nodes) with relative errors below 5e-9. NaN gives NaN everywhere.

namespace QSCOPE_ISA_NAMESPACE {

typedef std::int32_t Ints __attribute__((vector_size(QSCOPE_UNIT_BYTES)));

/// where ? yes : no, lane by lane; `where` is the result of a comparison.
QSCOPE_INLINE Floats choose(Ints where, Floats yes, Floats no) {
    return (Floats)((where & (Ints)yes) | (~where & (Ints)no));
}

QSCOPE_INLINE Floats magnitude(Floats x) { return (Floats)((Ints)x & 0x7fffffff); }

/// The first argument's magnitude with the second's sign.
QSCOPE_INLINE Floats withSign(Floats x, Floats sign) {
    constexpr std::int32_t kSign = std::int32_t(-0x7fffffff - 1);
    return (Floats)(((Ints)x & 0x7fffffff) | ((Ints)sign & kSign));
}

/// e^x = 2^n e^r, |r| <= ln(2) / 2. The power is applied in two steps, so that results below the normal range are
/// rounded once, at the end.
QSCOPE_INLINE Floats exponential(Floats x) {
    x = choose(x > 89.0f, spread(89.0f), x);     // infinite from 88.73
    x = choose(x < -104.0f, spread(-104.0f), x); // 0 from -103.98
    constexpr float kShift = 12582912.0f;        // 1.5 * 2^23: adding it rounds to whole numbers, found in the low bits
    const Floats shifted = multiplyAdd(x, spread(1.44269504f), spread(kShift));
    const Floats n = shifted - kShift;
    // ln 2 in two parts; n times the first, of 9 bits, is exact.
    Floats r = multiplyAdd(n, spread(-0.693359375f), x);
    r = multiplyAdd(n, spread(2.12194440e-4f), r);
    Floats p = multiplyAdd(spread(0.00139505218f), r, spread(0.00836890843f));
    p = multiplyAdd(p, r, spread(0.041666206f));
    p = multiplyAdd(p, r, spread(0.166665182f));
    p = multiplyAdd(p, r, spread(0.5f));
    p = multiplyAdd(r * r, p, r) + 1.0f;
    const Ints power = (Ints)shifted - (Ints)spread(kShift);
    const Ints half = power >> 1;
    return p * (Floats)((half + 127) << 23) * (Floats)((power - half + 127) << 23);
}

QSCOPE_INLINE Floats hyperbolicTangent(Floats x) {
    const Floats z = x * x;
    Floats p = multiplyAdd(spread(-0.00569738774f), z, spread(0.0206325501f));
    p = multiplyAdd(p, z, spread(-0.0537378006f));
    p = multiplyAdd(p, z, spread(0.133314207f));
    p = multiplyAdd(p, z, spread(-0.333332807f));
    const Floats small = multiplyAdd(x * z, p, x);
    const Floats a = magnitude(x);
    const Floats large = 1.0f - 2.0f / (exponential(a + a) + 1.0f);
    return choose(a < 0.625f, small, withSign(large, x));
}

/// Up to 1 a polynomial; above, 1 - e^-q with q a polynomial for -log(erfc).
QSCOPE_INLINE Floats errorFunction(Floats x) {
    const Floats z = x * x;
    Floats p = multiplyAdd(spread(7.85400844e-05f), z, spread(-0.000801024202f));
    p = multiplyAdd(p, z, spread(0.0051883338f));
    p = multiplyAdd(p, z, spread(-0.0268538147f));
    p = multiplyAdd(p, z, spread(0.112835854f));
    p = multiplyAdd(p, z, spread(-0.37612626f));
    p = multiplyAdd(p, z, spread(0.128379167f));
    const Floats small = multiplyAdd(x, p, x);
    const Floats whole = magnitude(x);
    const Floats a = choose(whole > 4.0f, spread(4.0f), whole); // 1 in single precision from 3.92
    Floats q = multiplyAdd(spread(-0.000186379228f), a, spread(0.00294765877f));
    q = multiplyAdd(q, a, spread(-0.0218380671f));
    q = multiplyAdd(q, a, spread(0.103106759f));
    q = multiplyAdd(q, a, spread(0.638144851f));
    q = multiplyAdd(q, a, spread(1.12708914f));
    q = multiplyAdd(q, a, spread(0.000341521576f));
    const Floats large = 1.0f - exponential(-q);
    return choose(whole < 1.0f, small, withSign(large, x));
}

/// 1 / (1 + e^-x), for x < 0 as e^x / (1 + e^x), which keeps its digits down to the smallest numbers.
QSCOPE_INLINE Floats logistic(Floats x) {
    const Floats e = exponential(-magnitude(x));
    return choose(x < 0.0f, e, spread(1.0f)) / (1.0f + e);
}

QSCOPE_INLINE Floats timesLogistic(Floats x, Floats of) {
    const Floats e = exponential(-magnitude(of));
    return x * choose(of < 0.0f, e, spread(1.0f)) / (1.0f + e);
}

} // namespace QSCOPE_ISA_NAMESPACE
