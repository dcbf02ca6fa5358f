// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/operators/arguments.h"

#include <array>

namespace qscope::engine::nn {

namespace {

/// Heads of x [batch, heads, time, size] or [batch, time, heads * size], with distances between them.
struct Heads {
    std::int64_t batch = 0, heads = 0, time = 0, size = 0;
    std::int64_t headStride = 0, timeStride = 0;
};

Result<Heads> headsOf(const Node& node, const Value& x) {
    const Shape& s = x.shape();
    if (s.size() == 4) return Heads{s[0], s[1], s[2], s[3], s[2] * s[3], s[3]};
    const auto heads = attributeOr<std::int64_t>(node, "num_heads", 0);
    if (heads <= 0 || s[2] % heads != 0)
        return fail(ErrorCode::OutOfRange, "x of shape {} has no {} heads", describe(s), heads);
    return Heads{s[0], heads, s[1], s[2] / heads, s[2] / heads, s[2]};
}

/// Rotates pairs of each head's first elements by the angle of its position (Su et al., 2021). The pairs are
/// (i, i + half), or neighbours when interleaved.
Outputs rotaryEmbedding(const Node& node, OperatorInputs inputs, OperatorContext& context) {
    const Value& x = *inputs[0];
    const Value& cosines = *inputs[1];
    const Value& sines = *inputs[2];
    const Value* places = inputOf(inputs, 3);
    QSCOPE_CHECK(expectRank(x, 3, 4, "x"));
    QSCOPE_TRY(const std::int64_t count, checkedCount(x.shape()));
    if (count == 0) return one(x);
    QSCOPE_TRY(const Heads heads, headsOf(node, x));
    auto rotated = attributeOr<std::int64_t>(node, "rotary_embedding_dim", 0);
    if (rotated == 0) rotated = heads.size;
    if (rotated < 0 || rotated % 2 != 0 || rotated > heads.size)
        return fail(ErrorCode::OutOfRange, "{} of {} elements of a head cannot be rotated", rotated, heads.size);
    const std::int64_t half = rotated / 2;
    // Rows may hold more angles than a part of the head needs: ONNX's own test has head size / 2 of them.
    const std::int64_t angles = cosines.shape().empty() ? 0 : std::max(cosines.shape().back(), half);

    // Without positions the caches hold a row per token already.
    std::vector<std::int64_t> rows(static_cast<std::size_t>(heads.batch * heads.time));
    if (places) {
        QSCOPE_CHECK(expectRank(cosines, 2, 2, "the cosines"));
        QSCOPE_CHECK(expectShape(cosines, {cosines.shape()[0], angles}, "the cosines"));
        QSCOPE_CHECK(expectShape(*places, {heads.batch, heads.time}, "the positions"));
        QSCOPE_TRY(rows, integers(*places));
        for (const std::int64_t row : rows)
            if (row < 0 || row >= cosines.shape()[0])
                return fail(ErrorCode::OutOfRange, "position {} lies outside the {} that have angles", row,
                            cosines.shape()[0]);
    } else {
        QSCOPE_CHECK(expectShape(cosines, {heads.batch, heads.time, angles}, "the cosines"));
        for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
    }
    QSCOPE_CHECK(expectShape(sines, cosines.shape(), "the sines"));
    if (cosines.dtype() != x.dtype() || sines.dtype() != x.dtype())
        return fail(ErrorCode::Unsupported, "x, cosines and sines are of several types");

    const bool interleaved = attributeOr<std::int64_t>(node, "interleaved", 0) != 0;
    const std::int64_t step = interleaved ? 2 : 1;
    const std::int64_t partner = interleaved ? 1 : half;
    return withReal(x.dtype(), [&](auto zero) -> Outputs {
        using T = decltype(zero);
        const auto given = elements<T>(x);
        std::vector<T> out(given.begin(), given.end());
        QSCOPE_CHECK(inParallel(heads.batch * heads.time, heads.heads * rotated, context.run,
                                [&](std::int64_t begin, std::int64_t end) {
                                    for (std::int64_t n = begin; n < end; ++n) {
                                        const std::int64_t row = rows[static_cast<std::size_t>(n)] * angles;
                                        const T* cosine = elements<T>(cosines).data() + row;
                                        const T* sine = elements<T>(sines).data() + row;
                                        T* token = out.data() + n / heads.time * heads.heads * heads.time * heads.size +
                                                   n % heads.time * heads.timeStride;
                                        for (std::int64_t h = 0; h < heads.heads; ++h, token += heads.headStride)
                                            for (std::int64_t i = 0; i < half; ++i) {
                                                T& a = token[i * step];
                                                T& b = token[i * step + partner];
                                                const T turned = cosine[i] * a - sine[i] * b;
                                                b = sine[i] * a + cosine[i] * b;
                                                a = turned;
                                            }
                                    }
                                }));
        return one(makeValue(x.shape(), std::move(out)));
    });
}

constexpr std::array kRotary{
    Operator{"RotaryEmbedding", 3, 4, 1, real<rotaryEmbedding>},
};

} // namespace

std::span<const Operator> rotaryOperators() { return kRotary; }

} // namespace qscope::engine::nn
