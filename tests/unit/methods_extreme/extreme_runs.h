// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "tests/support/method_runs.h"
#include "tests/support/random_values.h"

#include <algorithm>
#include <cmath>

namespace qscope::test {

/// Squared error over squared weights.
inline double relativeError(const std::vector<float>& found, const std::vector<float>& values) {
    double error = 0, power = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double difference = static_cast<double>(found[i]) - static_cast<double>(values[i]);
        error += difference * difference;
        power += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    return error / power;
}

/// XᵀX of random inputs that share two directions, and the sum of d XᵀX dᵀ over rows of differences.
struct CorrelatedInputs {
    explicit CorrelatedInputs(std::int64_t channels) {
        constexpr std::size_t kTokens = 200;
        const auto n = static_cast<std::size_t>(channels);
        const auto noise = normalValues(kTokens * n, 71), shared = normalValues(kTokens * 2, 72),
                   mix = normalValues(2 * n, 73);
        statistics.channels = channels;
        statistics.tokens = kTokens;
        statistics.channelMax.assign(n, 0);
        statistics.secondMoments.assign(n * n, 0);
        std::vector<float> x(n);
        for (std::size_t t = 0; t < kTokens; ++t) {
            for (std::size_t c = 0; c < n; ++c) {
                x[c] = 0.5F * noise[t * n + c] + shared[2 * t] * mix[c] + shared[2 * t + 1] * mix[n + c];
                statistics.channelMax[c] = std::max(statistics.channelMax[c], std::abs(x[c]));
            }
            for (std::size_t i = 0; i < n; ++i)
                for (std::size_t j = 0; j < n; ++j)
                    statistics.secondMoments[i * n + j] += static_cast<double>(x[i]) * static_cast<double>(x[j]);
        }
    }

    [[nodiscard]] double loss(const std::vector<float>& found, const std::vector<float>& values) const {
        const auto n = static_cast<std::size_t>(statistics.channels);
        const auto off = [&](std::size_t at) {
            return static_cast<double>(found[at]) - static_cast<double>(values[at]);
        };
        double sum = 0;
        for (std::size_t row = 0; row < values.size(); row += n)
            for (std::size_t i = 0; i < n; ++i)
                for (std::size_t j = 0; j < n; ++j)
                    sum += off(row + i) * statistics.secondMoments[i * n + j] * off(row + j);
        return sum;
    }

    [[nodiscard]] engine::QuantInput inputOf(const engine::TensorView& weight) const {
        engine::QuantInput input = engine::inputOf(weight);
        input.subject.hasCalibration = true;
        input.calibration = &statistics;
        return input;
    }

    engine::InputStatistics statistics;
};

} // namespace qscope::test
