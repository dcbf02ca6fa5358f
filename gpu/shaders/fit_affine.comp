// SPDX-License-Identifier: GPL-3.0-or-later
#version 450
#extension GL_GOOGLE_include_directive : require
// Blocks of 8 x 32 values as scale * code - minimum with codes 0 to 15; scales and minima in six bits, in units of two
// half-precision factors per block: of least weighted squared error, found by search. 36 words per block:
// factors; 12 bytes of six-bit pairs; codes, part s in the low (s even) or high halves of bytes 32 (s / 2) on.
#include "index.glsl"
const uint kSubs = 8;
const uint kElements = 32;
#include "block_fit.glsl"

const float kTop = 15;
const float kNone = 3.0e38;

float scale, minimum; // the best so far
float sumW, sumX, sumQ, sumQQ, sumXQ;

float codeOf(float value, float shift, float inverse)
{
    return roundEven(clamp((value + shift) * inverse, 0, kTop));
}

float errorOf(float step, float shift)
{
    const float inverse = inverseOf(step);
    float error = 0;
    for (uint e = 0; e < kElements; ++e) {
        const float difference = x[e] - (step * codeOf(x[e], shift, inverse) - shift);
        error += w[e] * difference * difference;
    }
    return error;
}

void sumUp(float inverse, float shift)
{
    sumW = sumX = sumQ = sumQQ = sumXQ = 0;
    for (uint e = 0; e < kElements; ++e) {
        const float q = codeOf(x[e], shift, inverse);
        sumW += w[e];
        sumX += w[e] * x[e];
        sumQ += w[e] * q;
        sumQQ += w[e] * q * q;
        sumXQ += w[e] * q * x[e];
    }
}

void keepBetter(float trialScale, float trialMinimum, inout float best)
{
    const float error = errorOf(trialScale, trialMinimum);
    if (error < best) {
        best = error;
        scale = trialScale;
        minimum = trialMinimum;
    }
}

// Scale and minimum by weighted least squares for the codes that a trial gives; neither negative.
void attempt(float inverse, float shift, inout float best)
{
    sumUp(inverse, shift);
    const float determinant = sumW * sumQQ - sumQ * sumQ;
    const float fitted = (sumW * sumXQ - sumX * sumQ) * inverseOf(determinant);
    const float fittedMinimum = (sumQ * sumXQ - sumQQ * sumX) * inverseOf(determinant);
    if (determinant > 0 && fitted > 0 && fittedMinimum > 0) keepBetter(fitted, fittedMinimum, best);
    else keepBetter(max(0, sumXQ * inverseOf(sumQQ)), 0, best);
}

void search()
{
    float low = 0, high = x[0];
    for (uint e = 0; e < kElements; ++e) {
        low = min(low, x[e]);
        high = max(high, x[e]);
    }
    float best = kNone;
    scale = minimum = 0;
    keepBetter(max(0, (high - low) / kTop), -low, best);
    for (int step = 0; step < 11; ++step) attempt((kTop - 1 + 0.3 * step) * inverseOf(high - low), -low, best);
    for (int pass = 0; pass < 3; ++pass) attempt(inverseOf(scale), minimum, best);
}

shared uint bytes[gl_WorkGroupSize.x * 8];
shared uint pairs[gl_WorkGroupSize.x];

void main()
{
    const uint block = invocation() / kSubs;
    const uint s = gl_LocalInvocationID.x % kSubs;
    const bool inside = block < push.count;
    load((inside ? block : 0) * kSubs * kElements + s * kElements);
    search();

    uint d = halfBits(teamPeak(scale) / 63), dmin = halfBits(teamPeak(minimum) / 63);
    uint bestD = d, bestDmin = dmin;
    float bestCode = 0, bestMinCode = 0, bestError = kNone;
    for (int pass = 0; pass < 2; ++pass) {
        const float unit = halfValue(d), minUnit = halfValue(dmin);
        const float near = roundEven(clamp(scale * inverseOf(unit), 0, 63));
        const float nearMin = roundEven(clamp(minimum * inverseOf(minUnit), 0, 63));
        float code = near, minCode = nearMin, least = kNone;
        for (int step = 0; step < 9; ++step) {
            const float trial = clamp(near + step / 3 - 1, 0, 63);
            const float trialMin = clamp(nearMin + step % 3 - 1, 0, 63);
            const float error = errorOf(unit * trial, minUnit * trialMin);
            if (error < least) {
                least = error;
                code = trial;
                minCode = trialMin;
            }
        }
        const float found = teamSum(least);
        if (found < bestError) {
            bestError = found;
            bestD = d;
            bestDmin = dmin;
            bestCode = code;
            bestMinCode = minCode;
        }
        // Both factors by least squares for these codes: x ~ d (code q) - dmin minCode.
        sumUp(inverseOf(unit * code), minUnit * minCode);
        const float aa = teamSum(code * code * sumQQ), ab = teamSum(code * minCode * sumQ);
        const float bb = teamSum(minCode * minCode * sumW);
        const float xa = teamSum(code * sumXQ), xb = teamSum(minCode * sumX);
        const float determinant = aa * bb - ab * ab;
        const float nextMin = determinant > 0 ? (ab * xa - aa * xb) / determinant : 0;
        const float next = nextMin > 0 ? (bb * xa - ab * xb) / determinant : aa > 0 ? xa / aa : 0;
        if (next > 0) {
            d = halfBits(next);
            dmin = halfBits(max(0, nextMin));
        }
    }

    const float unit = halfValue(bestD) * bestCode, shift = halfValue(bestDmin) * bestMinCode;
    const float inverse = inverseOf(unit);
    const uint slot = gl_LocalInvocationID.x;
    for (uint word = 0; word < 8; ++word) {
        uint packed = 0;
        for (uint k = 0; k < 4; ++k) packed |= uint(codeOf(x[word * 4 + k], shift, inverse)) << (8 * k);
        bytes[slot * 8 + word] = packed;
    }
    pairs[slot] = uint(bestCode) | uint(bestMinCode) << 8;
    barrier();
    if (!inside) return;
    const uint to = block * 36;
    const uint even = slot & ~1u, first = slot - s;
    for (uint k = 0; k < 4; ++k) {
        const uint word = 4 * (s & 1u) + k;
        blocks[to + 4 + 8 * (s / 2) + word] = bytes[even * 8 + word] | bytes[even * 8 + 8 + word] << 4;
    }
    if (s == 0) blocks[to] = bestD | bestDmin << 16;
    if (s >= 3) return;
    uint packed = 0; // word s of the six-bit pairs, byte k of each belongs to parts k and k + 4
    for (uint k = 0; k < 4; ++k) {
        const uint low = pairs[first + k], high = pairs[first + k + 4];
        const uint lowScale = low & 255u, lowMin = low >> 8, highScale = high & 255u, highMin = high >> 8;
        const uint value = s == 0   ? lowScale | (highScale >> 4) << 6
                           : s == 1 ? lowMin | (highMin >> 4) << 6
                                    : (highScale & 15u) | (highMin & 15u) << 4;
        packed |= value << (8 * k);
    }
    blocks[to + 1 + s] = packed;
}
