// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/selective_scan.h"

#include "engine/core/checked_math.h"
#include "engine/core/parallel.h"
#include "engine/nn/kernels/scratch.h"
#include "engine/nn/kernels/vector_math.h"

#include <algorithm>
#include <cassert>

namespace qscope::engine::kernels {

namespace {

constexpr std::int64_t kChannels = 16; // of one task
constexpr std::int64_t kSteps = 1024;  // between questions whether to stop

template<class T>
void scanSteps(const SelectiveScan<T>& s, std::int64_t item, std::int64_t channel, std::int64_t channels,
               std::int64_t begin, std::int64_t end, std::span<T> decay) {
    T* const h = s.state.data() + (item * s.channels + channel) * s.states;
    const T* const a = s.a.data() + channel * s.states;
    for (std::int64_t t = begin; t < end; ++t) {
        const std::int64_t at = (item * s.time + t) * s.channels + channel;
        const T *const x = s.x.data() + at, *const delta = s.delta.data() + at;
        const T *const b = s.b.data() + (item * s.time + t) * s.states, *const c =
                                                                            s.c.data() + (item * s.time + t) * s.states;
        for (std::int64_t k = 0, n = 0; k < channels; ++k)
            for (std::int64_t i = 0; i < s.states; ++i, ++n) decay[static_cast<std::size_t>(n)] = delta[k] * a[n];
        evaluate(Function::Exp, decay, decay, s.instructions);
        for (std::int64_t k = 0, n = 0; k < channels; ++k) {
            const T input = delta[k] * x[k];
            double sum = s.d.empty() ? 0
                                     : static_cast<double>(s.d[static_cast<std::size_t>(channel + k)]) *
                                           static_cast<double>(x[k]);
            for (std::int64_t i = 0; i < s.states; ++i, ++n) {
                h[n] = decay[static_cast<std::size_t>(n)] * h[n] + input * b[i];
                sum += static_cast<double>(c[i]) * static_cast<double>(h[n]);
            }
            s.y[static_cast<std::size_t>(at + k)] = static_cast<T>(sum);
        }
    }
}

template<class T>
Result<void> scanAll(const SelectiveScan<T>& s, const RunContext& context) {
    assert(static_cast<std::int64_t>(s.x.size()) == s.batch * s.time * s.channels && s.x.size() == s.delta.size() &&
           s.x.size() == s.y.size());
    assert(static_cast<std::int64_t>(s.b.size()) == s.batch * s.time * s.states && s.b.size() == s.c.size());
    assert(static_cast<std::int64_t>(s.state.size()) == s.batch * s.channels * s.states);
    const std::int64_t parts = ceilDiv(s.channels, kChannels);
    return parallelChunks(s.batch * parts, 1, context, [&](std::int64_t task, std::int64_t) -> Result<void> {
        const std::int64_t item = task / parts, channel = task % parts * kChannels;
        const std::int64_t channels = std::min(kChannels, s.channels - channel);
        Scratch<T> scratch;
        const std::span<T> decay(scratch.reserve(channels * s.states), static_cast<std::size_t>(channels * s.states));
        for (std::int64_t t = 0; t < s.time; t += kSteps) {
            if (context.cancelled()) return cancelled();
            scanSteps(s, item, channel, channels, t, std::min(t + kSteps, s.time), decay);
        }
        return {};
    });
}

} // namespace

Result<void> selectiveScan(const SelectiveScan<float>& scan, const RunContext& context) {
    return scanAll(scan, context);
}
Result<void> selectiveScan(const SelectiveScan<double>& scan, const RunContext& context) {
    return scanAll(scan, context);
}

} // namespace qscope::engine::kernels
