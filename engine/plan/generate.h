// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/model.h"

namespace qscope::engine {

/// How a token is chosen from the logits. Random choices depend on seed and step alone.
struct Sampling {
    double temperature = 0; ///< divides the logits; zero: the most likely token, the lowest id among equals
    std::int64_t topK = 0;  ///< only the K most likely; zero: all
    double topP = 1;        ///< only the fewest whose probabilities reach P together (Holtzman et al., 2019)
    std::uint64_t seed = 0;
};

struct GenerateOptions {
    std::int64_t tokens = 128; ///< at most
    Sampling sampling = {};
    bool pastEnd = false; ///< goes on behind an end token
    Precision precision = Precision::Single;
    std::function<void(int)> onToken = {}; ///< called with each new token, from the calling thread
};

enum class GenerateEnd : std::uint8_t { Tokens, EndToken, ContextFull };

struct Generated {
    std::vector<int> ids; ///< the new ones; an end token that ended it is not among them
    GenerateEnd end = GenerateEnd::Tokens;
    double seconds = 0; ///< of reading the prompt and generating
};

/// OutOfRange when the sampling makes no sense.
[[nodiscard]] Result<void> checkSampling(const Sampling& sampling);

/// The token for these logits at this step of a text.
[[nodiscard]] int chooseToken(std::span<const float> logits, const Sampling& sampling, std::uint64_t step);

/// Continues the prompt token by token, remembering what was computed. `ends`: tokens that end a text. OutOfRange for a
/// prompt that `checkTokens` refuses; Unsupported when the model is no language model; Cancelled between tokens.
[[nodiscard]] Result<Generated> generate(const Model& model, std::span<const int> prompt, std::span<const int> ends,
                                         const GenerateOptions& options, const RunContext& context);

} // namespace qscope::engine
