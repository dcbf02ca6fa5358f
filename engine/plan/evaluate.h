// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/analysis/text_quality.h"
#include "engine/nn/graph/execution.h"
#include "engine/plan/language_text.h"
#include "engine/report/compare_report.h"

#include <span>

namespace qscope::engine {

/// What one pass over a text measured.
struct TextEvaluation {
    std::shared_ptr<const EvaluatedText> text;
    std::vector<std::shared_ptr<const TextQuality>> methods; ///< in the order in which they were given
};

/// Another set of weights for the same graph, and what watches the run; both outlive the evaluation.
struct ModelVariant {
    const nn::WeightSource* weights = nullptr;
    nn::Observer* observer = nullptr;
};

/// Scores the model on the text of the settings, and every method's result in the same pass, against the model in full
/// precision. Windows go through in batches, so that each weight is loaded once per batch. Progress counts tokens.
/// Unsupported for what is no language model or has no tokenizer; OutOfRange for a window that the model's context
/// does not hold; Malformed for a text with nothing to score.
[[nodiscard]] Result<TextEvaluation> evaluate(const Model& model, const EvaluationSettings& settings,
                                              std::span<const MethodResult* const> methods, const RunContext& context);

/// How tokens go through.
struct EvaluationRun {
    std::span<const std::int32_t> tokens;
    std::span<const TextWindow> windows; ///< in order, inside `tokens`
    std::int64_t batch = 1;              ///< windows at a time
    std::int32_t begin = -1;             ///< stands in for the first token of each window; -1: nothing does
};

/// The same on tokens, for any weights: the quality of the reference, then of the variants. Malformed when logits are
/// NaN or infinite.
[[nodiscard]] Result<std::vector<TextQuality>> evaluateTokens(const nn::Graph& graph, const nn::WeightSource& reference,
                                                              std::span<const ModelVariant> variants,
                                                              const EvaluationRun& run, const RunContext& context);

} // namespace qscope::engine
