// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// code = clamp(rint(value / scale) + offset, lowest, highest) per element, four codes to a word; `offset` where the
// scale is 0. Equal to IEEE single precision to the last bit, though devices may divide with an error of 2.5 ulp.
#include "index.glsl"
#include "quotient.glsl"

layout(std430, binding = 0) readonly buffer Values { uint values[]; };
layout(std430, binding = 1) readonly buffer Scales { uint scales[]; };
layout(std430, binding = 2) readonly buffer Offsets { int offsets[]; };
layout(std430, binding = 3) writeonly buffer Codes { uint codes[]; };
layout(push_constant) uniform Push {
    uint first; // word
    uint count; // words
    uint elements;
    uint columns;
    uint groupRows;
    uint groupColumns;
    uint groupsAcross;
    uint hasOffsets;
    int lowest;
    int highest;
} push;

int codeOf(uint value, uint scale, int offset)
{
    if (scale == 0) return offset;
    const int magnitude = int(roundedQuotient(value & 0x7FFFFFFFu, scale));
    return clamp(((value & 0x80000000u) != 0 ? -magnitude : magnitude) + offset, push.lowest, push.highest);
}

void main()
{
    const uint i = invocation();
    if (i >= push.count) return;
    const uint begin = (push.first + i) * 4;
    uint row = begin / push.columns;
    uint column = begin - row * push.columns;
    const uint across = column / push.groupColumns;
    uint group = row / push.groupRows * push.groupsAcross + across;
    uint groupEnd = (across + 1) * push.groupColumns;
    uint word = 0;
    for (uint k = 0; k < 4 && begin + k < push.elements; ++k) {
        const int offset = push.hasOffsets != 0 ? offsets[group] : 0;
        word |= (uint(codeOf(values[begin + k], scales[group], offset)) & 255u) << (8 * k);
        // Divisions of whole numbers are slow: once per word and per end of a row.
        ++column;
        if (column == push.columns) {
            column = 0;
            ++row;
            group = row / push.groupRows * push.groupsAcross;
            groupEnd = push.groupColumns;
        } else if (column == groupEnd) {
            ++group;
            groupEnd += push.groupColumns;
        }
    }
    codes[push.first + i] = word;
}
