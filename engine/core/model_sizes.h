// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace qscope::engine {

/// Sizes of a language model, as far as the file states them; zero where it does not.
struct ModelConfig {
    std::int64_t width = 0;
    std::int64_t hidden = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t vocabulary = 0;
    std::int64_t context = 0;
    double normEpsilon = 1e-5;
    double ropeBase = 10000.0;
    bool tiedOutput = false;
    std::int64_t headSize = 0; ///< zero: width / heads
    std::int64_t experts = 0;
    std::int64_t expertsUsed = 0; ///< of each token
    std::int64_t window = 0;      ///< tokens that attention reaches back; zero: all
    double attentionCap = 0;      ///< soft caps on the logits of attention and output; zero: none
    double outputCap = 0;
};

} // namespace qscope::engine
