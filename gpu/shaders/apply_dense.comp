// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_EXT_control_flow_attributes : require
#extension GL_GOOGLE_include_directive : require
// A small matrix applied to all groups of 2^kTargets elements whose indices differ in the target bits only.
// With kPaired the highest target bit chooses between the two buffers; without it both are the same buffer.
#include "index.glsl"
#include "complex.glsl"

layout(constant_id = 1) const uint kTargets = 1;
layout(constant_id = 2) const uint kPaired = 0;
const uint kSize = 1u << kTargets;
const uint kLocalTargets = kTargets - kPaired;

layout(std430, binding = 0) buffer Low { COMPLEX low[]; };
layout(std430, binding = 1) buffer High { COMPLEX high[]; };
layout(std430, binding = 2) readonly buffer Matrix { COMPLEX matrix[]; };
layout(push_constant) uniform Push {
    uint first;
    uint count;
    uint fixedMask; // targets and controls
    uint setMask;   // controls
    uint targets[5];
} push;

uint place(uint base, uint state)
{
    [[unroll]] for (uint k = 0; k < kLocalTargets; ++k) base |= ((state >> k) & 1u) << push.targets[k];
    return base;
}

void main()
{
    const uint i = invocation();
    if (i >= push.count) return;
    const uint base = spreadAround(push.first + i, push.fixedMask) | push.setMask;
    COMPLEX old[kSize];
    [[unroll]] for (uint s = 0; s < kSize; ++s)
        old[s] = kPaired != 0 && s >= kSize / 2 ? high[place(base, s)] : low[place(base, s)];
    // One row at a time: unrolled as well, drivers would take minutes to compile the largest matrix.
    [[dont_unroll]] for (uint r = 0; r < kSize; ++r) {
        COMPLEX sum = times(matrix[r * kSize], old[0]);
        [[unroll]] for (uint c = 1; c < kSize; ++c) sum += times(matrix[r * kSize + c], old[c]);
        if (kPaired != 0 && r >= kSize / 2) high[place(base, r)] = sum;
        else low[place(base, r)] = sum;
    }
}
