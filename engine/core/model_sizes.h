// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qscope::engine {

/// How a model stretches the angles of rotary embedding beyond the lengths it was first trained with. The kinds are
/// those of "rope_scaling" in Hugging Face's config.json; `nn/architectures/rotary.h` has the formulas.
struct RopeScaling {
    enum class Kind : std::uint8_t {
        None,
        Linear,   ///< positions divided by `factor`
        Dynamic,  ///< a base that grows with the length ("NTK")
        Yarn,     ///< Peng et al., 2023
        Llama3,   ///< slow frequencies divided by `factor`, fast ones kept
        LongRope, ///< Ding et al., 2024: a divisor for each frequency
        Unknown   ///< `name` says which
    };
    Kind kind = Kind::None;
    std::string name = {};
    double factor = 1;
    std::int64_t originalContext = 0; ///< of the first training; zero: the model's context
    double attentionFactor = 0;       ///< on cosines and sines; zero: what the kind prescribes
    double betaFast = 32;             ///< Yarn
    double betaSlow = 1;
    double scaleOfAll = 0; ///< Yarn's "mscale" and "mscale_all_dim"; zero: not given
    double scaleOfAllBase = 0;
    double lowFrequency = 1; ///< Llama 3
    double highFrequency = 4;
    std::vector<double> shortFactors = {}; ///< LongRope: divisors up to the original context, and beyond it
    std::vector<double> longFactors = {};
};

/// Sizes of a model and what else decides what it computes, as far as the file states it; zero or empty where it does
/// not.
struct ModelConfig {
    std::int64_t width = 0;
    std::int64_t hidden = 0; ///< of the feed-forward part; of Mamba: channels of its recurrence
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

    std::string activation = {}; ///< "hidden_act" in Hugging Face's words; empty: the family's
    std::int64_t rotated = 0;    ///< elements of each head that rotary embedding turns; zero: all
    RopeScaling rope = {};
    double queryScale = 0;                   ///< attention divides by its square root; zero: the head size
    std::vector<std::uint8_t> windowed = {}; ///< per layer whether `window` holds; empty: as the family does
    std::vector<std::int64_t> endTokens = {};
    std::int64_t tokenTypes = 0;     ///< of BERT
    std::int64_t embeddingWidth = 0; ///< of OPT; zero: width
    bool normFirst = true;           ///< of OPT: norms in front of attention and feed-forward, not behind
    std::int64_t imageSize = 0;      ///< of ViT, in pixels
    std::int64_t patchSize = 0;
    std::int64_t channels = 0;
    std::int64_t stateSize = 0; ///< of Mamba
    std::int64_t convWidth = 0;
    std::int64_t timeStepRank = 0;
    std::int64_t attentionWidth = 0;           ///< of RWKV; zero: width
    std::vector<std::string> unsupported = {}; ///< settings that ask for what no architecture here does
};

} // namespace qscope::engine
