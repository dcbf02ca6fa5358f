// SPDX-License-Identifier: GPL-3.0-or-later
// Functions whose built-in forms overflow on some devices, or are missing.

// 1 - 2 / (e^(2x) + 1): the quotient goes to 0 where the power overflows. Absolute error about 2^-23.
float hyperbolicTangent(float x) { return 1 - 2 / (exp(2 * x) + 1); }

float logistic(float x) { return 1 / (1 + exp(-x)); }

// Absolute error below 5e-7: 1.5e-7 of the series, the rest rounding near 1. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
float errorFunction(float x)
{
    const float t = 1 / (1 + 0.3275911 * abs(x));
    const float series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    const float value = 1 - series * exp(-x * x);
    return x < 0 ? -value : value;
}
