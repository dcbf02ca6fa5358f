// SPDX-License-Identifier: GPL-3.0-or-later
// The scale of least weighted squared error for codes from -kHalf to kHalf - 1, for the values that `load` took.
const float kNone = 3.0e38;

float scale, gain; // the best so far
float sumXQ, sumQQ;

float codeOf(float value, float inverse)
{
    return roundEven(clamp(value * inverse, -kHalf, kHalf - 1));
}

float errorOf(float step)
{
    const float inverse = inverseOf(step);
    float error = 0;
    for (uint e = 0; e < kElements; ++e) {
        const float difference = x[e] - step * codeOf(x[e], inverse);
        error += w[e] * difference * difference;
    }
    return error;
}

void sumUp(float inverse)
{
    sumXQ = sumQQ = 0;
    for (uint e = 0; e < kElements; ++e) {
        const float q = codeOf(x[e], inverse);
        sumXQ += w[e] * q * x[e];
        sumQQ += w[e] * q * q;
    }
}

// With the best scale for these codes, xq / qq, the error is the sum of w x² less this gain.
void attempt(float inverse)
{
    sumUp(inverse);
    const float fitted = sumXQ * inverseOf(sumQQ);
    const float found = sumXQ * fitted;
    if (found > gain) {
        gain = found;
        scale = fitted;
    }
}

void search()
{
    float peak = 0;
    for (uint e = 0; e < kElements; ++e)
        if (abs(x[e]) > abs(peak)) peak = x[e];
    scale = gain = 0;
    for (int trial = -6; trial <= 6; ++trial) attempt(-(kHalf + 0.15 * trial) * inverseOf(peak));
    for (int pass = 0; pass < 2; ++pass) attempt(inverseOf(scale));
}
