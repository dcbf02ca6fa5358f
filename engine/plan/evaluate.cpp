// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/evaluate.h"

#include "engine/analysis/token_loss.h"
#include "engine/core/parallel.h"
#include "engine/nn/device/device_run.h"
#include "engine/nn/taps/quantize_activations.h"
#include "engine/plan/substituted_weights.h"

#include <chrono>
#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

/// A prediction that is scored: row `row` of the batch's logits is about token `token` of the text.
struct Prediction {
    std::int64_t row = 0;
    std::int64_t token = 0;
};

/// What scoring one prediction gives.
struct Score {
    double loss = 0;
    double divergence = 0;
    bool agrees = true;
};

/// Sums behind a `TextQuality` under way.
struct Totals {
    double loss = 0;
    double divergence = 0;
    std::int64_t agreeing = 0;
    double seconds = 0;
};

class EvaluationPass {
public:
    EvaluationPass(const nn::Graph& graph, const EvaluationRun& run, std::size_t variants, nn::RunDevice device,
                   const RunContext& context)
        : m_device(std::move(device))
        , m_graph(graph)
        , m_run(run)
        , m_context(context)
        , m_quiet{context.stop, m_unseen, context.notes, context.backend}
        , m_qualities(1 + variants)
        , m_totals(1 + variants) {
        for (std::size_t q = 0; q < m_qualities.size(); ++q) {
            m_qualities[q].loss.assign(run.tokens.size(), std::numeric_limits<float>::quiet_NaN());
            if (q > 0) m_qualities[q].divergence = m_qualities[q].loss;
        }
    }

    /// Windows of equal length, one after another in the text.
    Result<void> addBatch(std::span<const TextWindow> windows, const nn::WeightSource& reference,
                          std::span<const ModelVariant> variants) {
        m_tokens.clear();
        m_predictions.clear();
        for (const TextWindow& window : windows) {
            const auto row = static_cast<std::int64_t>(m_tokens.size());
            const auto taken =
                m_run.tokens.subspan(static_cast<std::size_t>(window.first), static_cast<std::size_t>(window.length));
            m_tokens.insert(m_tokens.end(), taken.begin(), taken.end());
            if (m_run.begin >= 0) m_tokens[static_cast<std::size_t>(row)] = m_run.begin;
            for (std::int64_t j = window.scoredFrom; j < window.length; ++j)
                m_predictions.push_back({row + j - 1, window.first + j});
        }
        const auto batch = static_cast<std::int64_t>(windows.size());
        QSCOPE_TRY(const nn::Value expected, logits(0, reference, nullptr, batch));
        m_referenceSums.resize(m_predictions.size());
        QSCOPE_CHECK(score(0, expected, nullptr));
        for (std::size_t v = 0; v < variants.size(); ++v) {
            QSCOPE_TRY(const nn::Value given, logits(v + 1, *variants[v].weights, variants[v].observer, batch));
            if (given.shape() != expected.shape())
                return fail(ErrorCode::OutOfRange, "the logits of a variant have another shape");
            QSCOPE_CHECK(score(v + 1, given, &expected));
        }
        m_through += static_cast<std::int64_t>(m_tokens.size());
        m_scored += static_cast<std::int64_t>(m_predictions.size());
        return {};
    }

