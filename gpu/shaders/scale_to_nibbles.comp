// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Blocks of 32 values to codes min(trunc(value * factor + 8.5), 15), element j in the low and j + 16 in the high half
// of byte j. One word, eight values, per invocation; one factor per block.
#include "index.glsl"

layout(std430, binding = 0) readonly buffer Values { float values[]; };
layout(std430, binding = 1) readonly buffer Factors { float factors[]; };
layout(std430, binding = 2) writeonly buffer Codes { uint codes[]; };
layout(push_constant) uniform Push { uint words; } push;

uint code(float value, float factor)
{
    precise float scaled = value * factor;
    precise float shifted = scaled + 8.5;
    return uint(clamp(int(shifted), 0, 15));
}

void main()
{
    const uint i = invocation();
    if (i >= push.words) return;
    const uint block = i / 4;
    const uint begin = block * 32 + i % 4 * 4;
    uint word = 0;
    for (uint k = 0; k < 4; ++k) {
        const uint low = code(values[begin + k], factors[block]);
        const uint high = code(values[begin + k + 16], factors[block]);
        word |= (low | high << 4) << (8 * k);
    }
    codes[i] = word;
}
