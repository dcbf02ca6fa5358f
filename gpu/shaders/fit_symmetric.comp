// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Blocks of 16 x 16 values as scale * code with codes -32 to 31; scales in eight bits, in units of one half-precision
// factor per block: of least weighted squared error, found by search. Codes are stored plus 32. 53 words per block: low
// halves of codes, 32 words; their upper two bits, 16 words; scales, 4 words; factor.
#include "index.glsl"
const uint kSubs = 16;
const uint kElements = 16;
#include "block_fit.glsl"

const float kHalf = 32;
#include "symmetric_search.glsl"

shared uint bytes[gl_WorkGroupSize.x * 4];
shared uint scaleCodes[gl_WorkGroupSize.x];

void main()
{
    const uint block = invocation() / kSubs;
    const uint s = gl_LocalInvocationID.x % kSubs;
    const bool inside = block < push.count;
    load((inside ? block : 0) * kSubs * kElements + s * kElements);
    search();

    // The scale of largest magnitude takes the code -128.
    uint d = halfBits(teamPeak(scale) / -128);
    uint bestD = d;
    float bestCode = 0, bestError = kNone;
    for (int pass = 0; pass < 2; ++pass) {
        const float unit = halfValue(d);
        const float near = roundEven(clamp(scale * inverseOf(unit), -128, 127));
        float code = near, least = kNone;
        for (int step = -1; step <= 1; ++step) {
            const float trial = clamp(near + step, -128, 127);
            const float error = errorOf(unit * trial);
            if (error < least) {
                least = error;
                code = trial;
            }
        }
        const float found = teamSum(least);
        if (found < bestError) {
            bestError = found;
            bestD = d;
            bestCode = code;
        }
        sumUp(inverseOf(unit * code));
        const float xq = teamSum(code * sumXQ), qq = teamSum(code * code * sumQQ);
        if (qq > 0) d = halfBits(xq / qq); // the factor by least squares for these codes
    }

    const float inverse = inverseOf(halfValue(bestD) * bestCode);
    const uint slot = gl_LocalInvocationID.x;
    for (uint word = 0; word < 4; ++word) {
        uint packed = 0;
        for (uint k = 0; k < 4; ++k) packed |= uint(int(codeOf(x[word * 4 + k], inverse)) + 32) << (8 * k);
        bytes[slot * 4 + word] = packed;
    }
    scaleCodes[slot] = uint(int(bestCode)) & 255u;
    barrier();
    if (!inside) return;
    const uint to = block * 53;
    const uint first = slot - s;
    // Part 8 h + 2 j + o holds elements 128 h + 32 j + 16 o on.
    for (uint word = s; word < 32; word += kSubs) {
        const uint h = word / 16, j = word / 8 % 2, o = word / 4 % 2, t = word % 4;
        const uint low = bytes[(first + 8 * h + 2 * j + o) * 4 + t] & 0x0F0F0F0Fu;
        const uint high = bytes[(first + 8 * h + 2 * (j + 2) + o) * 4 + t] & 0x0F0F0F0Fu;
        blocks[to + word] = low | high << 4;
    }
    const uint h = s / 8, o = s / 4 % 2, t = s % 4;
    uint upper = 0;
    for (uint j = 0; j < 4; ++j)
        upper |= ((bytes[(first + 8 * h + 2 * j + o) * 4 + t] >> 4) & 0x03030303u) << (2 * j);
    blocks[to + 32 + s] = upper;
    if (s < 4) {
        uint packed = 0;
        for (uint k = 0; k < 4; ++k) packed |= scaleCodes[first + 4 * s + k] << (8 * k);
        blocks[to + 48 + s] = packed;
    }
    if (s == 0) blocks[to + 52] = bestD;
}