    std::vector<TextQuality> finish() {
        const auto scored = static_cast<double>(m_scored);
        for (std::size_t q = 0; q < m_qualities.size(); ++q) {
            TextQuality& quality = m_qualities[q];
            const Totals& totals = m_totals[q];
            quality.tokens = m_scored;
            quality.nll = totals.loss / scored;
            quality.perplexity = std::exp(quality.nll);
            quality.klDivergence = totals.divergence / scored;
            quality.top1Agreement = static_cast<double>(totals.agreeing) / scored;
            quality.tokensPerSecond = totals.seconds > 0 ? static_cast<double>(m_through) / totals.seconds : 0;
        }
        return std::move(m_qualities);
    }

private:
    /// [batch, time, vocabulary] in single precision.
    Result<nn::Value> logits(std::size_t q, const nn::WeightSource& weights, nn::Observer* observer,
                             std::int64_t batch) {
        const auto start = std::chrono::steady_clock::now();
        nn::Execution execution(m_graph, weights, m_quiet, {Precision::Single, observer, nullptr, m_device.run()});
        QSCOPE_CHECK(setTokens(execution, m_graph, m_tokens, batch));
        const auto edge = m_graph.find("logits");
        if (!edge) return fail(ErrorCode::Unsupported, "the network gives no logits");
        execution.keep(*edge);
        QSCOPE_CHECK(runCounted(execution, m_graph, m_tokens.size(), m_context.progress));
        QSCOPE_TRY(const nn::Value made, execution.value(*edge));
        m_totals[q].seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        QSCOPE_TRY(nn::Value single, nn::converted(made, DType::F32));
        const Shape& shape = single.shape();
        if (shape.size() != 3 || shape[0] * shape[1] != static_cast<std::int64_t>(m_tokens.size()) || shape[2] < 1)
            return fail(ErrorCode::OutOfRange, "the logits are not [batch, time, vocabulary]");
        return single;
    }

    /// `expected`: the reference's logits, null for the reference itself.
    Result<void> score(std::size_t q, const nn::Value& given, const nn::Value* expected) {
        const auto vocabulary = static_cast<std::size_t>(given.shape()[2]);
        const auto rowOf = [&](const nn::Value& value, const Prediction& prediction) {
            return nn::elements<float>(value).subspan(static_cast<std::size_t>(prediction.row) * vocabulary,
                                                      vocabulary);
        };
        std::vector<Score> scores(m_predictions.size());
        const auto count = static_cast<std::int64_t>(m_predictions.size());
        QSCOPE_CHECK(parallelChunks(count, 8, m_quiet, [&](std::int64_t first, std::int64_t end) -> Result<void> {
            for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(end); ++i) {
                const Prediction& prediction = m_predictions[i];
                const auto row = rowOf(given, prediction);
                const std::int32_t target = m_run.tokens[static_cast<std::size_t>(prediction.token)];
                if (target < 0 || static_cast<std::size_t>(target) >= vocabulary)
                    return fail(ErrorCode::OutOfRange, "token {} is outside the vocabulary of {}", target, vocabulary);
                const LogitSums sums = logitSums(row);
                if (!std::isfinite(sums.logPartition))
                    return fail(ErrorCode::Malformed, "the logits behind token {} of the text are NaN or infinite",
                                prediction.token - 1);
                scores[i].loss = sums.logPartition - static_cast<double>(row[static_cast<std::size_t>(target)]);
                if (!expected) {
                    m_referenceSums[i] = sums;
                    continue;
                }
                scores[i].divergence = klDivergence(rowOf(*expected, prediction), m_referenceSums[i], row, sums);
                scores[i].agrees = sums.likeliest == m_referenceSums[i].likeliest;
            }
            return {};
        }));
        for (std::size_t i = 0; i < scores.size(); ++i) {
            const auto token = static_cast<std::size_t>(m_predictions[i].token);
            m_qualities[q].loss[token] = static_cast<float>(scores[i].loss);
            if (expected) m_qualities[q].divergence[token] = static_cast<float>(scores[i].divergence);
            m_totals[q].loss += scores[i].loss;
            m_totals[q].divergence += scores[i].divergence;
            m_totals[q].agreeing += scores[i].agrees ? 1 : 0;
        }
        return {};
    }

    nn::RunDevice m_device;
    const nn::Graph& m_graph;
    const EvaluationRun& m_run;
    const RunContext& m_context;
    Progress m_unseen;
    const RunContext m_quiet;
    std::vector<TextQuality> m_qualities;
    std::vector<Totals> m_totals;
    std::vector<std::int32_t> m_tokens;
    std::vector<Prediction> m_predictions;
    std::vector<LogitSums> m_referenceSums;
    std::int64_t m_through = 0;
    std::int64_t m_scored = 0;
};

} // namespace

