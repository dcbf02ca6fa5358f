// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Sums of sign(x) conj(b[x ^ flipMask]) a[x] over the bits of `loopMask`, real or imaginary part, one sum for each
// setting of the other bits. sign(x) is -1 where an odd number of the bits of `signMask` are set in x.
#include "index.glsl"
#include "complex.glsl"
#include "accumulate.glsl"

layout(std430, binding = 0) readonly buffer A { COMPLEX a[]; };
layout(std430, binding = 1) readonly buffer B { COMPLEX b[]; };
layout(std430, binding = 2) writeonly buffer Sums { SUM sums[]; };
layout(push_constant) uniform Push {
    uint first;
    uint count;
    uint loopMask;
    uint flipMask;
    uint signMask;
    uint imaginary;
} push;

void main()
{
    const uint i = invocation();
    if (i >= push.count) return;
    const uint base = spreadAround(push.first + i, push.loopMask);
    SUM sum = sumOf(0);
    uint loop = 0;
    do {
        const uint x = base | loop;
        const COMPLEX p = a[x];
        const COMPLEX q = b[x ^ push.flipMask];
        const SUM term = push.imaginary != 0 ? plus(product(q.x, p.y), minus(product(q.y, p.x)))
                                             : plus(product(q.x, p.x), product(q.y, p.y));
        sum = plus(sum, (bitCount(x & push.signMask) & 1) != 0 ? minus(term) : term);
        loop = (loop - push.loopMask) & push.loopMask;
    } while (loop != 0);
    sums[push.first + i] = sum;
}
