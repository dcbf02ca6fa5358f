// SPDX-License-Identifier: GPL-3.0-or-later
// Fitting the values of a small block by codes times a scale: what the searches share. A team of kSubs neighbouring
// invocations works on one large block, each on a part of kElements values, and meets through shared memory.
layout(std430, binding = 0) readonly buffer Values { float values[]; };
layout(std430, binding = 1) readonly buffer Weights { float weights[]; }; // one per column, repeated in each row
layout(std430, binding = 2) writeonly buffer Blocks { uint blocks[]; };
layout(push_constant) uniform Push {
    uint count;   // large blocks
    uint columns;
    uint hasWeights;
    uint firstColumn; // of the first value
} push;

float x[kElements];
float w[kElements];

void load(uint begin)
{
    float total = 0;
    for (uint e = 0; e < kElements; ++e) {
        x[e] = values[begin + e];
        w[e] = push.hasWeights != 0 ? weights[(push.firstColumn + begin + e) % push.columns] : 1.0;
        total += w[e];
    }
    // A part without any weight counts as evenly weighted, so that its scale stays defined.
    if (!(total > 0)) for (uint e = 0; e < kElements; ++e) w[e] = 1;
}

float inverseOf(float value)
{
    return abs(value) >= uintBitsToFloat(1u << 23) ? 1 / value : 0; // none of denormals
}

// Half precision by hand: the built-in conversions may round any way. Too large becomes the largest finite one.
uint halfBits(float value)
{
    const uint bits = floatBitsToUint(value);
    const uint magnitude = bits & 0x7FFFFFFFu;
    uint found;
    if (magnitude >= 0x477FF000u) found = 0x7BFFu;
    else if (magnitude >= 0x38800000u) found = (magnitude - (112u << 23) + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
    else {
        precise float shifted = uintBitsToFloat(magnitude) + 0.5;
        found = floatBitsToUint(shifted) - 0x3F000000u;
    }
    return found | ((bits >> 16) & 0x8000u);
}

float halfValue(uint bits)
{
    const uint magnitude = bits & 0x7FFFu;
    const float value = magnitude < 0x400u ? float(magnitude) * uintBitsToFloat((127u - 24u) << 23)
                                           : uintBitsToFloat((magnitude << 13) + (112u << 23));
    return (bits & 0x8000u) != 0 ? -value : value;
}

float asHalf(float value)
{
    return halfValue(halfBits(value));
}

shared float meeting[gl_WorkGroupSize.x];

// Every invocation of the workgroup must come here.
float teamSum(float value)
{
    barrier();
    meeting[gl_LocalInvocationID.x] = value;
    barrier();
    const uint first = gl_LocalInvocationID.x / kSubs * kSubs;
    float sum = 0;
    for (uint k = 0; k < kSubs; ++k) sum += meeting[first + k];
    return sum;
}

// The value of largest magnitude, the first of equals, with its sign.
float teamPeak(float value)
{
    barrier();
    meeting[gl_LocalInvocationID.x] = value;
    barrier();
    const uint first = gl_LocalInvocationID.x / kSubs * kSubs;
    float peak = 0;
    for (uint k = 0; k < kSubs; ++k)
        if (abs(meeting[first + k]) > abs(peak)) peak = meeting[first + k];
    return peak;
}
