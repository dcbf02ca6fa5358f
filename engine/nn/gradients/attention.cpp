// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/gradients/gradient.h"
#include "engine/nn/gradients/support.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace qscope::engine::nn::backward {

namespace {

/// Where the rows of each head lie: in [batch, heads, time, size] or in [batch, time, heads * size].
struct Heads {
    std::int64_t batch = 0, heads = 0, time = 0, size = 0;
    std::int64_t headStride = 0, rowStride = 0;

    [[nodiscard]] std::int64_t first(std::int64_t b, std::int64_t head) const {
        return b * heads * time * size + head * headStride;
    }
};

Heads headsOf(const Shape& s, std::int64_t heads) {
    if (s.size() == 4) return {s[0], s[1], s[2], s[3], s[2] * s[3], s[3]};
    return {s[0], heads, s[1], s[2] / heads, s[2] / heads, s[2]};
}

/// How scores become probabilities, as the operator does it.
struct Rules {
    double scale = 1;
    double softcap = 0;
    bool causal = false;
    std::int64_t window = 0;
    bool maskFirst = false; ///< before the soft cap: opset 23
    std::vector<std::int64_t> valid;
    const Value* mask = nullptr;
    std::int64_t maskBatch = 0, maskHead = 0, maskTime = 0, maskKeys = 0; ///< its strides, and how many keys it knows
};

Result<Rules> rulesOf(const BackwardStep& step, const Heads& queries) {
    const Node& node = step.node;
    Rules rules;
    rules.scale = attributeOr(node, "scale", 1 / std::sqrt(static_cast<double>(queries.size)));
    rules.softcap = attributeOr(node, "softcap", 0.0);
    rules.causal = attributeOr<std::int64_t>(node, "is_causal", 0) != 0;
    rules.window = attributeOr<std::int64_t>(node, "window", 0);
    rules.maskFirst = node.opset < 24;
    const auto given = [&](std::size_t i) { return i < step.inputs.size() ? step.inputs[i] : nullptr; };
    if (given(4) || given(5)) return fail(ErrorCode::Unsupported, "Attention with earlier keys has no gradient");
    for (std::size_t i = 1; i < step.outputGradients.size(); ++i)
        if (step.outputGradients[i])
            return fail(ErrorCode::Unsupported, "Attention has a gradient with respect to its first output only");
    if (given(6)) {
        QSCOPE_TRY(rules.valid, integers(*given(6)));
    }
    rules.mask = given(3);
    if (rules.mask) {
        Shape shape = rules.mask->shape();
        shape.insert(shape.begin(), 4 - shape.size(), 1);
        const Strides strides = broadcastStrides(shape, {2, 2, 2, 2}); // only which axes are 1 matters
        rules.maskBatch = strides[0];
        rules.maskHead = strides[1];
        rules.maskTime = strides[2];
        rules.maskKeys = shape[3];
    }
    return rules;
}

/// The keys [first, end) that a query may attend to, apart from the mask.
struct Reach {
    std::int64_t first = 0, end = 0;
};
Reach reachOf(const Rules& rules, std::int64_t batch, std::int64_t query, std::int64_t queries, std::int64_t keys) {
    const std::int64_t valid = rules.valid.empty() ? keys : rules.valid[static_cast<std::size_t>(batch)];
    const std::int64_t self = query + (rules.valid.empty() ? 0 : valid - queries);
    Reach reach{rules.window > 0 ? std::max<std::int64_t>(0, self - rules.window + 1) : 0, valid};
    if (rules.causal) reach.end = std::min(reach.end, self + 1);
    if (rules.mask) reach.end = std::min(reach.end, rules.maskKeys);
    return reach;
}

template<class T>
struct Problem {
    const BackwardStep& step;
    Rules rules;
    Heads q, k, v, y;
    const T *queries, *keys, *values, *arrived;
    std::vector<T> dq, dk, dv;
    std::vector<double> dMask;
};

/// One row of raw scores becomes probabilities; `slope` gets what the soft cap multiplies gradients with.
template<class T>
void toProbabilities(const Problem<T>& problem, std::int64_t batch, std::int64_t head, std::int64_t query, T* scores,
                     T* slope) {
    constexpr double kNever = -std::numeric_limits<double>::infinity();
    const Rules& rules = problem.rules;
    const std::int64_t keys = problem.k.time;
    const Reach reach = reachOf(rules, batch, query, problem.q.time, keys);
    const std::int64_t row = batch * rules.maskBatch + head * rules.maskHead + query * rules.maskTime;
    const auto masked = [&](std::int64_t j, double score) {
        if (j < reach.first || j >= reach.end) return kNever;
        if (!rules.mask) return score;
        const auto at = static_cast<std::size_t>(row + j);
        if (rules.mask->dtype() == DType::Bool) return rules.mask->host.bytes[at] == std::byte{0} ? kNever : score;
        return score + static_cast<double>(elements<T>(*rules.mask)[at]);
    };
    double largest = kNever;
    for (std::int64_t j = 0; j < keys; ++j) {
        auto score = static_cast<double>(scores[j]);
        if (rules.maskFirst) score = masked(j, score);
        double own = 1;
        if (rules.softcap > 0) {
            const double t = std::tanh(score / rules.softcap);
            score = rules.softcap * t;
            own = 1 - t * t;
        }
        if (!rules.maskFirst) score = masked(j, score);
        scores[j] = static_cast<T>(score);
        slope[j] = static_cast<T>(own);
        largest = std::max(largest, score);
    }
    if (largest == kNever) return void(std::fill_n(scores, keys, T{0}));
    double sum = 0;
    for (std::int64_t j = 0; j < keys; ++j) {
        scores[j] = static_cast<T>(std::exp(static_cast<double>(scores[j]) - largest));
        sum += static_cast<double>(scores[j]);
    }
    for (std::int64_t j = 0; j < keys; ++j) scores[j] = static_cast<T>(static_cast<double>(scores[j]) / sum);
}

/// Room of one thread, for a block of queries.
template<class T>
struct Room {
    std::vector<T> p, slope, d; ///< probabilities, slopes of the cap, gradients of both in turn
    kernels::Scratch<T> scratch;
};

/// Queries [from, end) of one head: with P the probabilities and Y = P V, dV = Pᵀ dY, dP = dY Vᵀ,
/// dS = P (dP - sum P dP), dQ = scale dS K, dK = scale dSᵀ Q.
template<class T>
void passBlock(Problem<T>& problem, std::int64_t batch, std::int64_t head, std::int64_t from, std::int64_t end,
               Room<T>& room) {
    const auto& [step, rules, q, k, v, y, queries, keys, values, arrived, dq, dk, dv, dMask] = problem;
    const std::int64_t kvHead = head / (q.heads / k.heads);
    const std::int64_t rows = end - from;
    const std::int64_t count = k.time;
    const std::int64_t atQ = q.first(batch, head) + from * q.rowStride;
    const std::int64_t atK = k.first(batch, kvHead);
    const std::int64_t atV = v.first(batch, kvHead);
    const MatrixRef<T> queryRows{queries + atQ, q.rowStride, 1};
    const MatrixRef<T> keyRows{keys + atK, k.rowStride, 1};
    const MatrixRef<T> valueRows{values + atV, v.rowStride, 1};
    const MatrixRef<T> dY{arrived + y.first(batch, head) + from * y.rowStride, y.rowStride, 1};
    const auto scale = static_cast<T>(rules.scale);

    const auto cells = static_cast<std::size_t>(rows * count);
    room.p.assign(cells, 0);
    room.d.assign(cells, 0);
    room.slope.resize(cells);
    addSmallProduct<T>(rows, count, q.size, scale, queryRows, keyRows.transposed(), room.p.data(), count, room.scratch);
    for (std::int64_t i = 0; i < rows; ++i)
        toProbabilities(problem, batch, head, from + i, room.p.data() + i * count, room.slope.data() + i * count);
    const MatrixRef<T> p{room.p.data(), count, 1};
    if (!dv.empty())
        addSmallProduct<T>(count, v.size, rows, 1, p.transposed(), dY, problem.dv.data() + atV, v.rowStride,
                           room.scratch);
    addSmallProduct<T>(rows, count, v.size, 1, dY, valueRows.transposed(), room.d.data(), count, room.scratch);
    for (std::int64_t i = 0; i < rows; ++i) {
        T* d = room.d.data() + i * count;
        const T* probability = room.p.data() + i * count;
        const T* slope = room.slope.data() + i * count;
        double sum = 0;
        for (std::int64_t j = 0; j < count; ++j) sum += static_cast<double>(d[j]) * static_cast<double>(probability[j]);
        const std::int64_t maskRow = batch * rules.maskBatch + head * rules.maskHead + (from + i) * rules.maskTime;
        for (std::int64_t j = 0; j < count; ++j) {
            const T score = probability[j] * (d[j] - static_cast<T>(sum));
            d[j] = score * slope[j];
            if (!dMask.empty() && j < rules.maskKeys)
                problem.dMask[static_cast<std::size_t>(maskRow + j)] +=
                    static_cast<double>(rules.maskFirst ? d[j] : score);
        }
    }
    const MatrixRef<T> dS{room.d.data(), count, 1};
    if (!dq.empty())
        addSmallProduct<T>(rows, q.size, count, scale, dS, keyRows, problem.dq.data() + atQ, q.rowStride, room.scratch);
    if (!dk.empty())
        addSmallProduct<T>(count, k.size, rows, scale, dS.transposed(), queryRows, problem.dk.data() + atK, k.rowStride,
                           room.scratch);
}

/// The probabilities are made again, a block of queries at a time, and never held as a whole.
template<class T>
Result<InputGradients> attention(const BackwardStep& step) {
    const Value& q = *step.inputs[0];
    const Value& k = *step.inputs[1];
    const Value& v = *step.inputs[2];
    const auto queryHeads = attributeOr<std::int64_t>(step.node, "q_num_heads", 0);
    const auto kvHeads = attributeOr<std::int64_t>(step.node, "kv_num_heads", 0);
    const Heads queries = headsOf(q.shape(), queryHeads);
    QSCOPE_TRY(Rules rules, rulesOf(step, queries));
    const auto room = [&](std::size_t input) {
        return std::vector<T>(step.wanted[input] ? elements<T>(*step.inputs[input]).size() : 0);
    };
    Problem<T> problem{step,
                       std::move(rules),
                       queries,
                       headsOf(k.shape(), kvHeads),
                       headsOf(v.shape(), kvHeads),
                       headsOf(step.outputs[0]->shape(), queryHeads),
                       elements<T>(q).data(),
                       elements<T>(k).data(),
                       elements<T>(v).data(),
                       elements<T>(*step.outputGradients[0]).data(),
                       room(0),
                       room(1),
                       room(2),
                       {}};
    const bool ofMask = step.inputs.size() > 3 && step.wanted[3];
    if (ofMask) problem.dMask.resize(elements<T>(*step.inputs[3]).size());

    // Query heads that share a key head add to the same gradients, and all that share a mask do.
    const Heads& keys = problem.k;
    const std::int64_t shared = keys.batch * keys.heads;
    const std::int64_t block = std::clamp<std::int64_t>((1 << 18) / std::max<std::int64_t>(1, keys.time), 1, 64);
    const auto pass = [&](std::int64_t begin, std::int64_t end) -> Result<void> {
        Room<T> own;
        for (std::int64_t item = begin; item < end; ++item)
            for (std::int64_t member = 0; member < queries.heads / keys.heads; ++member)
                for (std::int64_t from = 0; from < queries.time; from += block) {
                    if (step.run.cancelled()) return cancelled();
                    passBlock(problem, item / keys.heads, item % keys.heads * (queries.heads / keys.heads) + member,
                              from, std::min(queries.time, from + block), own);
                }
        return {};
    };
    QSCOPE_CHECK(ofMask ? pass(0, shared) : parallelChunks(shared, 1, step.run, pass));

    InputGradients result(step.inputs.size());
    if (step.wanted[0]) result[0] = makeValue<T>(q.shape(), std::move(problem.dq));
    if (step.wanted[1]) result[1] = makeValue<T>(k.shape(), std::move(problem.dk));
    if (step.wanted[2]) result[2] = makeValue<T>(v.shape(), std::move(problem.dv));
    if (ofMask) result[3] = narrowed<T>(step.inputs[3]->shape(), problem.dMask);
    return result;
}

constexpr std::array kAttention{
    Gradient{"Attention", attention<float>, attention<double>},
};

} // namespace

std::span<const Gradient> attentionGradients() { return kAttention; }

} // namespace qscope::engine::nn::backward
