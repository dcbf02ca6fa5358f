// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/wkv.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/nn/kernels/vector_math.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace qscope::engine::kernels {

namespace {

constexpr std::int64_t kChannels = 64; // of one task
constexpr std::int64_t kSteps = 1024;  // between questions whether to stop

/// Two exponentials per channel, relative to the larger exponent.
template<class T>
struct Weights {
    std::array<T, 2 * kChannels> values{};

    [[nodiscard]] T& first(std::int64_t c) { return values[static_cast<std::size_t>(c)]; }
    [[nodiscard]] T& second(std::int64_t c) { return values[static_cast<std::size_t>(kChannels + c)]; }
    /// Returns the larger exponent.
    T set(std::int64_t c, T one, T other) {
        const T larger = std::max(one, other);
        first(c) = one - larger;
        second(c) = other - larger;
        return larger;
    }
    void exponentiate(InstructionSet instructions) {
        evaluate(Function::Exp, std::span<const T>(values), std::span<T>(values), instructions);
    }
};

template<class T>
void steps(const Wkv<T>& s, std::int64_t item, std::int64_t channel, std::int64_t channels, std::int64_t begin,
           std::int64_t end) {
    const std::int64_t carried = item * s.channels + channel;
    T *const aa = s.aa.data() + carried, *const bb = s.bb.data() + carried, *const pp = s.pp.data() + carried;
    const T *const decay = s.decay.data() + channel, *const bonus = s.bonus.data() + channel;
    Weights<T> weights;
    for (std::int64_t t = begin; t < end; ++t) {
        const std::int64_t at = (item * s.time + t) * s.channels + channel;
        const T *const k = s.key.data() + at, *const v = s.value.data() + at;
        for (std::int64_t c = 0; c < channels; ++c) (void)weights.set(c, pp[c], bonus[c] + k[c]);
        weights.exponentiate(s.instructions);
        for (std::int64_t c = 0; c < channels; ++c)
            s.y[static_cast<std::size_t>(at + c)] =
                (weights.first(c) * aa[c] + weights.second(c) * v[c]) / (weights.first(c) * bb[c] + weights.second(c));
        for (std::int64_t c = 0; c < channels; ++c) pp[c] = weights.set(c, pp[c] + decay[c], k[c]);
        weights.exponentiate(s.instructions);
        for (std::int64_t c = 0; c < channels; ++c) {
            aa[c] = weights.first(c) * aa[c] + weights.second(c) * v[c];
            bb[c] = weights.first(c) * bb[c] + weights.second(c);
        }
    }
}

template<class T>
Result<void> wkvAll(const Wkv<T>& s, const RunContext& context) {
    assert(static_cast<std::int64_t>(s.key.size()) == s.batch * s.time * s.channels && s.key.size() == s.value.size() &&
           s.key.size() == s.y.size());
    assert(static_cast<std::int64_t>(s.aa.size()) == s.batch * s.channels && s.aa.size() == s.bb.size() &&
           s.aa.size() == s.pp.size());
    const std::int64_t parts = ceilDiv(s.channels, kChannels);
    return parallelChunks(s.batch * parts, 1, context, [&](std::int64_t task, std::int64_t) -> Result<void> {
        const std::int64_t item = task / parts, channel = task % parts * kChannels;
        for (std::int64_t t = 0; t < s.time; t += kSteps) {
            if (context.cancelled()) return cancelled();
            steps(s, item, channel, std::min(kChannels, s.channels - channel), t, std::min(t + kSteps, s.time));
        }
        return {};
    });
}

} // namespace

Result<void> wkv(const Wkv<float>& sequence, const RunContext& context) { return wkvAll(sequence, context); }
Result<void> wkv(const Wkv<double>& sequence, const RunContext& context) { return wkvAll(sequence, context); }

} // namespace qscope::engine::kernels
