// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// exp(x - max) / sum of it along each row, in place. Rows come as matrices of `queries` rows; entry k of row q is left out
// (gives 0) where it lies after position + q, or `window` or more before it. A row that is left out whole is all zeros.
#include "index.glsl"
#include "functions.glsl"
#include "row_team.glsl"

layout(constant_id = 1) const uint kLogarithm = 0;
layout(std430, binding = 0) buffer X { float x[]; };
layout(std430, binding = 1) readonly buffer Added { float added[]; };
layout(push_constant) uniform Push {
    uint first; // row of the first workgroup
    uint rows;
    uint columns;
    uint queries;
    uint causal;
    uint position;
    uint window; // 0: all
    float cap;   // 0: none
    uint hasAdded;
    uint addedOffset, addedMatrix, addedRow, addedColumn;
} push;

const float kLowest = -3.402823466e38;

bool takesPart(uint query, uint key)
{
    const uint place = push.position + query;
    return (push.causal == 0 || key <= place) && (push.window == 0 || key + push.window > place);
}

void main()
{
    const uint row = rowOfTeam(push.first);
    if (row >= push.rows) return;
    const uint query = row % push.queries;
    const uint start = row * push.columns;
    const uint addedStart = push.addedOffset + row / push.queries * push.addedMatrix + query * push.addedRow;

    float highest = kLowest;
    for (uint k = gl_LocalInvocationID.x; k < push.columns; k += gl_WorkGroupSize.x) {
        if (!takesPart(query, k)) continue;
        float value = x[start + k];
        if (push.cap > 0) value = push.cap * hyperbolicTangent(value / push.cap);
        if (push.hasAdded != 0) value += added[addedStart + k * push.addedColumn];
        x[start + k] = value;
        highest = max(highest, value);
    }
    highest = teamMaximum(highest);
    float sum = 0;
    for (uint k = gl_LocalInvocationID.x; k < push.columns; k += gl_WorkGroupSize.x) {
        const float value = takesPart(query, k) && highest > kLowest ? exp(x[start + k] - highest) : 0;
        if (kLogarithm == 0) x[start + k] = value;
        sum += value;
    }
    sum = teamSum(sum);
    for (uint k = gl_LocalInvocationID.x; k < push.columns; k += gl_WorkGroupSize.x) {
        if (kLogarithm != 0) x[start + k] = x[start + k] - highest - log(sum);
        else x[start + k] = sum > 0 ? x[start + k] / sum : 0;
    }
}
