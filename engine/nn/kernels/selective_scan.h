// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/kernels/instruction_set.h"

#include <cstdint>
#include <span>

namespace qscope::engine::kernels {

/// The recurrence of selective state spaces (Gu and Dao, "Mamba", 2023, with the input step as in its code):
/// h_t = exp(delta_t A) h_(t-1) + delta_t B_t x_t,  y_t = C_t h_t + D x_t, for every channel with states of its own.
template<class T>
struct SelectiveScan {
    std::int64_t batch = 0;
    std::int64_t time = 0;
    std::int64_t channels = 0;
    std::int64_t states = 0;
    std::span<const T> x;     ///< [batch, time, channels]
    std::span<const T> delta; ///< [batch, time, channels], after softplus
    std::span<const T> a;     ///< [channels, states]
    std::span<const T> b;     ///< [batch, time, states]
    std::span<const T> c;     ///< [batch, time, states]
    std::span<const T> d;     ///< [channels], or empty for 0
    std::span<T> state;       ///< [batch, channels, states]: h before the first step, after it the last h
    std::span<T> y;           ///< [batch, time, channels]
    InstructionSet instructions = bestInstructionSet();
};

/// One step after another, channels in parallel: splitting a sequence and carrying the state gives the same bits.
/// After Cancelled the state is that of no step in particular.
[[nodiscard]] Result<void> selectiveScan(const SelectiveScan<float>& scan, const RunContext& context);
[[nodiscard]] Result<void> selectiveScan(const SelectiveScan<double>& scan, const RunContext& context);

} // namespace qscope::engine::kernels
