// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// The patches of a picture of several channels that a window sees, one per column: row (channel, y, x in the window),
// column (place of the window). What lies outside the picture is 0.
#include "index.glsl"

layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Push {
    uint elements;
    uint offset; // of the first channel
    uint height, width;
    uint windowHeight, windowWidth;
    uint outHeight, outWidth;
    uint strideY, strideX;
    uint dilationY, dilationX;
    int padTop, padLeft;
} push;

void main()
{
    const uint i = invocation();
    if (i >= push.elements) return;
    const uint places = push.outHeight * push.outWidth;
    const uint place = i % places;
    const uint row = i / places;
    const uint window = row % (push.windowHeight * push.windowWidth);
    const uint channel = row / (push.windowHeight * push.windowWidth);
    const int py = int(place / push.outWidth * push.strideY + window / push.windowWidth * push.dilationY) - push.padTop;
    const int px = int(place % push.outWidth * push.strideX + window % push.windowWidth * push.dilationX) - push.padLeft;
    const bool inside = py >= 0 && px >= 0 && py < int(push.height) && px < int(push.width);
    y[i] = inside ? x[push.offset + (channel * push.height + uint(py)) * push.width + uint(px)] : 0;
}
