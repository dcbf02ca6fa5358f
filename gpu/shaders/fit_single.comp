// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Blocks of 32 values as scale * code with codes -8 to 7 and a half-precision scale of least weighted squared error,
// found by search. Codes are stored plus 8. 5 words per block: element j in the low, j + 16 in the high half of byte j
// of the first four; scale.
#include "index.glsl"
const uint kSubs = 1;
const uint kElements = 32;
#include "block_fit.glsl"
const float kHalf = 8;
#include "symmetric_search.glsl"

void main()
{
    const uint block = invocation();
    if (block >= push.count) return;
    load(block * kElements);
    search();
    // The nearest half and its neighbours: rounding the scale moves codes.
    uint stored = 0;
    float least = kNone;
    for (int step = -1; step <= 1; ++step) {
        const uint trial = halfBits(scale * (1 + step * uintBitsToFloat((127u - 11u) << 23)));
        const float error = errorOf(halfValue(trial));
        if (error < least) {
            least = error;
            stored = trial;
        }
    }
    const float inverse = inverseOf(halfValue(stored));
    for (uint word = 0; word < 4; ++word) {
        uint packed = 0;
        for (uint k = 0; k < 4; ++k) {
            const uint low = uint(int(codeOf(x[word * 4 + k], inverse)) + 8);
            const uint high = uint(int(codeOf(x[word * 4 + k + 16], inverse)) + 8);
            packed |= (low | high << 4) << (8 * k);
        }
        blocks[block * 5 + word] = packed;
    }
    blocks[block * 5 + 4] = stored;
}
