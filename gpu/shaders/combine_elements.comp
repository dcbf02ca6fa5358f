// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// One function of pairs of elements of two arrays of up to four axes; a step of 0 repeats an array along an axis.
// `kFunction` counts as `gpu::Combination` does.
#include "index.glsl"

layout(constant_id = 1) const uint kFunction = 0;
layout(std430, binding = 0) readonly buffer A { float a[]; };
layout(std430, binding = 1) readonly buffer B { float b[]; };
layout(std430, binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Push {
    uint elements;
    uint size1, size2, size3; // of the axes but the outermost
    uint stepA0, stepA1, stepA2, stepA3;
    uint stepB0, stepB1, stepB2, stepB3;
} push;

float f(float u, float v)
{
    switch (kFunction) {
    case 0: return u + v;
    case 1: return u - v;
    case 2: return u * v;
    case 3: return u / v;
    case 4: return max(u, v);
    default: return min(u, v);
    }
}

void main()
{
    const uint i = invocation();
    if (i >= push.elements) return;
    const uint i3 = i % push.size3;
    const uint i2 = i / push.size3 % push.size2;
    const uint i1 = i / (push.size3 * push.size2) % push.size1;
    const uint i0 = i / (push.size3 * push.size2 * push.size1);
    y[i] = f(a[i0 * push.stepA0 + i1 * push.stepA1 + i2 * push.stepA2 + i3 * push.stepA3],
             b[i0 * push.stepB0 + i1 * push.stepB1 + i2 * push.stepB2 + i3 * push.stepB3]);
}
