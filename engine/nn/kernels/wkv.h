// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/kernels/instruction_set.h"

#include <cstdint>
#include <span>

namespace qscope::engine::kernels {

/// The weighted mean of values in RWKV-4 (Peng et al., "RWKV: Reinventing RNNs for the transformer era", 2023), for
/// every channel on its own:
/// y_t = (sum over i < t of e^((t - 1 - i) decay + k_i) v_i + e^(bonus + k_t) v_t) / (the same without v).
/// Numerator aa and denominator bb are kept divided by e^pp, so that nothing overflows.
template<class T>
struct Wkv {
    std::int64_t batch = 0;
    std::int64_t time = 0;
    std::int64_t channels = 0;
    std::span<const T> key;   ///< [batch, time, channels]
    std::span<const T> value; ///< [batch, time, channels]
    std::span<const T> decay; ///< [channels], negative: minus e to the stored parameter
    std::span<const T> bonus; ///< [channels]
    std::span<T> aa;          ///< [batch, channels] each: carried from call to call; begins as 0, 0 and -1e38
    std::span<T> bb;
    std::span<T> pp;
    std::span<T> y; ///< [batch, time, channels]
    InstructionSet instructions = bestInstructionSet();
};

/// One step after another, channels in parallel: splitting a sequence and carrying the state gives the same bits.
/// After Cancelled the state is that of no step in particular.
[[nodiscard]] Result<void> wkv(const Wkv<float>& sequence, const RunContext& context);
[[nodiscard]] Result<void> wkv(const Wkv<double>& sequence, const RunContext& context);

} // namespace qscope::engine::kernels
