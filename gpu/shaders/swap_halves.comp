// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Exchanges the half of `low` where `bit` is set with the half of `high` where it is not.
#include "index.glsl"
#include "complex.glsl"

layout(std430, binding = 0) buffer Low { COMPLEX low[]; };
layout(std430, binding = 1) buffer High { COMPLEX high[]; };
layout(push_constant) uniform Push {
    uint first;
    uint count;
    uint bit; // as a mask
} push;

void main()
{
    const uint i = invocation();
    if (i >= push.count) return;
    const uint clear = spreadAround(push.first + i, push.bit);
    const COMPLEX kept = low[clear | push.bit];
    low[clear | push.bit] = high[clear];
    high[clear] = kept;
}
