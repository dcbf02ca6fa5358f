// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/nn/graph/graph.h"

#include <string>

namespace qscope::test {

// The stored tests of Attention with three axes or grouped queries follow the operator's first description, which took
// [batch, time, heads * size] for [batch, heads, time, size] without a transpose (onnx/onnx issue 7118, corrected by
// pull request 7142), and gave query head h the key head h modulo their number instead of h / group (pull request
// 7274). Both are rearrangements: with inputs arranged so that the corrected operator calculates the same, the stored
// results still test it.
class OldAttention {
public:
    using Value = engine::nn::Value;
    using Shape = engine::Shape;

    OldAttention(const engine::nn::Node& node, const std::vector<Value>& inputs) {
        const bool split = inputs[0].shape().size() == 4;
        m_queries = split ? inputs[0].shape()[1] : engine::nn::attributeOr<std::int64_t>(node, "q_num_heads", 1);
        m_keys = split ? inputs[1].shape()[1] : engine::nn::attributeOr<std::int64_t>(node, "kv_num_heads", 1);
    }

    [[nodiscard]] static bool concerns(const std::string& test) {
        return test.starts_with("test_attention_3d") ||
               (test.starts_with("test_attention") && test.find("_gqa") != test.npos);
    }

    /// What to give the corrected operator.
    [[nodiscard]] std::vector<Value> arranged(std::vector<Value> inputs) const {
        if (inputs[0].shape().size() == 3)
            for (std::size_t i = 0; i < 3; ++i) inputs[i] = headsInside(inputs[i], i == 0 ? m_queries : m_keys);
        inputs[0] = reordered(inputs[0], true);
        return inputs;
    }
    /// What the old one would have given: the result and the scores are per query head, the rest is as it is.
    [[nodiscard]] std::vector<Value> restored(std::vector<Value> outputs) const {
        for (std::size_t i = 0; i < outputs.size(); i += 3) outputs[i] = reordered(outputs[i], false);
        return outputs;
    }

private:
    /// [batch, heads, time, size] as it lies in memory to [batch, time, heads * size].
    [[nodiscard]] static Value headsInside(const Value& value, std::int64_t heads) {
        const Shape& s = value.shape();
        const std::int64_t size = s[2] / heads;
        const auto from = engine::nn::elements<float>(value);
        std::vector<float> to(from.size());
        std::size_t i = 0;
        for (std::int64_t b = 0; b < s[0]; ++b)
            for (std::int64_t h = 0; h < heads; ++h)
                for (std::int64_t t = 0; t < s[1]; ++t)
                    for (std::int64_t d = 0; d < size; ++d)
                        to[static_cast<std::size_t>(((b * s[1] + t) * heads + h) * size + d)] = from[i++];
        return engine::nn::makeValue(s, std::move(to));
    }

    /// Query heads so that those that share a key head stand together (or back).
    [[nodiscard]] Value reordered(const Value& value, bool together) const {
        const Shape& s = value.shape();
        const std::int64_t outer = s.size() == 4 ? s[0] : s[0] * s[1], group = m_queries / m_keys;
        const auto from = engine::nn::elements<float>(value);
        const std::int64_t inner = std::ssize(from) / (outer * m_queries);
        std::vector<float> to(from.size());
        for (std::int64_t o = 0; o < outer; ++o)
            for (std::int64_t h = 0; h < m_queries; ++h) {
                const std::int64_t other = h % m_keys * group + h / m_keys;
                const std::int64_t source = together ? h : other, target = together ? other : h;
                for (std::int64_t i = 0; i < inner; ++i)
                    to[static_cast<std::size_t>((o * m_queries + target) * inner + i)] =
                        from[static_cast<std::size_t>((o * m_queries + source) * inner + i)];
            }
        return engine::nn::makeValue(s, std::move(to));
    }

    std::int64_t m_queries = 1, m_keys = 1;
};

} // namespace qscope::test
