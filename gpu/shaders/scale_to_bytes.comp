// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Blocks of 32 values to signed bytes: value * factor rounded to nearest, halves away from zero. One word, four values,
// per invocation; one factor per block.
#include "index.glsl"

layout(std430, binding = 0) readonly buffer Values { float values[]; };
layout(std430, binding = 1) readonly buffer Factors { float factors[]; };
layout(std430, binding = 2) writeonly buffer Codes { uint codes[]; };
layout(push_constant) uniform Push { uint words; } push;

int code(float value, float factor)
{
    precise float scaled = value * factor;
    const float size = abs(scaled);
    const float below = floor(size);
    const int magnitude = int(below) + (size - below >= 0.5 ? 1 : 0); // adding 0.5 first would round it up too early
    return clamp(scaled < 0 ? -magnitude : magnitude, -128, 127);
}

void main()
{
    const uint i = invocation();
    if (i >= push.words) return;
    uint word = 0;
    for (uint k = 0; k < 4; ++k) word |= (uint(code(values[i * 4 + k], factors[i / 8])) & 255u) << (8 * k);
    codes[i] = word;
}
