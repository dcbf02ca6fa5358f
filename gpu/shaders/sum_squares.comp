// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Squared magnitudes summed over the bits of `loopMask`, one sum for each setting of the other bits.
#include "index.glsl"
#include "complex.glsl"
#include "accumulate.glsl"

layout(std430, binding = 0) readonly buffer Values { COMPLEX values[]; };
layout(std430, binding = 1) writeonly buffer Sums { SUM sums[]; };
layout(push_constant) uniform Push {
    uint first;
    uint count;
    uint loopMask;
} push;

void main()
{
    const uint i = invocation();
    if (i >= push.count) return;
    const uint base = spreadAround(push.first + i, push.loopMask);
    SUM sum = sumOf(0);
    uint loop = 0;
    do {
        const COMPLEX value = values[base | loop];
        sum = plus(sum, plus(product(value.x, value.x), product(value.y, value.y)));
        loop = (loop - push.loopMask) & push.loopMask;
    } while (loop != 0);
    sums[push.first + i] = sum;
}
