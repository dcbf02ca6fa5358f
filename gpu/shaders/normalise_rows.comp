// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// (x - mean) / sqrt(variance + epsilon) * scale + bias along each row; without kCentred the mean counts as 0.
#include "index.glsl"
#include "row_team.glsl"

layout(constant_id = 1) const uint kCentred = 0;
layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) readonly buffer Scale { float scale[]; };
layout(std430, binding = 2) readonly buffer Bias { float bias[]; };
layout(std430, binding = 3) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Push {
    uint first;
    uint rows;
    uint columns;
    uint hasBias;
    float epsilon;
} push;

void main()
{
    const uint row = rowOfTeam(push.first);
    if (row >= push.rows) return;
    const uint start = row * push.columns;
    float mean = 0;
    if (kCentred != 0) {
        float sum = 0;
        for (uint k = gl_LocalInvocationID.x; k < push.columns; k += gl_WorkGroupSize.x) sum += x[start + k];
        mean = teamSum(sum) / float(push.columns);
    }
    float squares = 0;
    for (uint k = gl_LocalInvocationID.x; k < push.columns; k += gl_WorkGroupSize.x) {
        const float difference = x[start + k] - mean;
        squares += difference * difference;
    }
    const float factor = 1 / sqrt(teamSum(squares) / float(push.columns) + push.epsilon);
    for (uint k = gl_LocalInvocationID.x; k < push.columns; k += gl_WorkGroupSize.x) {
        const float value = (x[start + k] - mean) * factor * scale[k];
        y[start + k] = push.hasBias != 0 ? value + bias[k] : value;
    }
}
