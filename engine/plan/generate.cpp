// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/generate.h"

#include "engine/nn/device/device_run.h"
#include "engine/core/random.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kSamplingStream = 1;

/// Logits of the last token.
Result<std::vector<float>> lastLogits(const Model& model, std::span<const int> tokens, nn::Session& session,
                                      const GenerateOptions& options, const RunContext& context) {
    QSCOPE_TRY(const auto outputs, nn::runGraph(*model.graph, tokenInputs(tokens, session.position), *model.weights,
                                                context, {options.precision, nullptr, &session}));
    session.position += static_cast<std::int64_t>(tokens.size());
    QSCOPE_TRY(const nn::Value logits, nn::converted(outputs.front(), DType::F32));
    const auto all = nn::elements<float>(logits);
    const auto last = all.last(static_cast<std::size_t>(model.config.vocabulary));
    for (std::size_t i = 0; i < last.size(); ++i)
        if (!std::isfinite(last[i]))
            return fail(ErrorCode::Malformed, "the model's logit of token {} is not finite", i);
    return std::vector<float>(last.begin(), last.end());
}

} // namespace

Result<void> checkSampling(const Sampling& sampling) {
    if (!std::isfinite(sampling.temperature) || sampling.temperature < 0)
        return fail(ErrorCode::OutOfRange, "a temperature of {} is not a number from 0 on", sampling.temperature);
    if (sampling.topK < 0) return fail(ErrorCode::OutOfRange, "the {} most likely tokens", sampling.topK);
    if (!(sampling.topP > 0) || sampling.topP > 1)
        return fail(ErrorCode::OutOfRange, "a share of {} of the probability is not between 0 and 1", sampling.topP);
    return {};
}

int chooseToken(std::span<const float> logits, const Sampling& sampling, std::uint64_t step) {
    if (sampling.temperature == 0) return static_cast<int>(std::ranges::max_element(logits) - logits.begin());
    std::vector<int> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    const auto before = [&](int a, int b) { // by likelihood, then by id, so that equal ones have one order
        const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
        return x != y ? x > y : a < b;
    };
    if (sampling.topK > 0 && static_cast<std::size_t>(sampling.topK) < order.size()) {
        std::ranges::partial_sort(order, order.begin() + sampling.topK, before);
        order.resize(static_cast<std::size_t>(sampling.topK));
    } else {
        std::ranges::sort(order, before);
    }
    std::vector<double> weights;
    const double best = logits[static_cast<std::size_t>(order.front())];
    for (const int id : order)
        weights.push_back(std::exp((logits[static_cast<std::size_t>(id)] - best) / sampling.temperature));
    double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (sampling.topP < 1) {
        double sum = 0;
        std::size_t count = 0;
        while (count < weights.size() && sum < sampling.topP * total) sum += weights[count++];
        weights.resize(std::max<std::size_t>(count, 1));
        total = std::accumulate(weights.begin(), weights.end(), 0.0);
    }
    double left = uniform(sampling.seed, kSamplingStream, step) * total;
    for (std::size_t i = 0; i < weights.size(); ++i)
        if ((left -= weights[i]) < 0) return order[i];
    return order[weights.size() - 1]; // rounding
}

Result<Generated> generate(const Model& model, std::span<const int> prompt, std::span<const int> ends,
                           const GenerateOptions& options, const RunContext& context) {
    if (!isLanguageModel(model)) return fail(ErrorCode::Unsupported, "a {} model continues no text", model.family);
    QSCOPE_CHECK(checkSampling(options.sampling));
    nn::noteRunsOnCpu(context, "generation", "a token at a time would send every weight to the device for one row");
    QSCOPE_CHECK(checkTokens(model, prompt));
    context.progress.total = options.tokens;
    Progress unseen; // of the operators, which count chunks of their own
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    const auto start = std::chrono::steady_clock::now();
    Generated made;
    nn::Session session;
    std::vector<int> next(prompt.begin(), prompt.end());
    while (static_cast<std::int64_t>(made.ids.size()) < options.tokens) {
        if (model.context > 0 && session.position + static_cast<std::int64_t>(next.size()) > model.context) {
            made.end = GenerateEnd::ContextFull;
            break;
        }
        QSCOPE_TRY(const auto logits, lastLogits(model, next, session, options, quiet));
        const int id = chooseToken(logits, options.sampling, static_cast<std::uint64_t>(session.position));
        if (!options.pastEnd && std::ranges::find(ends, id) != ends.end()) {
            made.end = GenerateEnd::EndToken;
            break;
        }
        made.ids.push_back(id);
        next = {id};
        context.progress.done = static_cast<std::int64_t>(made.ids.size());
        if (options.onToken) options.onToken(id);
    }
    made.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return made;
}

} // namespace qscope::engine
