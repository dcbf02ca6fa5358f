// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/operators/arguments.h"

namespace qscope::engine::nn {

/// Queries [batch, heads, time, size] attend to keys and values [batch, kvHeads, total, ...], of which the first `past`
/// were known before this call.
struct Sizes {
    std::int64_t batch = 0, heads = 0, time = 0, size = 0;
    std::int64_t kvHeads = 0, total = 0, valueSize = 0, past = 0;
};

/// What a mask says about keys: an addend for each, or whether it counts. Keys behind its last are left out.
struct Mask {
    const Value* value = nullptr;
    std::int64_t batchStride = 0, headStride = 0, timeStride = 0, known = 0;
};

/// How scores become probabilities.
struct Rules {
    double scale = 1;
    double softcap = 0;
    bool causal = false;
    std::int64_t window = 0;
    bool maskFirst = false;          ///< before the soft cap: opset 23
    int kept = -1;                   ///< which scores are an output: 0 raw, 1 and 2 after each step, 3 probabilities
    std::vector<std::int64_t> valid; ///< per batch, keys that count; empty: all
};

/// A mask of 2 to 4 axes that broadcasts to [batch, heads, time, up to total]; none for null.
[[nodiscard]] Result<Mask> maskOf(const Value* value, const Sizes& sizes, DType type);

template<class T>
struct Attended {
    std::vector<T> result; ///< [batch, heads, time, valueSize]
    std::vector<T> kept;   ///< [batch, heads, time, total] when `Rules::kept` asks
};

/// Attention as its definition says, score by score: for what the kernel does not do, which is to keep scores, to mask
/// before the soft cap, and to count valid keys per item. All values have four axes; T is float or double. A query that
/// may attend to nothing gets zeros.
template<class T>
[[nodiscard]] Result<Attended<T>> attendByScores(const Value& queries, const Value& keys, const Value& values,
                                                 const Mask& mask, const Rules& rules, const Sizes& sizes,
                                                 const RunContext& context);

} // namespace qscope::engine::nn
