// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// C = alpha A B + bias for many pairs of matrices, one tile of 64 x 64 of one product per workgroup. 128 invocations hold
// 8 x 4 results each; slices of 16 along the inner axis pass through shared memory.
#include "index.glsl"

layout(std430, binding = 0) readonly buffer A { float a[]; };
layout(std430, binding = 1) readonly buffer B { float b[]; };
layout(std430, binding = 2) readonly buffer Bias { float bias[]; };
layout(std430, binding = 3) writeonly buffer C { float c[]; };
layout(push_constant) uniform Push {
    uint first;  // tile of the first workgroup
    uint tiles;
    uint rows;
    uint columns;
    uint depth;
    uint inner;  // pairs are counted as outer * inner + ...
    uint shareB; // so many inner ones in a row have the same B
    float alpha;
    uint biasRow; // steps in the bias; both 0: none
    uint biasColumn;
    uint offsetA, outerA, innerA, rowA, columnA;
    uint offsetB, outerB, innerB, rowB, columnB;
    uint offsetC, outerC, innerC, rowC;
} push;

const uint kTile = 64, kDepth = 16, kAcross = 16, kDown = 8;
shared float teamA[kDepth][kTile + 1];
shared float teamB[kDepth][kTile + 1];

void main()
{
    const uint tile = push.first + gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    if (tile >= push.tiles) return;
    const uint across = (push.columns + kTile - 1) / kTile;
    const uint down = (push.rows + kTile - 1) / kTile;
    const uint column0 = tile % across * kTile;
    const uint row0 = tile / across % down * kTile;
    const uint pair = tile / (across * down);
    const uint outer = pair / push.inner;
    const uint inner = pair % push.inner;
    const uint a0 = push.offsetA + outer * push.outerA + inner * push.innerA;
    const uint b0 = push.offsetB + outer * push.outerB + inner / push.shareB * push.innerB;
    const uint c0 = push.offsetC + outer * push.outerC + inner * push.innerC;
    const uint me = gl_LocalInvocationID.x;
    const uint left = me % kAcross, top = me / kAcross;

    float sum[8][4];
    for (uint i = 0; i < 8; ++i)
        for (uint j = 0; j < 4; ++j) sum[i][j] = 0;
    for (uint k0 = 0; k0 < push.depth; k0 += kDepth) {
        for (uint i = me; i < kTile * kDepth; i += gl_WorkGroupSize.x) {
            // Neighbours read neighbours, whichever axis is the dense one.
            const uint ka = push.columnA == 1 ? i % kDepth : i / kTile;
            const uint ra = push.columnA == 1 ? i / kDepth : i % kTile;
            teamA[ka][ra] = row0 + ra < push.rows && k0 + ka < push.depth
                ? a[a0 + (row0 + ra) * push.rowA + (k0 + ka) * push.columnA] : 0;
            const uint kb = push.columnB == 1 ? i / kTile : i % kDepth;
            const uint cb = push.columnB == 1 ? i % kTile : i / kDepth;
            teamB[kb][cb] = column0 + cb < push.columns && k0 + kb < push.depth
                ? b[b0 + (k0 + kb) * push.rowB + (column0 + cb) * push.columnB] : 0;
        }
        barrier();
        for (uint k = 0; k < kDepth; ++k) {
            float x[8];
            for (uint i = 0; i < 8; ++i) x[i] = teamA[k][top + i * kDown];
            for (uint j = 0; j < 4; ++j) {
                const float y = teamB[k][left + j * kAcross];
                for (uint i = 0; i < 8; ++i) sum[i][j] += x[i] * y;
            }
        }
        barrier();
    }
    for (uint i = 0; i < 8; ++i)
        for (uint j = 0; j < 4; ++j) {
            const uint row = row0 + top + i * kDown;
            const uint column = column0 + left + j * kAcross;
            if (row >= push.rows || column >= push.columns) continue;
            float value = push.alpha * sum[i][j];
            if (push.biasRow + push.biasColumn > 0) value += bias[row * push.biasRow + column * push.biasColumn];
            c[c0 + row * push.rowC + column] = value;
        }
}
