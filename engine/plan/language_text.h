// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/text_quality.h"
#include "engine/nn/graph/execution.h"
#include "engine/nn/tokenizer/tokenizer.h"
#include "engine/plan/model.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace qscope::engine {

/// A text in a model's tokens.
struct TokenizedText {
    std::shared_ptr<const Tokenizer> tokenizer;
    std::vector<std::int32_t> tokens;
};

/// Consecutive tokens that go through a model together: [first, first + length), of which those from `scoredFrom`
/// (within the window) on are scored.
struct TextWindow {
    std::int64_t first = 0;
    std::int64_t length = 0;
    std::int64_t scoredFrom = 1;

    [[nodiscard]] std::int64_t scored() const { return length - scoredFrom; }
};

/// The longest window that is taken where nobody asks for one.
inline constexpr std::int64_t kUsualWindow = 2048;

/// Unsupported when the model's graph does not give logits for tokens.
[[nodiscard]] Result<void> requireLanguageModel(const Model& model);

/// The text of a file, as the model's tokenizer cuts it. Errors name the text. Malformed for a text of fewer than two
/// tokens: there is nothing to predict.
[[nodiscard]] Result<TokenizedText> tokenizeFile(const Model& model, const std::string& path, AddEnds ends,
                                                 const RunContext& context);

/// The bytes that each token stands for, one after another the text (control tokens: nothing).
[[nodiscard]] Result<std::vector<std::string>> piecesOf(const Tokenizer& tokenizer,
                                                        std::span<const std::int32_t> tokens);

/// Tokens of a window: `asked`, or with 0 what the model holds, at most kUsualWindow. OutOfRange beyond what
/// the model was made for.
[[nodiscard]] Result<std::int64_t> windowLength(const Model& model, std::int64_t asked);

/// `tokens` cut as the settings say, in windows of `context`; stops after the window that reaches `settings.tokens`.
[[nodiscard]] std::vector<TextWindow> cutWindows(std::int64_t tokens, std::int64_t context,
                                                 const EvaluationSettings& settings);

/// For each token the next one, [1, tokens] of I64; -1 behind the last: nothing to predict.
[[nodiscard]] nn::Value nextTokens(std::span<const std::int32_t> tokens);

/// A run of a language model's graph on tokens [batch, time], not started yet: its inputs are set. Unsupported for a
/// graph with other inputs than "tokens" and "positions".
[[nodiscard]] Result<void> setTokens(nn::Execution& execution, const nn::Graph& graph,
                                     std::span<const std::int32_t> tokens, std::int64_t batch);

/// Adds to a job's progress in fractions: nodes of a run are many, its tokens may be few.
struct NodeProgress {
    Progress& progress;
    double perNode = 0; ///< tokens of the run / nodes of the graph
    double owed = 0;
};

/// Runs nodes [first, end) one by one, counting each.
[[nodiscard]] Result<void> runCounted(nn::Execution& execution, std::size_t first, std::size_t end,
                                      NodeProgress& counted);

/// The whole graph, so that `tokens` are counted at its end.
[[nodiscard]] Result<void> runCounted(nn::Execution& execution, const nn::Graph& graph, std::size_t tokens,
                                      Progress& progress);

/// How many windows of `time` tokens go through together: bounds what the run holds to some hundred MB.
[[nodiscard]] std::int64_t batchSize(const Model& model, std::int64_t time);

} // namespace qscope::engine
