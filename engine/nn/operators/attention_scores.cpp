// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/attention_scores.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace qscope::engine::nn {

namespace {

/// One query of one head.
struct Place {
    std::int64_t batch, head, time;
};

template<class T>
void addMask(std::vector<T>& scores, const Mask& mask, const Rules& rules, const Sizes& n, const Place& at) {
    constexpr T kNever = -std::numeric_limits<T>::infinity();
    const std::int64_t valid = rules.valid.empty() ? n.total : rules.valid[static_cast<std::size_t>(at.batch)];
    const std::int64_t self = at.time + (rules.valid.empty() ? n.past : valid - n.time);
    const std::int64_t first = rules.window > 0 ? self - rules.window + 1 : 0;
    const std::int64_t end = rules.causal ? std::min(valid, self + 1) : valid;
    const std::int64_t row = at.batch * mask.batchStride + at.head * mask.headStride + at.time * mask.timeStride;
    for (std::int64_t j = 0; j < n.total; ++j) {
        T& score = scores[static_cast<std::size_t>(j)];
        if (j < first || j >= end || (mask.value && j >= mask.known))
            score = kNever;
        else if (mask.value && mask.value->dtype() == DType::Bool)
            score = mask.value->host.bytes[static_cast<std::size_t>(row + j)] == std::byte{0} ? kNever : score;
        else if (mask.value)
            score += elements<T>(*mask.value)[static_cast<std::size_t>(row + j)];
    }
}

/// Softmax in place; zeros when nothing may be attended to.
template<class T>
void toProbabilities(std::vector<T>& scores) {
    const T largest = *std::ranges::max_element(scores);
    if (largest == -std::numeric_limits<T>::infinity()) return void(std::ranges::fill(scores, T{0}));
    double sum = 0;
    for (T& score : scores) sum += static_cast<double>(score = std::exp(score - largest));
    for (T& score : scores) score = static_cast<T>(static_cast<double>(score) / sum);
}

} // namespace

Result<Mask> maskOf(const Value* value, const Sizes& n, DType type) {
    if (!value) return Mask{};
    QSCOPE_CHECK(expectRank(*value, 2, 4, "the mask"));
    if (value->dtype() != DType::Bool && value->dtype() != type)
        return fail(ErrorCode::Unsupported, "a mask of type {} over scores of type {}", info(value->dtype()).name,
                    info(type).name);
    Shape shape = value->shape();
    shape.insert(shape.begin(), 4 - shape.size(), 1);
    const std::int64_t full[] = {n.batch, n.heads, n.time};
    for (std::size_t axis = 0; axis < 3; ++axis)
        if (shape[axis] != 1 && shape[axis] != full[axis])
            return fail(ErrorCode::OutOfRange, "a mask of shape {} does not fit scores of shape {}",
                        describe(value->shape()), describe({n.batch, n.heads, n.time, n.total}));
    if (shape[3] < 1 || shape[3] > n.total)
        return fail(ErrorCode::OutOfRange, "a mask of shape {} does not fit {} keys", describe(value->shape()),
                    n.total);
    Mask mask{value, 0, 0, 0, shape[3]};
    if (shape[2] > 1) mask.timeStride = shape[3];
    if (shape[1] > 1) mask.headStride = shape[2] * shape[3];
    if (shape[0] > 1) mask.batchStride = shape[1] * shape[2] * shape[3];
    return mask;
}

template<class T>
Result<Attended<T>> attendByScores(const Value& queries, const Value& keys, const Value& values, const Mask& mask,
                                   const Rules& rules, const Sizes& n, const RunContext& context) {
    Attended<T> out;
    QSCOPE_TRY(out.result, makeElements<T>({n.batch, n.heads, n.time, n.valueSize}));
    if (rules.kept >= 0) {
        QSCOPE_TRY(out.kept, makeElements<T>({n.batch, n.heads, n.time, n.total}));
    }
    QSCOPE_CHECK(inParallel(
        n.batch * n.heads * n.time, n.total * (n.size + n.valueSize), context,
        [&](std::int64_t begin, std::int64_t end) {
            std::vector<T> scores(static_cast<std::size_t>(n.total));
            for (std::int64_t row = begin; row < end; ++row) {
                const Place at{row / n.time / n.heads, row / n.time % n.heads, row % n.time};
                const std::int64_t kvHead = at.batch * n.kvHeads + at.head / (n.heads / n.kvHeads);
                const T* query = elements<T>(queries).data() + row * n.size;
                const T* key = elements<T>(keys).data() + kvHead * n.total * n.size;
                const auto keep = [&](int step) {
                    if (step == rules.kept) std::ranges::copy(scores, out.kept.begin() + row * n.total);
                };
                for (T& score : scores) {
                    score = static_cast<T>(rules.scale * std::inner_product(query, query + n.size, key, 0.0));
                    key += n.size;
                }
                keep(0);
                if (rules.maskFirst) addMask(scores, mask, rules, n, at), keep(1);
                if (rules.softcap > 0)
                    for (T& score : scores)
                        score = static_cast<T>(rules.softcap * std::tanh(static_cast<double>(score) / rules.softcap));
                keep(rules.maskFirst ? 2 : 1);
                if (!rules.maskFirst) addMask(scores, mask, rules, n, at), keep(2);
                toProbabilities(scores);
                keep(3);
                const T* value = elements<T>(values).data() + kvHead * n.total * n.valueSize;
                T* sum = out.result.data() + row * n.valueSize;
                for (const T probability : scores) {
                    for (std::int64_t i = 0; i < n.valueSize; ++i) sum[i] += probability * value[i];
                    value += n.valueSize;
                }
            }
        }));
    return out;
}

template Result<Attended<float>> attendByScores(const Value&, const Value&, const Value&, const Mask&, const Rules&,
                                                const Sizes&, const RunContext&);
template Result<Attended<double>> attendByScores(const Value&, const Value&, const Value&, const Mask&, const Rules&,
                                                 const Sizes&, const RunContext&);

} // namespace qscope::engine::nn
