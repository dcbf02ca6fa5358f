// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Smallest and largest value of each group of a matrix, as ordered keys: whole numbers that sort like the values.
// Denormals and signed zeros keep their places, and infinities and NaN show at the ends.
// A team of `lanes` invocations (a power of two) takes one part of one group; teams of one part lie side by side.
#include "index.glsl"

layout(std430, binding = 0) readonly buffer Values { uint values[]; };
layout(std430, binding = 1) writeonly buffer Extrema { uvec2 extrema[]; };
layout(push_constant) uniform Push {
    uint rows;
    uint columns;
    uint groupRows;
    uint groupColumns;
    uint groupsAcross;
    uint groups;
    uint parts;
    uint partLength; // elements of a group per part, a multiple of `lanes`
    uint lanes;
} push;

shared uvec2 team[gl_WorkGroupSize.x];

uint key(uint bits)
{
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

uvec2 extremaOfLane(uint group, uint part, uint lane)
{
    const uint firstRow = group / push.groupsAcross * push.groupRows;
    const uint firstColumn = group % push.groupsAcross * push.groupColumns;
    const uint height = min(push.groupRows, push.rows - firstRow);
    const uint width = min(push.groupColumns, push.columns - firstColumn);
    const uint end = min((part + 1) * push.partLength, height * width);
    uvec2 found = uvec2(0xFFFFFFFFu, 0u);
    uint k = part * push.partLength + lane;
    uint row = k / width;
    uint column = k % width;
    for (; k < end; k += push.lanes) {
        const uint current = key(values[(firstRow + row) * push.columns + firstColumn + column]);
        found = uvec2(min(found.x, current), max(found.y, current));
        column += push.lanes;
        while (column >= width) {
            column -= width;
            ++row;
        }
    }
    return found;
}

void main()
{
    const uint i = invocation();
    const uint number = i / push.lanes;
    const uint lane = i % push.lanes;
    const bool inside = number < push.groups * push.parts;
    uvec2 found = inside ? extremaOfLane(number % push.groups, number / push.groups, lane) : uvec2(0);
    const uint slot = gl_LocalInvocationID.x;
    team[slot] = found;
    for (uint step = push.lanes / 2; step > 0; step /= 2) {
        barrier();
        if (lane < step) {
            const uvec2 other = team[slot + step];
            found = uvec2(min(found.x, other.x), max(found.y, other.y));
            team[slot] = found;
        }
    }
    if (inside && lane == 0) extrema[number] = found;
}
