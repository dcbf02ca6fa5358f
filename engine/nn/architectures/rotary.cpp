// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/architectures/rotary.h"

#include "engine/core/result.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope::engine::nn {

namespace {

using Kind = RopeScaling::Kind;

double original(const ModelConfig& config) {
    return static_cast<double>(config.rope.originalContext > 0 ? config.rope.originalContext : config.context);
}

/// Frequencies that turn often within the original context stay, slow ones are divided, with a ramp between
/// (Peng et al., "YaRN", 2023, section 3.2).
void applyYarn(const ModelConfig& config, std::vector<double>& frequencies) {
    const double dimension = 2 * static_cast<double>(frequencies.size());
    // The index of the frequency that makes this many turns over the original context.
    const auto indexOf = [&](double turns) {
        return dimension * std::log(original(config) / (turns * 2 * std::numbers::pi)) /
               (2 * std::log(config.ropeBase));
    };
    const double low = std::max(std::floor(indexOf(config.rope.betaFast)), 0.0);
    double high = std::min(std::ceil(indexOf(config.rope.betaSlow)), dimension - 1);
    if (low == high) high += 0.001; // so that the ramp has a slope
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        const double divided = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
        frequencies[i] *= divided / config.rope.factor + (1 - divided);
    }
}

/// The rule of Meta's Llama 3.1: by wavelength, with a ramp between two of them.
void applyLlama3(const ModelConfig& config, std::vector<double>& frequencies) {
    const RopeScaling& rope = config.rope;
    for (double& frequency : frequencies) {
        const double turns = original(config) * frequency / (2 * std::numbers::pi);
        const double kept =
            std::clamp((turns - rope.lowFrequency) / (rope.highFrequency - rope.lowFrequency), 0.0, 1.0);
        frequency *= kept + (1 - kept) / rope.factor;
    }
}

Result<void> applyFactors(const std::vector<double>& factors, std::vector<double>& frequencies) {
    if (factors.size() != frequencies.size())
        return fail(ErrorCode::Malformed, "rotary scaling has {} factors for {} frequencies", factors.size(),
                    frequencies.size());
    for (std::size_t i = 0; i < factors.size(); ++i) {
        if (!(factors[i] > 0) || !std::isfinite(factors[i]))
            return fail(ErrorCode::Malformed, "factor {} of the rotary scaling is {}", i, factors[i]);
        frequencies[i] /= factors[i];
    }
    return {};
}

} // namespace

Result<std::vector<double>> rotaryFrequencies(const ModelConfig& config, std::int64_t dimension,
                                              std::int64_t positions) {
    if (dimension < 2 || dimension % 2 != 0)
        return fail(ErrorCode::Malformed, "rotary embedding turns {} elements of a head, which is no even number",
                    dimension);
    const RopeScaling& rope = config.rope;
    const auto size = static_cast<double>(dimension), length = static_cast<double>(positions);
    double base = config.ropeBase;
    // "Dynamic NTK" of bloc97 and emozilla, 2023: as long as the text fits, nothing changes.
    if (rope.kind == Kind::Dynamic && length > original(config) && dimension > 2)
        base *= std::pow(rope.factor * length / original(config) - (rope.factor - 1), size / (size - 2));
    std::vector<double> frequencies;
    for (std::int64_t i = 0; i < dimension / 2; ++i)
        frequencies.push_back(std::pow(base, -2 * static_cast<double>(i) / size));
    switch (rope.kind) {
    case Kind::None:
    case Kind::Dynamic: break;
    case Kind::Linear:
        for (double& frequency : frequencies) frequency /= rope.factor;
        break;
    case Kind::Yarn: applyYarn(config, frequencies); break;
    case Kind::Llama3: applyLlama3(config, frequencies); break;
    case Kind::LongRope:
        QSCOPE_CHECK(applyFactors(length > original(config) ? rope.longFactors : rope.shortFactors, frequencies));
        break;
    case Kind::Unknown: return fail(ErrorCode::Unsupported, "rotary scaling '{}' is not known", rope.name);
    }
    return frequencies;
}

double rotaryAmplitude(const ModelConfig& config) {
    const RopeScaling& rope = config.rope;
    if (rope.attentionFactor > 0) return rope.attentionFactor;
    if (rope.kind == Kind::LongRope) {
        const double stretch = static_cast<double>(config.context) / original(config);
        return stretch <= 1 ? 1 : std::sqrt(1 + std::log(stretch) / std::log(original(config)));
    }
    if (rope.kind != Kind::Yarn || rope.factor <= 1) return 1;
    const auto amplitude = [&](double scale) { return 0.1 * scale * std::log(rope.factor) + 1; };
    if (rope.scaleOfAll > 0 && rope.scaleOfAllBase > 0)
        return amplitude(rope.scaleOfAll) / amplitude(rope.scaleOfAllBase);
    return amplitude(1);
}

Result<RotaryTables> rotaryTables(const ModelConfig& config, std::int64_t dimension, std::int64_t positions) {
    QSCOPE_TRY(const auto frequencies, rotaryFrequencies(config, dimension, positions));
    const double amplitude = rotaryAmplitude(config);
    std::vector<float> cosines, sines;
    cosines.reserve(static_cast<std::size_t>(positions) * frequencies.size());
    sines.reserve(cosines.capacity());
    for (std::int64_t position = 0; position < positions; ++position)
        for (const double frequency : frequencies) {
            const double angle = static_cast<double>(position) * frequency;
            cosines.push_back(static_cast<float>(amplitude * std::cos(angle)));
            sines.push_back(static_cast<float>(amplitude * std::sin(angle)));
        }
    const Shape shape{positions, static_cast<std::int64_t>(frequencies.size())};
    return RotaryTables{makeValue(shape, std::move(cosines)), makeValue(shape, std::move(sines))};
}

} // namespace qscope::engine::nn
