// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/tensor/block_families.h"
#include "engine/tensor/block_layout.h"
#include "engine/tensor/lane_kernels.h"

#include <cmath>
#include <limits>

namespace qscope::engine::detail {

namespace {

using Byte = std::uint8_t;

/// A lane without any weight counts as evenly weighted, so that its scale stays defined.
void load(LaneBlock& block, int elements, const float* values, const float* importance) {
    block.elements = elements;
    for (int l = 0; l < kLanes; ++l) {
        float total = 0;
        for (int e = 0; e < elements; ++e) {
            const auto to = static_cast<std::size_t>(e * kLanes + l);
            block.x[to] = values[l * elements + e];
            block.w[to] = importance == nullptr ? 1.f : importance[l * elements + e];
            total += block.w[to];
        }
        if (!(total > 0))
            for (int e = 0; e < elements; ++e) block.w[static_cast<std::size_t>(e * kLanes + l)] = 1;
    }
}

double total(const Lanes& lanes) {
    double sum = 0;
    for (const float value : lanes.v) sum += static_cast<double>(value);
    return sum;
}

float largest(const Lanes& lanes) { return *std::ranges::max_element(lanes.v); }

constexpr auto kWorst = std::numeric_limits<float>::infinity();

/// The scale of least weighted squared error per lane: trial scales around the one that puts the value of largest
/// magnitude on the code -half, each improved by least squares.
Lanes searchScale(const LaneBlock& block, float half) {
    Lanes peak;
    for (int at = 0; at < block.elements * kLanes; ++at) {
        const float x = block.x[static_cast<std::size_t>(at)];
        if (std::fabs(x) > std::fabs(peak[at % kLanes])) peak[at % kLanes] = x;
    }
    Lanes scale, gain, inverse;
    LaneSums sums;
    const auto attempt = [&] {
        laneKernels().symmetricSums(block, half, inverse, sums);
        for (int l = 0; l < kLanes; ++l) {
            // With the best scale for these codes, xq / qq, the error is the sum of w x² less this gain.
            const float fitted = sums.xq[l] * inverseOf(sums.qq[l]);
            const float found = sums.xq[l] * fitted;
            if (found > gain[l]) {
                gain[l] = found;
                scale[l] = fitted;
            }
        }
    };
    for (int trial = -6; trial <= 6; ++trial) {
        for (int l = 0; l < kLanes; ++l)
            inverse[l] = -(half + 0.15f * static_cast<float>(trial)) * inverseOf(peak[l]);
        attempt();
    }
    for (int round = 0; round < 2; ++round) {
        for (int l = 0; l < kLanes; ++l) inverse[l] = inverseOf(scale[l]);
        attempt();
    }
    return scale;
}

struct ScaleAndMinimum {
    Lanes scale, minimum;
};

/// Both by weighted least squares for fixed codes; neither negative.
ScaleAndMinimum fit(const LaneSums& s) {
    ScaleAndMinimum fitted;
    for (int l = 0; l < kLanes; ++l) {
        const float determinant = s.w[l] * s.qq[l] - s.q[l] * s.q[l];
        const float scale = (s.w[l] * s.xq[l] - s.x[l] * s.q[l]) * inverseOf(determinant);
        const float minimum = (s.q[l] * s.xq[l] - s.qq[l] * s.x[l]) * inverseOf(determinant);
        if (determinant > 0 && scale > 0 && minimum > 0) {
            fitted.scale[l] = scale;
            fitted.minimum[l] = minimum;
        } else {
            fitted.scale[l] = std::max(0.f, s.xq[l] * inverseOf(s.qq[l]));
        }
    }
    return fitted;
}

/// The scale and minimum of least weighted squared error per lane: the range is cut into different numbers of steps,
/// each improved by least squares.
ScaleAndMinimum searchScaleAndMinimum(const LaneBlock& block, float top) {
    Lanes low, high, inverse, error, best;
    high.v.fill(-kWorst);
    best.v.fill(kWorst);
    for (int at = 0; at < block.elements * kLanes; ++at) {
        const float x = block.x[static_cast<std::size_t>(at)];
        low[at % kLanes] = std::min(low[at % kLanes], x);
        high[at % kLanes] = std::max(high[at % kLanes], x);
    }
    ScaleAndMinimum found, trial;
    const auto keepBetter = [&] {
        laneKernels().affineErrors(block, top, trial.scale, trial.minimum, error);
        for (int l = 0; l < kLanes; ++l)
            if (error[l] < best[l]) {
                best[l] = error[l];
                found.scale[l] = trial.scale[l];
                found.minimum[l] = trial.minimum[l];
            }
    };
    for (int l = 0; l < kLanes; ++l) {
        trial.scale[l] = std::max(0.f, (high[l] - low[l]) / top);
        trial.minimum[l] = -low[l];
    }
    keepBetter();
    LaneSums sums;
    Lanes start;
    const auto attempt = [&] {
        laneKernels().affineSums(block, top, inverse, start, sums);
        trial = fit(sums);
        keepBetter();
    };
    for (int l = 0; l < kLanes; ++l) start[l] = -low[l];
    for (int step = 0; step < 11; ++step) {
        const float levels = top - 1 + 0.3f * static_cast<float>(step);
        for (int l = 0; l < kLanes; ++l) inverse[l] = levels * inverseOf(high[l] - low[l]);
        attempt();
    }
    for (int round = 0; round < 3; ++round) {
        for (int l = 0; l < kLanes; ++l) inverse[l] = inverseOf(found.scale[l]);
        start = found.minimum;
        attempt();
    }
    return found;
}

int codeOf(float scaled, float low, float high) {
    return static_cast<int>(roundToEven(std::clamp(scaled, low, high)));
}

} // namespace

void searchQ4_0(const float* values, const float* importance, Byte* block, std::size_t blocks) {
    LaneBlock batch;
    while (blocks > 0) {
        const std::size_t present = std::min<std::size_t>(blocks, kLanes);
        std::array<float, kLanes * kBlock> x{}, w{};
        std::copy_n(values, present * kBlock, x.begin());
        std::copy_n(importance, present * kBlock, w.begin());
        load(batch, kBlock, x.data(), w.data());
        const Lanes scale = searchScale(batch, 8);
        // The nearest half and its neighbours: rounding the scale moves codes.
        Lanes stored, trial, error, least;
        least.v.fill(kWorst);
        for (int step = -1; step <= 1; ++step) {
            for (int l = 0; l < kLanes; ++l) trial[l] = asHalf(scale[l] * (1 + 0x1p-11f * static_cast<float>(step)));
            laneKernels().symmetricErrors(batch, 8, trial, error);
            for (int l = 0; l < kLanes; ++l)
                if (error[l] < least[l]) {
                    least[l] = error[l];
                    stored[l] = trial[l];
                }
        }
        for (std::size_t k = 0; k < present; ++k, block += 18, values += kBlock, importance += kBlock) {
            storeHalf(stored.v[k], block);
            const float inverse = inverseOf(stored.v[k]);
            for (int j = 0; j < 16; ++j)
                block[2 + j] = static_cast<Byte>((codeOf(values[j] * inverse, -8, 7) + 8) |
                                                 (codeOf(values[j + 16] * inverse, -8, 7) + 8) << 4);
        }
        blocks -= present;
    }
}

void searchQ6_K(const float* values, const float* importance, Byte* block, std::size_t blocks) {
    constexpr float kHalf = 32;
    constexpr int kElements = 16;
    std::array<LaneBlock, 2> subs;
    for (; blocks > 0; --blocks, values += kSuperBlock, block += 210) {
        std::array<Lanes, 2> scale, code, bestCode;
        float peak = 0;
        for (std::size_t h = 0; h < 2; ++h) {
            load(subs[h], kElements, values + 128 * h, importance == nullptr ? nullptr : importance + 128 * h);
            scale[h] = searchScale(subs[h], kHalf);
            for (const float value : scale[h].v)
                if (std::fabs(value) > std::fabs(peak)) peak = value;
        }
        if (importance != nullptr) importance += kSuperBlock;

        // Eight-bit codes for the scales; the one of largest magnitude takes the code -128.
        float d = asHalf(peak / -128), bestD = 0;
        double bestError = std::numeric_limits<double>::infinity();
        for (int round = 0; round < 2; ++round) {
            double found = 0, xq = 0, qq = 0;
            for (std::size_t h = 0; h < 2; ++h) {
                Lanes trialCode, trial, error, least;
                least.v.fill(kWorst);
                for (int step = -1; step <= 1; ++step) {
                    for (int l = 0; l < kLanes; ++l) {
                        const int near = codeOf(scale[h][l] * inverseOf(d), -128, 127);
                        trialCode[l] = static_cast<float>(std::clamp(near + step, -128, 127));
                        trial[l] = d * trialCode[l];
                    }
                    laneKernels().symmetricErrors(subs[h], kHalf, trial, error);
                    for (int l = 0; l < kLanes; ++l)
                        if (error[l] < least[l]) {
                            least[l] = error[l];
                            code[h][l] = trialCode[l];
                        }
                }
                found += total(least);
                LaneSums sums;
                for (int l = 0; l < kLanes; ++l) trial[l] = inverseOf(d * code[h][l]);
                laneKernels().symmetricSums(subs[h], kHalf, trial, sums);
                for (int l = 0; l < kLanes; ++l) {
                    const auto c = static_cast<double>(code[h][l]);
                    xq += c * static_cast<double>(sums.xq[l]);
                    qq += c * c * static_cast<double>(sums.qq[l]);
                }
            }
            if (found < bestError) {
                bestError = found;
                bestD = d;
                bestCode = code;
            }
            if (!(qq > 0)) break;
            d = asHalf(static_cast<float>(xq / qq)); // the common factor by least squares for these codes
        }

        std::memset(block, 0, 208);
        storeHalf(bestD, block + 208);
        for (int k = 0; k < 16; ++k) {
            const float c = bestCode[static_cast<std::size_t>(k / kLanes)][k % kLanes];
            block[192 + k] = static_cast<Byte>(static_cast<std::int8_t>(c));
            const float inverse = inverseOf(bestD * c);
            const int h = k / 8, j = k % 8 / 2;
            Byte* const low = block + 64 * h + 32 * (j & 1) + 16 * (k & 1);
            Byte* const high = block + 128 + 32 * h + 16 * (k & 1);
            for (int l = 0; l < 16; ++l) {
                const int q = codeOf(values[16 * k + l] * inverse, -kHalf, kHalf - 1) + 32;
                low[l] = static_cast<Byte>(low[l] | (q & 15) << (j < 2 ? 0 : 4));
                high[l] = static_cast<Byte>(high[l] | q >> 4 << 2 * j);
            }
        }
    }
}

void searchQ4_K(const float* values, const float* importance, Byte* block, std::size_t blocks) {
    constexpr float kTop = 15;
    LaneBlock sub;
    for (; blocks > 0; --blocks, values += kSuperBlock, block += 144) {
        load(sub, 32, values, importance);
        if (importance != nullptr) importance += kSuperBlock;
        const auto [scale, minimum] = searchScaleAndMinimum(sub, kTop);

        // Six-bit codes for scales and minima, in units of a 63rd of the largest.
        float d = asHalf(largest(scale) / 63), dmin = asHalf(largest(minimum) / 63);
        float bestD = 0, bestDmin = 0;
        Lanes code, minCode, trialCode, trialMinCode, trial, trialMin, error, least, bestCode, bestMinCode;
        double bestError = std::numeric_limits<double>::infinity();
        for (int round = 0; round < 2; ++round) {
            least.v.fill(kWorst);
            for (int step = 0; step < 9; ++step) {
                for (int l = 0; l < kLanes; ++l) {
                    const int near = codeOf(scale[l] * inverseOf(d), 0, 63);
                    const int nearMin = codeOf(minimum[l] * inverseOf(dmin), 0, 63);
                    trialCode[l] = static_cast<float>(std::clamp(near + step / 3 - 1, 0, 63));
                    trialMinCode[l] = static_cast<float>(std::clamp(nearMin + step % 3 - 1, 0, 63));
                    trial[l] = d * trialCode[l];
                    trialMin[l] = dmin * trialMinCode[l];
                }
                laneKernels().affineErrors(sub, kTop, trial, trialMin, error);
                for (int l = 0; l < kLanes; ++l)
                    if (error[l] < least[l]) {
                        least[l] = error[l];
                        code[l] = trialCode[l];
                        minCode[l] = trialMinCode[l];
                    }
            }
            if (const double found = total(least); found < bestError) {
                bestError = found;
                bestD = d;
                bestDmin = dmin;
                bestCode = code;
                bestMinCode = minCode;
            }
            // Both factors by least squares for these codes: x ~ d (code q) - dmin minCode.
            for (int l = 0; l < kLanes; ++l) {
                trial[l] = inverseOf(d * code[l]);
                trialMin[l] = dmin * minCode[l];
            }
            LaneSums sums;
            laneKernels().affineSums(sub, kTop, trial, trialMin, sums);
            double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
            for (int l = 0; l < kLanes; ++l) {
                const auto a = static_cast<double>(code[l]), b = static_cast<double>(minCode[l]);
                aa += a * a * static_cast<double>(sums.qq[l]);
                ab += a * b * static_cast<double>(sums.q[l]);
                bb += b * b * static_cast<double>(sums.w[l]);
                xa += a * static_cast<double>(sums.xq[l]);
                xb += b * static_cast<double>(sums.x[l]);
            }
            const double determinant = aa * bb - ab * ab;
            const double nextMin = determinant > 0 ? (ab * xa - aa * xb) / determinant : 0;
            const double next = nextMin > 0 ? (bb * xa - ab * xb) / determinant : aa > 0 ? xa / aa : 0;
            if (!(next > 0)) break;
            d = asHalf(static_cast<float>(next));
            dmin = asHalf(static_cast<float>(std::max(0.0, nextMin)));
        }

        storeHalf(bestD, block);
        storeHalf(bestDmin, block + 2);
        SixBitPairs pairs{};
        std::memset(block + 16, 0, 128);
        for (std::size_t s = 0; s < kLanes; ++s) {
            pairs.scales[s] = static_cast<Byte>(bestCode.v[s]);
            pairs.minima[s] = static_cast<Byte>(bestMinCode.v[s]);
            const float inverse = inverseOf(bestD * bestCode.v[s]), shift = bestDmin * bestMinCode.v[s];
            Byte* const codes = block + 16 + 32 * (s / 2);
            for (std::size_t l = 0; l < 32; ++l) {
                const int q = codeOf((values[32 * s + l] + shift) * inverse, 0, kTop);
                codes[l] = static_cast<Byte>(codes[l] | q << (s % 2 == 0 ? 0 : 4));
            }
        }
        storeSixBitPairs(pairs, block + 4);
    }
}

} // namespace qscope::engine::detail
