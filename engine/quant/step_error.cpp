// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/step_error.h"

#include "engine/core/simd.h"

namespace qscope::engine {

namespace {

constexpr std::size_t kLanes = 16;

/// x^power for 0 <= x < 2^20, by 2^(power log2 x); both functions by their series where these converge fast.
QSCOPE_ALWAYS_INLINE float powerOf(float x, float power) {
    // x = 2^exponent m with m between sqrt(1/2) and sqrt 2, log m = 2 artanh((m - 1) / (m + 1)).
    constexpr std::int32_t kRootHalf = 0x3F3504F3;
    const std::int32_t lifted = bitsOf(x) - kRootHalf;
    const std::int32_t exponent = lifted >> 23;
    const float m = floatOf((lifted & 0x007FFFFF) + kRootHalf);
    const float t = (m - 1) / (m + 1), z = t * t;
    const float series = 1 + z * (1.0F / 3 + z * (1.0F / 5 + z * (1.0F / 7 + z * (1.0F / 9))));
    float y = power * (static_cast<float>(exponent) + 2.88539008F * t * series); // 2 / log 2
    y = y < -125 ? -125 : y;
    constexpr float kShift = 12582912.0F; // 1.5 * 2^23: adding it rounds to whole numbers
    const float whole = (y + kShift) - kShift;
    const float r = 0.693147181F * (y - whole);
    const float root =
        1 + r * (1 + r * (1.0F / 2 + r * (1.0F / 6 + r * (1.0F / 24 + r * (1.0F / 120 + r * (1.0F / 720))))));
    return root * floatOf((static_cast<std::int32_t>(whole) + 127) << 23);
}

struct Step {
    float scale, zero, least, most;
};

QSCOPE_ALWAYS_INLINE float distanceOf(float x, const Step& step) {
    float code = std::rint(x / step.scale) + step.zero;
    code = code < step.least ? step.least : code;
    code = code > step.most ? step.most : code;
    return std::abs(x - (code - step.zero) * step.scale);
}

/// Sixteen sums that run beside one another, so that every instruction set adds in the same order. `count` in lanes.
template<class Term>
QSCOPE_ALWAYS_INLINE double inLanes(std::size_t count, const Term& term) {
    double sums[kLanes] = {};
    for (std::size_t i = 0; i < count; i += kLanes)
        for (std::size_t k = 0; k < kLanes; ++k) sums[k] += static_cast<double>(term(i + k));
    double sum = 0;
    for (const double lane : sums) sum += lane;
    return sum;
}

QSCOPE_MULTIVERSION double squares(const float* x, std::size_t count, const Step& given, float unit) {
    const Step step = given;
    return inLanes(
        count, [&](std::size_t i) __attribute__((always_inline)) {
            const float distance = distanceOf(x[i], step) * unit;
            return distance * distance;
        });
}
QSCOPE_MULTIVERSION double squares(const float* x, const float* weights, std::size_t count, const Step& given,
                                   float unit) {
    const Step step = given;
    return inLanes(
        count, [&](std::size_t i) __attribute__((always_inline)) {
            const float distance = distanceOf(x[i], step) * unit;
            return distance * distance * weights[i];
        });
}
QSCOPE_MULTIVERSION double powers(const float* x, std::size_t count, const Step& given, float unit, float power) {
    const Step step = given;
    return inLanes(
        count, [&](std::size_t i)
                   __attribute__((always_inline)) { return powerOf(distanceOf(x[i], step) * unit, power); });
}
QSCOPE_MULTIVERSION double powers(const float* x, const float* weights, std::size_t count, const Step& given,
                                  float unit, float power) {
    const Step step = given;
    return inLanes(
        count, [&](std::size_t i) __attribute__((always_inline)) {
            return powerOf(distanceOf(x[i], step) * unit, power) * weights[i];
        });
}

double errorOf(const float* x, const float* weights, std::size_t count, const Step& step, float power, float unit) {
    if (power == 2) return weights ? squares(x, weights, count, step, unit) : squares(x, count, step, unit);
    return weights ? powers(x, weights, count, step, unit, power) : powers(x, count, step, unit, power);
}

} // namespace

double stepError(std::span<const float> values, std::span<const float> weights, const UniformStep& step, double power,
                 float unit) {
    // Without a scale every value becomes 0.
    const Step taken = step.scale > 0 ? Step{step.scale, step.zero, step.least, step.most} : Step{1, 0, 0, 0};
    const std::size_t whole = values.size() / kLanes * kLanes, rest = values.size() - whole;
    const auto exponent = static_cast<float>(power);
    double sum = errorOf(values.data(), weights.empty() ? nullptr : weights.data(), whole, taken, exponent, unit);
    if (rest == 0) return sum;
    // The rest among zeros, which every grid holds; they weigh nothing.
    float last[kLanes] = {}, theirs[kLanes] = {};
    for (std::size_t i = 0; i < rest; ++i) {
        last[i] = values[whole + i];
        theirs[i] = weights.empty() ? 1.0F : weights[whole + i];
    }
    return sum + errorOf(last, theirs, kLanes, taken, exponent, unit);
}

} // namespace qscope::engine
