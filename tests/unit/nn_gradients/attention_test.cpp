// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/differences.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::test;

namespace {

OperatorCase attention(Attributes attributes, std::optional<Value> mask = std::nullopt, std::int64_t time = 5,
                       std::int64_t keys = 5) {
    OperatorCase result{"Attention",
                        {uniformValue({2, 4, time, 3}, 1, -2, 2), uniformValue({2, 2, keys, 3}, 2, -2, 2),
                         uniformValue({2, 2, keys, 2}, 3)},
                        std::move(attributes)};
    if (mask) result.inputs.push_back(std::move(mask));
    return result;
}

constexpr std::int64_t kOne = 1;

} // namespace

TEST_CASE("Attention has the gradients that differences show") {
    checkGradients(attention({}));
    checkGradients(attention({{"is_causal", kOne}}));
    checkGradients(attention({{"scale", 0.3}}, std::nullopt, 3, 7));
    checkGradients(attention({{"is_causal", kOne}, {"window", std::int64_t{2}}}));
    checkGradients(attention({{"is_causal", kOne}, {"softcap", 1.5}}));
    checkGradients({"Attention",
                    {uniformValue({2, 5, 12}, 1), uniformValue({2, 6, 6}, 2), uniformValue({2, 6, 4}, 3)},
                    {{"q_num_heads", std::int64_t{4}}, {"kv_num_heads", std::int64_t{2}}}});
}

TEST_CASE("Attention over more keys than a block of queries holds has gradients") {
    checkGradients({"Attention",
                    {uniformValue({1, 1, 150, 4}, 1), uniformValue({1, 1, 150, 4}, 2), uniformValue({1, 1, 150, 4}, 3)},
                    {{"is_causal", kOne}}});
}

TEST_CASE("Masks of attention hide, or add and have gradients of their own") {
    checkGradients(attention({}, uniformValue({5, 5}, 4)));
    checkGradients(attention({{"softcap", 2.0}}, uniformValue({2, 1, 5, 5}, 4)));
    checkGradients(attention({{"is_causal", kOne}}, uniformValue({4, 1, 4}, 4)));
    OperatorCase older = attention({{"softcap", 2.0}, {"is_causal", kOne}}, uniformValue({4, 5, 5}, 4));
    older.opset = 23;
    checkGradients(older);
    std::vector<std::uint8_t> shown(25, 1);
    for (const std::size_t hidden : {1, 5, 6, 7, 8, 9, 13}) shown[hidden] = 0; // of the second query all
    checkGradients(attention({}, engine::nn::makeBools({5, 5}, shown)));
    OperatorCase counted = attention({{"is_causal", kOne}}, std::nullopt, 2, 5);
    counted.inputs.resize(6);
    counted.inputs.push_back(integerValue({2}, {5, 3}));
    checkGradients(counted);
}

TEST_CASE("Attention to keys of an earlier call has no gradient, and says so") {
    OperatorCase past = attention({});
    past.inputs.resize(4);
    past.inputs.push_back(uniformValue({2, 2, 3, 3}, 5));
    past.inputs.push_back(uniformValue({2, 2, 3, 2}, 6));
    CHECK(gradientError(past) == "Attention with earlier keys has no gradient");
}

TEST_CASE("Rotary embeddings turn gradients back") {
    const std::vector<std::optional<Value>> tables{uniformValue({2, 3, 2}, 2), uniformValue({2, 3, 2}, 3)};
    for (const std::int64_t interleaved : {0, 1}) {
        checkGradients(
            {"RotaryEmbedding", {uniformValue({2, 2, 3, 4}, 1), tables[0], tables[1]}, {{"interleaved", interleaved}}});
        checkGradients({"RotaryEmbedding",
                        {uniformValue({2, 3, 10}, 1), tables[0], tables[1]},
                        {{"interleaved", interleaved},
                         {"num_heads", std::int64_t{2}},
                         {"rotary_embedding_dim", std::int64_t{4}}}});
        checkGradients({"RotaryEmbedding",
                        {uniformValue({1, 2, 3, 4}, 1), uniformValue({7, 2}, 2), uniformValue({7, 2}, 3),
                         integerValue({1, 3}, {4, 0, 4})},
                        {{"interleaved", interleaved}}});
    }
}
