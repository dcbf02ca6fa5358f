// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Turns pairs of elements of vectors by angles that depend on batch and token; what lies beyond the pairs is copied.
// Partners are neighbours when kNeighbours is set, else half of the turned part apart.
#include "index.glsl"

layout(constant_id = 1) const uint kNeighbours = 0;
layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) readonly buffer Cosines { float cosines[]; };
layout(std430, binding = 2) readonly buffer Sines { float sines[]; };
layout(std430, binding = 3) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Push {
    uint elements;
    uint size;  // of a vector
    uint pairs; // of a vector that are turned
    uint inner; // vectors are numbered outer * middle * inner; the token is the middle or the inner number
    uint middle;
    uint tokenIsInner;
    uint outerStep; // in rows of angles; 0: the same for all
} push;

void main()
{
    const uint i = invocation();
    if (i >= push.elements) return;
    const uint place = i % push.size;
    const uint vector = i / push.size;
    if (place >= 2 * push.pairs) {
        y[i] = x[i];
        return;
    }
    const uint token = push.tokenIsInner != 0 ? vector % push.inner : vector / push.inner % push.middle;
    const uint outer = vector / (push.inner * push.middle);
    const uint pair = kNeighbours != 0 ? place / 2 : place % push.pairs;
    const bool second = kNeighbours != 0 ? place % 2 == 1 : place >= push.pairs;
    const uint apart = kNeighbours != 0 ? 1 : push.pairs;
    const uint angle = (outer * push.outerStep + token) * push.pairs + pair;
    y[i] = second ? x[i] * cosines[angle] + x[i - apart] * sines[angle]
                  : x[i] * cosines[angle] - x[i + apart] * sines[angle];
}
