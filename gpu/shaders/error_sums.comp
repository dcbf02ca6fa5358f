// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Sums over pairs (a, b) of a², (a - b)², a b, b², and the largest |a - b|; one set per workgroup.
#include "index.glsl"
#include "accumulate.glsl"

layout(std430, binding = 0) readonly buffer A { float a[]; };
layout(std430, binding = 1) readonly buffer B { float b[]; };
layout(std430, binding = 2) writeonly buffer Sums { SUM sums[]; }; // five per workgroup
layout(push_constant) uniform Push {
    uint elements;
    uint stride; // invocations
} push;

const uint kSums = 5;
shared SUM team[kSums * gl_WorkGroupSize.x];

#ifdef FLOAT64
SUM squareOf(SUM x) { return x * x; }
SUM larger(SUM x, SUM y) { return max(x, y); }
SUM magnitude(SUM x) { return abs(x); }
#else
SUM squareOf(SUM x) { return plus(product(x.x, x.x), plus(product(2 * x.x, x.y), product(x.y, x.y))); }
SUM larger(SUM x, SUM y) { return x.x > y.x || (x.x == y.x && x.y > y.y) ? x : y; }
SUM magnitude(SUM x) { return x.x < 0 ? -x : x; }
#endif

void main()
{
    SUM found[kSums];
    for (uint k = 0; k < kSums; ++k) found[k] = sumOf(0);
    for (uint i = invocation(); i < push.elements; i += push.stride) {
        const float x = a[i];
        const float y = b[i];
        const SUM difference = plus(sumOf(x), minus(sumOf(y)));
        found[0] = plus(found[0], product(x, x));
        found[1] = plus(found[1], squareOf(difference));
        found[2] = plus(found[2], product(x, y));
        found[3] = plus(found[3], product(y, y));
        found[4] = larger(found[4], magnitude(difference));
    }
    const uint slot = gl_LocalInvocationID.x;
    for (uint k = 0; k < kSums; ++k) team[k * gl_WorkGroupSize.x + slot] = found[k];
    for (uint step = gl_WorkGroupSize.x / 2; step > 0; step /= 2) {
        barrier();
        if (slot < step) {
            for (uint k = 0; k < kSums; ++k) {
                const uint at = k * gl_WorkGroupSize.x + slot;
                team[at] = k == 4 ? larger(team[at], team[at + step]) : plus(team[at], team[at + step]);
            }
        }
    }
    if (slot != 0) return;
    const uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    for (uint k = 0; k < kSums; ++k) sums[group * kSums + k] = team[k * gl_WorkGroupSize.x];
}