Result<std::vector<TextQuality>> evaluateTokens(const nn::Graph& graph, const nn::WeightSource& reference,
                                                std::span<const ModelVariant> variants, const EvaluationRun& run,
                                                const RunContext& context) {
    if (run.windows.empty()) return fail(ErrorCode::Malformed, "there is nothing to score");
    std::int64_t total = 0;
    for (const TextWindow& window : run.windows) total += window.length;
    context.progress.done = 0;
    context.progress.total = total * static_cast<std::int64_t>(1 + variants.size());
    QSCOPE_TRY(auto device, nn::RunDevice::start(context));
    EvaluationPass pass(graph, run, variants.size(), std::move(device), context);
    for (std::size_t first = 0; first < run.windows.size();) {
        std::size_t end = first + 1;
        while (end < run.windows.size() && end - first < static_cast<std::size_t>(run.batch) &&
               run.windows[end].length == run.windows[first].length)
            ++end;
        QSCOPE_CHECK(pass.addBatch(run.windows.subspan(first, end - first), reference, variants));
        first = end;
    }
    return pass.finish();
}

Result<TextEvaluation> evaluate(const Model& model, const EvaluationSettings& settings,
                                std::span<const MethodResult* const> methods, const RunContext& context) {
    QSCOPE_CHECK(requireLanguageModel(model));
    QSCOPE_TRY(const std::int64_t length, windowLength(model, settings.context));
    const bool halves = settings.scoring == Scoring::SecondHalf;
    QSCOPE_TRY(TokenizedText text, tokenizeFile(model, settings.text, halves ? AddEnds::Yes : AddEnds::No, context));
    const auto windows = cutWindows(static_cast<std::int64_t>(text.tokens.size()), length, settings);
    if (windows.empty())
        return fail(ErrorCode::Malformed, "text {}: {} tokens do not fill a window of {}", settings.text,
                    text.tokens.size(), length);
    text.tokens.resize(static_cast<std::size_t>(windows.back().first + windows.back().length));

    std::vector<std::unique_ptr<SubstitutedWeights>> weights;
    std::vector<std::unique_ptr<nn::QuantizeActivations>> observers;
    std::vector<ModelVariant> variants;
    for (const MethodResult* method : methods) {
        weights.push_back(std::make_unique<SubstitutedWeights>(model, *method, context));
        auto what = activationsOf(model, *method);
        observers.push_back(what ? std::make_unique<nn::QuantizeActivations>(*model.graph, *std::move(what)) : nullptr);
        variants.push_back({weights.back().get(), observers.back().get()});
    }
    const Vocabulary& vocabulary = text.tokenizer->vocabulary();
    const EvaluationRun run{text.tokens, windows, batchSize(model, length),
                            halves && vocabulary.addBegin ? vocabulary.begin : -1};
    QSCOPE_TRY(auto qualities, evaluateTokens(*model.graph, *model.weights, variants, run, context));

    auto evaluated = std::make_shared<EvaluatedText>();
    evaluated->source = settings.text;
    evaluated->scoring = settings.scoring;
    evaluated->context = length;
    QSCOPE_TRY(evaluated->pieces, piecesOf(*text.tokenizer, text.tokens));
    evaluated->tokens = std::move(text.tokens);
    evaluated->reference = std::move(qualities.front());
    TextEvaluation result{std::move(evaluated), {}};
    for (std::size_t m = 1; m < qualities.size(); ++m)
        result.methods.push_back(std::make_shared<const TextQuality>(std::move(qualities[m])));
    return result;
}

} // namespace qscope::engine
