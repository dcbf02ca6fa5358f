// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/session_slot.h"

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace qscope::engine::nn {

namespace {

/// Queries [batch, heads, time, size] attend to keys and values [batch, kvHeads, total, ...], of which the first `past`
/// were known before this call.
struct Sizes {
    std::int64_t batch = 0, heads = 0, time = 0, size = 0;
    std::int64_t kvHeads = 0, total = 0, valueSize = 0, past = 0;
};

/// [batch, time, heads * size] as [batch, heads, time, size]; four axes stay what they are.
Result<Value> withHeads(const Value& x, std::int64_t heads, std::string_view what) {
    if (x.shape().size() == 4) return x;
    const Shape& s = x.shape();
    if (heads <= 0 || s[2] % heads != 0)
        return fail(ErrorCode::OutOfRange, "{} of shape {} have no {} heads", what, describe(s), heads);
    const std::int64_t size = s[2] / heads;
    return withReal(x.dtype(), [&](auto zero) -> Result<Value> {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> out, makeElements<T>(s));
        const T* from = elements<T>(x).data();
        for (std::int64_t b = 0; b < s[0]; ++b)
            for (std::int64_t t = 0; t < s[1]; ++t)
                for (std::int64_t h = 0; h < heads; ++h, from += size)
                    std::copy_n(from, size, out.data() + ((b * heads + h) * s[1] + t) * size);
        return makeValue({s[0], heads, s[1], size}, std::move(out));
    });
}

/// The way back.
template<class T>
std::vector<T> withoutHeads(const std::vector<T>& x, const Sizes& n) {
    std::vector<T> out(x.size());
    const T* from = x.data();
    for (std::int64_t b = 0; b < n.batch; ++b)
        for (std::int64_t h = 0; h < n.heads; ++h)
            for (std::int64_t t = 0; t < n.time; ++t, from += n.valueSize)
                std::copy_n(from, n.valueSize, out.data() + ((b * n.time + t) * n.heads + h) * n.valueSize);
    return out;
}

/// Both along time.
Result<Value> joined(const Value* past, const Value& now, std::string_view what) {
    if (!past) return now;
    Shape shape = now.shape();
    if (past->dtype() != now.dtype() || past->shape().size() != 4)
        return fail(ErrorCode::OutOfRange, "earlier {} do not fit the new ones", what);
    shape[2] = past->shape()[2];
    QSCOPE_CHECK(expectShape(*past, shape, fmt::format("tensor of earlier {}", what)));
    const std::int64_t before = shape[2] * shape[3];
    const std::int64_t after = now.shape()[2] * shape[3];
    shape[2] += now.shape()[2];
    return withReal(now.dtype(), [&](auto zero) -> Result<Value> {
        using T = decltype(zero);
        QSCOPE_TRY(std::vector<T> all, makeElements<T>(shape));
        T* to = all.data();
        for (std::int64_t n = 0; n < shape[0] * shape[1]; ++n) {
            to = std::copy_n(elements<T>(*past).data() + n * before, before, to);
            to = std::copy_n(elements<T>(now).data() + n * after, after, to);
        }
        return makeValue(shape, std::move(all));
    });
}

/// What a mask says about keys: an addend for each, or whether it counts. Keys behind its last are left out.
struct Mask {
    const Value* value = nullptr;
    std::int64_t batchStride = 0, headStride = 0, timeStride = 0, known = 0;
};

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

/// How scores become probabilities.
struct Rules {
    double scale = 1;
    double softcap = 0;
    bool causal = false;
    std::int64_t window = 0;
    bool maskFirst = false;          ///< before the soft cap: opset 23
    int kept = -1;                   ///< which scores are an output: 0 raw, 1 and 2 after each step, 3 probabilities
    std::vector<std::int64_t> valid; ///< per batch, keys that count; empty: all
};

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

template<class T>
struct Attended {
    std::vector<T> result;
    std::vector<T> kept;
};

template<class T>
Result<Attended<T>> attend(const Value& queries, const Value& keys, const Value& values, const Mask& mask,
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

Result<Rules> rulesOf(const Node& node, OperatorInputs inputs, const Sizes& n) {
    Rules rules;
    rules.scale = attributeOr(node, "scale", 1 / std::sqrt(static_cast<double>(n.size)));
    rules.softcap = attributeOr(node, "softcap", 0.0);
    rules.causal = attributeOr<std::int64_t>(node, "is_causal", 0) != 0;
    rules.window = attributeOr<std::int64_t>(node, "window", 0);
    rules.maskFirst = node.opset < 24;
    const auto mode = attributeOr<std::int64_t>(node, "qk_matmul_output_mode", 0);
    if (rules.window < 0 || mode < 0 || mode > 3)
        return fail(ErrorCode::Unsupported, "window {} or score output mode {} is not known", rules.window, mode);
    if (hasOutput(node, 3)) rules.kept = static_cast<int>(mode);
    if (const Value* valid = inputOf(inputs, 6)) {
        QSCOPE_CHECK(expectShape(*valid, {n.batch}, "the count of valid keys"));
        QSCOPE_TRY(rules.valid, integers(*valid));
        for (const std::int64_t count : rules.valid)
            if (count < 0 || count > n.total)
                return fail(ErrorCode::OutOfRange, "{} of {} keys are said to be valid", count, n.total);
        if (n.past > 0) return fail(ErrorCode::Unsupported, "earlier keys together with a count of valid ones");
    }
    return rules;
}

Outputs attention(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const std::size_t rank = inputs[0]->shape().size();
    for (std::size_t i = 0; i < 3; ++i) {
        QSCOPE_CHECK(
            expectRank(*inputs[i], std::max<std::size_t>(rank, 3), std::min<std::size_t>(rank, 4), "an input"));
        QSCOPE_TRY(const std::int64_t count, checkedCount(inputs[i]->shape()));
        if (count == 0)
            return fail(ErrorCode::OutOfRange, "an input of shape {} is empty", describe(inputs[i]->shape()));
    }
    const auto heads = attributeOr<std::int64_t>(node, "q_num_heads", 0);
    const auto kvHeads = attributeOr<std::int64_t>(node, "kv_num_heads", 0);
    QSCOPE_TRY(const Value queries, withHeads(*inputs[0], heads, "queries"));
    QSCOPE_TRY(Value keys, withHeads(*inputs[1], kvHeads, "keys"));
    QSCOPE_TRY(Value values, withHeads(*inputs[2], kvHeads, "values"));
    const Shape& q = queries.shape();
    Sizes n{q[0], q[1], q[2], q[3], keys.shape()[1], keys.shape()[2], values.shape()[3], 0};
    QSCOPE_CHECK(expectShape(keys, {n.batch, n.kvHeads, n.total, n.size}, "the tensor of keys"));
    QSCOPE_CHECK(expectShape(values, {n.batch, n.kvHeads, n.total, n.valueSize}, "the tensor of values"));
    if (n.heads % n.kvHeads != 0)
        return fail(ErrorCode::OutOfRange, "{} query heads share {} key heads", n.heads, n.kvHeads);

    const Value* pastKeys = inputOf(inputs, 4);
    const Value* pastValues = inputOf(inputs, 5);
    std::vector<Value>* slot = slotOf(node, context);
    if (slot) {
        if (pastKeys || pastValues) return fail(ErrorCode::Unsupported, "earlier keys as inputs and in a session");
        if (slot->size() == 2) {
            pastKeys = &(*slot)[0];
            pastValues = &(*slot)[1];
        }
    }
    if (!pastKeys != !pastValues) return fail(ErrorCode::OutOfRange, "earlier keys without values, or the reverse");
    QSCOPE_TRY(keys, joined(pastKeys, keys, "keys"));
    QSCOPE_TRY(values, joined(pastValues, values, "values"));
    n.past = keys.shape()[2] - n.total;
    n.total += n.past;
    QSCOPE_CHECK(expectShape(values, {n.batch, n.kvHeads, n.total, n.valueSize}, "the tensor of values"));
    QSCOPE_TRY(const Mask mask, maskOf(inputOf(inputs, 3), n, queries.dtype()));
    QSCOPE_TRY(const Rules rules, rulesOf(node, inputs, n));

    return withReal(queries.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        QSCOPE_TRY(Attended<T> found, attend<T>(queries, keys, values, mask, rules, n, context.run));
        if (slot) *slot = {keys, values};
        std::vector<Value> outputs(4);
        outputs[0] = rank == 3 ? makeValue({n.batch, n.time, n.heads * n.valueSize}, withoutHeads(found.result, n))
                               : makeValue({n.batch, n.heads, n.time, n.valueSize}, std::move(found.result));
        outputs[1] = keys;
        outputs[2] = values;
        if (rules.kept >= 0) outputs[3] = makeValue({n.batch, n.heads, n.time, n.total}, std::move(found.kept));
        return outputs;
    });
}

/// `softmax_precision` F64 (ONNX's 11) means all of it in F64; lower ones than the inputs' are not worth rounding to.
Outputs attentionAsPrecise(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const auto precision = attributeOr<std::int64_t>(node, "softmax_precision", 0);
    constexpr std::array kKnown{0, 1, 10, 11, 16};
    if (std::ranges::find(kKnown, precision) == kKnown.end())
        return fail(ErrorCode::Unsupported, "softmax in ONNX's type {} is not done", precision);
    if (precision != 11 || inputs[0]->dtype() == DType::F64) return attention(node, inputs, context);
    QSCOPE_TRY(const Value queries, converted(*inputs[0], DType::F64));
    std::vector<const Value*> wide(inputs.begin(), inputs.end());
    wide[0] = &queries;
    QSCOPE_TRY(std::vector<Value> outputs, inOneReal(attention, node, wide, context));
    for (Value& output : outputs)
        if (output.dtype() == DType::F64) {
            QSCOPE_TRY(output, converted(output, inputs[0]->dtype()));
        }
    return outputs;
}

constexpr std::array kAttention{
    Operator{"Attention", 3, 7, 4, real<attentionAsPrecise>},
};

} // namespace

std::span<const Operator> attentionOperators() { return kAttention; }

} // namespace qscope::engine::nn
