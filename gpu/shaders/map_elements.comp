// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// One function of each element; `kFunction` counts as `gpu::Function` does.
#include "index.glsl"
#include "functions.glsl"

layout(constant_id = 1) const uint kFunction = 0;
layout(std430, binding = 0) readonly buffer X { float x[]; };
layout(std430, binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform Push {
    uint elements;
} push;

float f(float v)
{
    switch (kFunction) {
    case 0: return -v;
    case 1: return abs(v);
    case 2: return sqrt(v);
    case 3: return 1 / v;
    case 4: return exp(v);
    case 5: return log(v);
    case 6: return hyperbolicTangent(v);
    case 7: return logistic(v);
    case 8: return max(v, 0.0);
    case 9: return v * logistic(v);
    case 10: return 0.5 * v * (1 + errorFunction(v * 0.70710678));
    case 11: return 0.5 * v * (1 + hyperbolicTangent(0.79788456 * (v + 0.044715 * v * v * v)));
    default: return errorFunction(v);
    }
}

void main()
{
    const uint i = invocation();
    if (i < push.elements) y[i] = f(x[i]);
}
