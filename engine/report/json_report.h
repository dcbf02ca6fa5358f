// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/core/json.h"
#include "engine/report/compare_report.h"
#include "engine/report/propagation_report.h"

namespace qscope::engine {

// Keys of numbers are those of `metricTable()`. An `sqnr_db` of null stands for infinity: the result is exact.

/// {name, bits, relative_mse, sqnr_db, max_error, cosine} and `layer` where there is one.
[[nodiscard]] Json toJson(const TensorResult& result);

/// {method, label, bits_per_weight, bytes, relative_mse, sqnr_db, max_error, cosine, perplexity, nll, kl_divergence,
/// top1_agreement, seconds, device}: one row of a comparison. `method` is the specification as one writes it on the command
/// line. What only an evaluated text would tell is null without one.
[[nodiscard]] Json summaryJson(const MethodResult& result);

/// The summary and `tensors`.
[[nodiscard]] Json toJson(const MethodResult& result);

/// {source, scoring, context, perplexity, nll, tokens, tokens_per_second}: the text and how well the model in full precision
/// predicts it.
[[nodiscard]] Json toJson(const EvaluatedText& text);

/// {text, sequences, length, distinct_tokens, vocabulary, silent_channels}
[[nodiscard]] Json toJson(const CalibrationFacts& facts);

/// {method, label, layers, parts, logits} with layers[{index, name, relative_mse, cosine, sqnr_db, max_error, kurtosis,
/// max_to_mean, reference_kurtosis, reference_max_to_mean, token_error, worst_channels}], parts of the same form, and
/// logits{relative_mse, cosine, kl_divergence, top1_agreement, token_kl_divergence}. With attribution: `outside` and
/// attribution[{index, alone, up_to, without}], each {kl_divergence, relative_mse}.
[[nodiscard]] Json toJson(const MethodPropagation& result);

/// {source, rows, notes} and `text` and `calibration` where there are; every row is a whole method result.
[[nodiscard]] Json toJson(const CompareReport& report);

/// {severity, message} and `subject` where there is one.
[[nodiscard]] Json toJson(const Diagnostic& note);

} // namespace qscope::engine
