// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qscope::engine {

/// Which tokens of a text are scored. Both cut the text into consecutive windows that know nothing of one another.
enum class Scoring : std::uint8_t {
    Windows,   ///< every token but a window's first; the last window may be shorter
    SecondHalf ///< predictions made from the second half of each whole window, as the public GGUF runtime does
};

/// "windows", "second-half": in files, on the command line, in reports.
[[nodiscard]] std::string_view nameOf(Scoring scoring);
/// OutOfRange names the known ones.
[[nodiscard]] Result<Scoring> scoringFromName(std::string_view name);

/// On which text, and how, models are measured.
struct EvaluationSettings {
    std::string text = {};    ///< path of the text; empty: nothing is measured
    std::int64_t context = 0; ///< tokens of a window; 0: the model's context, at most 2048
    std::int64_t tokens = 0;  ///< stops after the window in which so many tokens have been scored; 0: the whole text
    Scoring scoring = Scoring::Windows;

    friend bool operator==(const EvaluationSettings&, const EvaluationSettings&) = default;
};

/// How well a model predicts a text, and how close it is to the model in full precision. Definitions: `metricTable()`.
/// Lists have one entry per token of the `EvaluatedText`, NaN where a token is not scored.
struct TextQuality {
    std::int64_t tokens = 0; ///< scored
    double nll = 0;          ///< nats per token
    double perplexity = 1;
    double klDivergence = 0; ///< nats per token, full precision as reference
    double top1Agreement = 1;
    double tokensPerSecond = 0;    ///< all tokens that went through the model, scored or not
    std::vector<float> loss;       ///< nats; the difference to the reference's is what quantization cost this token
    std::vector<float> divergence; ///< nats; empty for the reference itself
};

/// A text as one pass over it saw it, and the reference in full precision.
struct EvaluatedText {
    std::string source; ///< path of the text
    Scoring scoring = Scoring::Windows;
    std::int64_t context = 0;         ///< tokens of a window
    std::vector<std::int32_t> tokens; ///< window after window
    std::vector<std::string> pieces;  ///< the bytes each token stands for; together they are the text
    TextQuality reference;
};

} // namespace qscope::engine
