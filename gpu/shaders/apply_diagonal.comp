// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Every element whose control bits are set times an entry that its target bits choose.
#include "index.glsl"
#include "complex.glsl"

layout(std430, binding = 0) buffer Values { COMPLEX values[]; };
layout(std430, binding = 1) readonly buffer Entries { COMPLEX entries[]; };
layout(push_constant) uniform Push {
    uint first;
    uint count;
    uint setMask;      // controls
    uint entry;        // the part of the entry's number that is the same for the whole buffer
    uint targetCount;
    uint targets[12];  // bit in the index, then from bit 8 on the bit in the entry's number
} push;

void main()
{
    const uint i = invocation();
    if (i >= push.count) return;
    const uint index = spreadAround(push.first + i, push.setMask) | push.setMask;
    uint entry = push.entry;
    for (uint k = 0; k < push.targetCount; ++k)
        entry |= ((index >> (push.targets[k] & 255u)) & 1u) << (push.targets[k] >> 8);
    values[index] = times(entries[entry], values[index]);
}
