// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// The first value of largest magnitude in each block, as its bits. Whole numbers throughout, so that denormals count.
#include "index.glsl"

layout(std430, binding = 0) readonly buffer Values { uint values[]; };
layout(std430, binding = 1) writeonly buffer Peaks { uint peaks[]; };
layout(push_constant) uniform Push {
    uint blocks;
    uint blockLength;
} push;

void main()
{
    const uint block = invocation();
    if (block >= push.blocks) return;
    uint peak = 0;
    for (uint k = 0; k < push.blockLength; ++k) {
        const uint value = values[block * push.blockLength + k];
        if ((value & 0x7FFFFFFFu) > (peak & 0x7FFFFFFFu)) peak = value;
    }
    peaks[block] = peak;
}
