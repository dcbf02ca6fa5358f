// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/attention.h"
#include "engine/nn/operators/attention_scores.h"
#include "engine/nn/operators/session_slot.h"

#include <array>
#include <cmath>
#include <limits>

namespace qscope::engine::nn {

namespace {

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

/// The mask as numbers to add, one per key.
template<class T>
std::vector<T> addends(const Mask& mask, const Sizes& n) {
    constexpr T kNever = -std::numeric_limits<T>::infinity();
    std::vector<T> all;
    all.reserve(static_cast<std::size_t>(elementCount(mask.value->shape()) / mask.known * n.total));
    for (std::int64_t i = 0; i < elementCount(mask.value->shape()); ++i) {
        if (mask.value->dtype() != DType::Bool)
            all.push_back(elements<T>(*mask.value)[static_cast<std::size_t>(i)]);
        else
            all.push_back(mask.value->host.bytes[static_cast<std::size_t>(i)] == std::byte{0} ? kNever : T{0});
        if ((i + 1) % mask.known == 0) all.insert(all.end(), static_cast<std::size_t>(n.total - mask.known), kNever);
    }
    return all;
}

/// Four axes, or three with the heads side by side.
template<class T>
kernels::HeadVectors<T> headsOf(std::span<T> values, bool apart, std::int64_t heads, std::int64_t time,
                                std::int64_t size) {
    if (apart) return {values, heads * time * size, time * size, size};
    return {values, heads * time * size, size, heads * size};
}

template<class T>
Result<std::vector<T>> attend(const Value& queries, const Value& keys, const Value& values, const Mask& mask,
                              const Rules& rules, const Sizes& n, std::vector<T>& probabilities,
                              const RunContext& context) {
    const bool apart = queries.shape().size() == 4;
    QSCOPE_TRY(std::vector<T> result, makeElements<T>({n.batch, n.heads, n.time, n.valueSize}));
    kernels::Attention<T> attention;
    attention.batch = n.batch;
    attention.heads = n.heads;
    attention.kvHeads = n.kvHeads;
    attention.queries = n.time;
    attention.keys = n.total;
    attention.size = n.size;
    attention.valueSize = n.valueSize;
    attention.query = headsOf(elements<T>(queries), apart, n.heads, n.time, n.size);
    attention.key = headsOf(elements<T>(keys), true, n.kvHeads, n.total, n.size);
    attention.value = headsOf(elements<T>(values), true, n.kvHeads, n.total, n.valueSize);
    attention.result = headsOf(std::span<T>(result), apart, n.heads, n.time, n.valueSize);
    attention.scale = static_cast<T>(rules.scale);
    attention.softCap = static_cast<T>(std::max(0.0, rules.softcap));
    attention.causal = rules.causal;
    attention.firstPosition = n.past;
    attention.window = rules.window;
    std::vector<T> added;
    if (mask.value) {
        added = addends<T>(mask, n);
        attention.mask = {added, mask.batchStride / mask.known * n.total, mask.headStride / mask.known * n.total,
                          mask.timeStride / mask.known * n.total, 1};
    }
    if (rules.kept == 3) {
        QSCOPE_TRY(probabilities, makeElements<T>({n.batch, n.heads, n.time, n.total}));
        attention.probabilities = probabilities;
    }
    QSCOPE_CHECK(kernels::attend(attention, context));
    return result;
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
    QSCOPE_TRY(Value keys, withHeads(*inputs[1], kvHeads, "keys"));
    QSCOPE_TRY(Value values, withHeads(*inputs[2], kvHeads, "values"));
    const Shape& q = inputs[0]->shape();
    if (rank == 3 && (heads < 1 || q[2] % heads != 0))
        return fail(ErrorCode::OutOfRange, "queries of shape {} have no {} heads", describe(q), heads);
    Sizes n{q[0],
            rank == 3 ? heads : q[1],
            q[rank - 2],
            rank == 3 ? q[2] / heads : q[3],
            keys.shape()[1],
            keys.shape()[2],
            values.shape()[3],
            0};
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
    QSCOPE_TRY(const Mask mask, maskOf(inputOf(inputs, 3), n, inputs[0]->dtype()));
    QSCOPE_TRY(const Rules rules, rulesOf(node, inputs, n));

    const bool byScores =
        (rules.kept >= 0 && rules.kept < 3) || !rules.valid.empty() || (rules.maskFirst && rules.softcap > 0);
    return withReal(inputs[0]->dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        std::vector<T> result, kept;
        if (byScores) {
            QSCOPE_TRY(const Value queries, withHeads(*inputs[0], heads, "queries"));
            QSCOPE_TRY(Attended<T> found, attendByScores<T>(queries, keys, values, mask, rules, n, context.run));
            result = rank == 3 ? withoutHeads(found.result, n) : std::move(found.result);
            kept = std::move(found.kept);
        } else {
            QSCOPE_TRY(result, attend<T>(*inputs[0], keys, values, mask, rules, n, kept, context.run));
        }
        if (slot) *slot = {keys, values};
        std::vector<Value> outputs(4);
        outputs[0] = makeValue(rank == 3 ? Shape{n.batch, n.time, n.heads * n.valueSize}
                                         : Shape{n.batch, n.heads, n.time, n.valueSize},
                               std::move(result));
        outputs[1] = keys;
        outputs[2] = values;
        if (rules.kept >= 0) outputs[3] = makeValue({n.batch, n.heads, n.time, n.total}, std::move(kept));
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
