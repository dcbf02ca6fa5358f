// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/place_error.h"

#include "engine/analysis/token_loss.h"
#include "engine/core/parallel.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope::engine {

namespace {

/// Sums of powers around a centre, token after token.
struct Moments {
    double sum = 0;
    double magnitude = 0;
    double most = 0;
    double second = 0; ///< around the mean
    double fourth = 0;
};

/// Runs `work(token)` for all tokens on all cores, and no progress.
template<class Work>
Result<void> forTokens(std::size_t tokens, const RunContext& context, Work&& work) {
    Progress unseen;
    const RunContext quiet{context.stop, unseen, context.notes, context.backend};
    return parallelChunks(static_cast<std::int64_t>(tokens), 8, quiet,
                          [&](std::int64_t first, std::int64_t end) -> Result<void> {
                              for (auto t = static_cast<std::size_t>(first); t < static_cast<std::size_t>(end); ++t)
                                  QSCOPE_CHECK(work(t));
                              return {};
                          });
}

ErrorSums errorsOf(std::span<const float> reference, std::span<const float> result) {
    ErrorSums sums;
    sums.count = static_cast<std::int64_t>(reference.size());
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const double a = reference[i];
        const double b = result[i];
        sums.reference += a * a;
        sums.result += b * b;
        sums.product += a * b;
        sums.difference += (a - b) * (a - b);
        sums.maximum = std::max(sums.maximum, std::abs(a - b));
    }
    return sums;
}

/// Kurtosis and largest to mean magnitude of all values together.
Result<std::pair<double, double>> shapeOf(std::span<const float> values, std::size_t channels,
                                          const RunContext& context) {
    std::vector<Moments> tokens(values.size() / channels);
    QSCOPE_CHECK(forTokens(tokens.size(), context, [&](std::size_t t) -> Result<void> {
        for (const float x : values.subspan(t * channels, channels)) {
            tokens[t].sum += static_cast<double>(x);
            tokens[t].magnitude += std::abs(static_cast<double>(x));
            tokens[t].most = std::max(tokens[t].most, std::abs(static_cast<double>(x)));
        }
        return {};
    }));
    Moments all;
    for (const Moments& token : tokens) {
        all.sum += token.sum;
        all.magnitude += token.magnitude;
        all.most = std::max(all.most, token.most);
    }
    const double count = static_cast<double>(values.size());
    const double mean = all.sum / count;
    QSCOPE_CHECK(forTokens(tokens.size(), context, [&](std::size_t t) -> Result<void> {
        for (const float x : values.subspan(t * channels, channels)) {
            const double square = (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
            tokens[t].second += square;
            tokens[t].fourth += square * square;
        }
        return {};
    }));
    for (const Moments& token : tokens) {
        all.second += token.second;
        all.fourth += token.fourth;
    }
    return std::pair(all.second > 0 ? all.fourth * count / (all.second * all.second) : 0.0,
                     all.magnitude > 0 ? all.most * count / all.magnitude : 0.0);
}

double shareOf(double part, double whole) {
    if (part <= 0) return 0;
    return whole > 0 ? part / whole : std::numeric_limits<double>::infinity();
}

} // namespace

Result<void> measurePlace(PropagatedPlace& place, std::span<const float> reference, std::span<const float> result,
                          std::int64_t channels, const RunContext& context) {
    if (channels < 1 || reference.size() != result.size())
        return fail(ErrorCode::OutOfRange, "'{}' has another shape under the method", place.name);
    const auto width = static_cast<std::size_t>(channels);
    const std::size_t tokens = reference.size() / width;
    const std::size_t kept = std::min(kWorstChannels, width);
    std::vector<ErrorSums> sums(tokens);
    place.tokenError.resize(tokens);
    place.worst.assign(tokens * kWorstChannels, {});
    QSCOPE_CHECK(forTokens(tokens, context, [&](std::size_t t) -> Result<void> {
        const auto a = reference.subspan(t * width, width);
        const auto b = result.subspan(t * width, width);
        sums[t] = errorsOf(a, b);
        place.tokenError[t] = static_cast<float>(shareOf(sums[t].difference, sums[t].reference));
        const auto squareOf = [&](std::int32_t c) {
            const double d = static_cast<double>(a[static_cast<std::size_t>(c)]) -
                             static_cast<double>(b[static_cast<std::size_t>(c)]);
            return d * d;
        };
        std::vector<std::int32_t> order(width);
        for (std::size_t c = 0; c < width; ++c) order[c] = static_cast<std::int32_t>(c);
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                          [&](std::int32_t x, std::int32_t y) {
                              const double first = squareOf(x), second = squareOf(y);
                              return first != second ? first > second : x < y;
                          });
        for (std::size_t k = 0; k < kept; ++k)
            place.worst[t * kWorstChannels + k] = {
                order[k], static_cast<float>(sums[t].difference > 0 ? squareOf(order[k]) / sums[t].difference : 0)};
        return {};
    }));
    ErrorSums all;
    for (const ErrorSums& token : sums) all += token;
    place.metrics = metricsOf(all);
    QSCOPE_TRY(const auto expected, shapeOf(reference, width, context));
    QSCOPE_TRY(const auto given, shapeOf(result, width, context));
    place.referenceKurtosis = expected.first;
    place.referenceMaxToMean = expected.second;
    place.kurtosis = given.first;
    place.maxToMean = given.second;
    return {};
}

Result<PropagatedLogits> measureLogits(std::span<const float> reference, std::span<const float> result,
                                       std::int64_t vocabulary, const RunContext& context) {
    if (vocabulary < 1 || reference.size() != result.size() || reference.empty())
        return fail(ErrorCode::OutOfRange, "the logits have another shape under the method");
    const auto width = static_cast<std::size_t>(vocabulary);
    const std::size_t tokens = reference.size() / width;
    std::vector<ErrorSums> sums(tokens);
    std::vector<double> divergence(tokens);
    std::vector<char> agrees(tokens);
    QSCOPE_CHECK(forTokens(tokens, context, [&](std::size_t t) -> Result<void> {
        const auto a = reference.subspan(t * width, width);
        const auto b = result.subspan(t * width, width);
        const LogitSums expected = logitSums(a);
        const LogitSums given = logitSums(b);
        if (!std::isfinite(expected.logPartition) || !std::isfinite(given.logPartition))
            return fail(ErrorCode::Malformed, "the logits behind token {} of the text are NaN or infinite", t);
        sums[t] = errorsOf(a, b);
        divergence[t] = klDivergence(a, expected, b, given);
        agrees[t] = expected.likeliest == given.likeliest ? 1 : 0;
        return {};
    }));
    PropagatedLogits logits;
    ErrorSums all;
    std::int64_t agreeing = 0;
    double sum = 0;
    for (std::size_t t = 0; t < tokens; ++t) {
        all += sums[t];
        sum += divergence[t];
        agreeing += agrees[t];
        logits.tokenDivergence.push_back(static_cast<float>(divergence[t]));
    }
    const ErrorMetrics metrics = metricsOf(all);
    logits.relativeMse = metrics.relativeMse;
    logits.cosine = metrics.cosine;
    logits.klDivergence = sum / static_cast<double>(tokens);
    logits.top1Agreement = static_cast<double>(agreeing) / static_cast<double>(tokens);
    return logits;
}

} // namespace qscope::engine
