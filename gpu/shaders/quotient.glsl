// SPDX-License-Identifier: GPL-3.0-or-later
// rint(a / s) where the quotient is first rounded to single precision, exactly as IEEE arithmetic does both steps.

// 2^64 times a positive number given by its bits, without an operation on a denormal number.
float lifted(uint bits)
{
    if (bits < 0x00800000u) return float(bits) * uintBitsToFloat((127u - 85u) << 23); // bits * 2^-149 * 2^64
    return uintBitsToFloat(bits) * uintBitsToFloat((127u + 64u) << 23);
}

// bits = mantissa * 2^(exponent - 150)
void parts(uint bits, out uint mantissa, out int exponent)
{
    exponent = int(bits >> 23);
    mantissa = bits & 0x007FFFFFu;
    if (exponent == 0) exponent = 1;
    else mantissa |= 0x00800000u;
}

bool isLess(uvec2 a, uvec2 b) // (low, high)
{
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

uvec2 wideProduct(uint a, uint b)
{
    uint high, low;
    umulExtended(a, b, high, low);
    return uvec2(low, high);
}

// The quotient lies within a few ulp of h = k + 1/2. It rounds to single precision below h, to h, or above h: the
// borders are the midpoints between h and its neighbours, which no quotient of two singles meets. In units of a quarter
// of an ulp of h, compare a with border * s in whole numbers of 64 bits.
uint nearHalf(uint a, uint s, uint k)
{
    const uint odd = 2 * k + 1;
    const int top = findMSB(odd);
    const uint h = odd << (25 - top);
    uint mantissaA, mantissaS;
    int exponentA, exponentS;
    parts(a, mantissaA, exponentA);
    parts(s, mantissaS, exponentS);
    const int shift = exponentA - exponentS + 26 - top; // the unit is 2^(top - 26)
    const uvec2 left = shift >= 32 ? uvec2(0, mantissaA << (shift - 32))
                                   : uvec2(mantissaA << shift, shift == 0 ? 0 : mantissaA >> (32 - shift));
    if (isLess(left, wideProduct(h - (k == 0 ? 1 : 2), mantissaS))) return k;
    if (isLess(wideProduct(h + 2, mantissaS), left)) return k + 1;
    return k + (k & 1u); // the tie goes to the even neighbour
}

// For bits of finite a >= 0, s > 0; 1024 and more comes back as 1024.
uint roundedQuotient(uint a, uint s)
{
    float x = uintBitsToFloat(a);
    float y = uintBitsToFloat(s);
    if (s < 0x1F800000u) { // below 2^-64: division is exact enough only for divisors in [2^-126, 2^126]
        x = lifted(a);
        y = lifted(s);
    } else if (s >= 0x5F800000u) { // from 2^64
        x *= uintBitsToFloat((127u - 64u) << 23);
        y *= uintBitsToFloat((127u - 64u) << 23);
    }
    const float q = x / y;
    if (!(q < 1000.0)) return 1024u;
    const float k = floor(q);
    // The error of the division is below q * 2^-21.
    if (abs((q - k) - 0.5) <= q * uintBitsToFloat((127u - 20u) << 23)) return nearHalf(a, s, uint(k));
    return uint(roundEven(q));
}
