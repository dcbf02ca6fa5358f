// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/run_context.h"
#include "engine/nn/kernels/instruction_set.h"

#include <cstdint>
#include <span>

namespace qscope::engine::kernels {

/// Vectors of heads in any order of axes: element (item, head, position, i) lies at
/// item * batchStride + head * headStride + position * positionStride + i.
template<class T>
struct HeadVectors {
    std::span<T> values;
    std::int64_t batchStride = 0;
    std::int64_t headStride = 0;
    std::int64_t positionStride = 0;
};

/// Added to the scores; element (item, head, query, key) by these strides, 0 where it repeats.
template<class T>
struct AttentionMask {
    std::span<const T> values;
    std::int64_t batchStride = 0;
    std::int64_t headStride = 0;
    std::int64_t queryStride = 0;
    std::int64_t keyStride = 0;
};

/// result = softmax(cap(scale * query key^T) + mask) value. Head h reads the key and value head h / (heads / kvHeads).
/// Key k has position k, query t has position `firstPosition + t`.
template<class T>
struct Attention {
    std::int64_t batch = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0; // divides heads
    std::int64_t queries = 0;
    std::int64_t keys = 0;
    std::int64_t size = 0;      // of queries and keys
    std::int64_t valueSize = 0; // of values and results
    HeadVectors<const T> query;
    HeadVectors<const T> key;
    HeadVectors<const T> value;
    HeadVectors<T> result;
    T scale = 1;
    T softCap = 0;       ///< scores become softCap * tanh(score / softCap); 0: as they are
    bool causal = false; ///< a query sees keys up to its own position
    std::int64_t firstPosition = 0;
    std::int64_t window = 0;      ///< a query sees only keys with position > its own - window; 0: all
    AttentionMask<T> mask{};      ///< no values: none
    std::span<T> probabilities{}; ///< [batch, heads, queries, keys] when wanted, else empty
    InstructionSet instructions = bestInstructionSet();
};

/// On all cores, a block of queries of one key head at a time: memory is a few megabytes per thread, never all scores.
/// A query that sees no key, or whose scores are all -inf, gives zeros. NaN among the scores it sees gives NaN. Values
/// at keys that a query does not see must be finite: they are multiplied with 0. Results do not depend on the number of
/// threads.
[[nodiscard]] Result<void> attend(const Attention<float>& attention, const RunContext& context);
[[nodiscard]] Result<void> attend(const Attention<double>& attention, const RunContext& context);

} // namespace qscope::engine::kernels
