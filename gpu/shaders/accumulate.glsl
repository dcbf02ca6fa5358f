// SPDX-License-Identifier: GPL-3.0-or-later
// Sums with the error of double precision. With FLOAT64 in that type; without it as the unevaluated sum of two singles
// (value, rest), relative error about 2^-46 per operation. `precise` keeps the compiler from simplifying the error
// terms away. Source: Dekker, "A floating-point technique for extending the available precision", 1971.
#ifdef FLOAT64
#define SUM double
SUM sumOf(float x) { return double(x); }
SUM plus(SUM a, SUM b) { return a + b; }
SUM product(float a, float b) { return double(a) * double(b); }
SUM minus(SUM a) { return -a; }
#ifdef DOUBLE
SUM product(double a, double b) { return a * b; }
#endif
#else
#define SUM vec2
SUM sumOf(float x) { return vec2(x, 0); }
SUM plus(SUM a, SUM b)
{
    precise float s = a.x + b.x;
    precise float t = s - a.x;
    precise float lost = (a.x - (s - t)) + (b.x - t);
    precise float rest = lost + (a.y + b.y);
    precise float value = s + rest;
    precise float low = rest - (value - s);
    return vec2(value, low);
}
SUM product(float a, float b)
{
    const float kSplit = 4097;
    precise float p = a * b;
    precise float ca = kSplit * a;
    precise float ah = ca - (ca - a);
    precise float al = a - ah;
    precise float cb = kSplit * b;
    precise float bh = cb - (cb - b);
    precise float bl = b - bh;
    precise float low = al * bl - (((p - ah * bh) - al * bh) - ah * bl);
    return vec2(p, low);
}
SUM minus(SUM a) { return -a; }
#endif
