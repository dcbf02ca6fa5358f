// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/attention.h"

#include "engine/core/parallel.h"
#include "tests/support/oracle/attention_oracle.h"
#include "tests/unit/nn/kernels/kernel_test.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::engine::kernels;
using namespace qscope::test;

namespace {

struct Case {
    std::int64_t batch = 1, heads = 2, kvHeads = 2, queries = 5, keys = 5, size = 8, valueSize = 8;
    bool causal = false;
    std::int64_t firstPosition = 0, window = 0;
    double softCap = 0;
    bool positionsFirst = false; // [batch, position, head, size] instead of [batch, head, position, size]
    int mask = 0;                // 0: none, 1: per query and key, 2: per item and key, with -inf
};

template<class T>
struct Stored {
    std::vector<T> values;
    std::int64_t batchStride, headStride, positionStride;

    Stored(const Case& c, std::int64_t heads, std::int64_t positions, std::int64_t size, unsigned seed)
        : values(normal<T>(c.batch * heads * positions * size, seed))
        , batchStride(heads * positions * size)
        , headStride(c.positionsFirst ? size : positions * size)
        , positionStride(c.positionsFirst ? heads * size : size) {}
    T& at(std::int64_t b, std::int64_t h, std::int64_t t, std::int64_t i) {
        return values[static_cast<std::size_t>(b * batchStride + h * headStride + t * positionStride + i)];
    }
    template<class U>
    HeadVectors<U> view() {
        return {values, batchStride, headStride, positionStride};
    }
};

template<class T>
void check(const Case& c, InstructionSet instructions) {
    CAPTURE(c.batch, c.heads, c.kvHeads, c.queries, c.keys, c.size, c.valueSize, c.causal, c.firstPosition, c.window,
            c.softCap, c.positionsFirst, c.mask, static_cast<int>(instructions));
    Stored<T> query(c, c.heads, c.queries, c.size, 1), key(c, c.kvHeads, c.keys, c.size, 2),
        value(c, c.kvHeads, c.keys, c.valueSize, 3);
    Stored<T> result(c, c.heads, c.queries, c.valueSize, 4);
    std::vector<T> mask;
    AttentionMask<T> maskView;
    if (c.mask == 1) {
        mask = normal<T>(c.queries * c.keys, 5);
        maskView = {mask, 0, 0, c.keys, 1};
    } else if (c.mask == 2) {
        mask = normal<T>(c.batch * c.keys, 5);
        for (std::size_t k = 0; k < mask.size(); k += 3) mask[k] = -kInf<T>;
        maskView = {mask, c.keys, 0, 0, 1};
    }
    std::vector<T> probabilities(static_cast<std::size_t>(c.batch * c.heads * c.queries * c.keys), kNaN<T>);
    const double scale = 1 / std::sqrt(static_cast<double>(c.size));

    Attention<T> attention;
    attention.batch = c.batch;
    attention.heads = c.heads;
    attention.kvHeads = c.kvHeads;
    attention.queries = c.queries;
    attention.keys = c.keys;
    attention.size = c.size;
    attention.valueSize = c.valueSize;
    attention.query = query.template view<const T>();
    attention.key = key.template view<const T>();
    attention.value = value.template view<const T>();
    attention.result = result.template view<T>();
    attention.scale = static_cast<T>(scale);
    attention.softCap = static_cast<T>(c.softCap);
    attention.causal = c.causal;
    attention.firstPosition = c.firstPosition;
    attention.window = c.window;
    attention.mask = maskView;
    attention.probabilities = probabilities;
    attention.instructions = instructions;
    TestRun run;
    REQUIRE(attend(attention, run.context));

    double worst = 0;
    for (std::int64_t b = 0; b < c.batch; ++b)
        for (std::int64_t h = 0; h < c.heads; ++h)
            for (std::int64_t t = 0; t < c.queries; ++t) {
                const std::int64_t kv = h / (c.heads / c.kvHeads), position = c.firstPosition + t;
                std::vector<std::optional<long double>> scores;
                std::vector<std::vector<long double>> values;
                double magnitude = 0, sizeOfValues = 0;
                for (std::int64_t k = 0; k < c.keys; ++k) {
                    long double score = 0, terms = 0;
                    for (std::int64_t i = 0; i < c.size; ++i) {
                        const auto term = static_cast<long double>(query.at(b, h, t, i)) *
                                          static_cast<long double>(key.at(b, kv, k, i));
                        score += term;
                        terms += std::fabs(term);
                    }
                    score *= static_cast<long double>(attention.scale);
                    if (c.softCap != 0) score = c.softCap * std::tanh(score / static_cast<long double>(c.softCap));
                    if (c.mask == 1) score += static_cast<long double>(mask[static_cast<std::size_t>(t * c.keys + k)]);
                    if (c.mask == 2) score += static_cast<long double>(mask[static_cast<std::size_t>(b * c.keys + k)]);
                    const bool seen = (!c.causal || k <= position) && (c.window == 0 || k > position - c.window) &&
                                      !std::isinf(score);
                    scores.push_back(seen ? std::optional(score) : std::nullopt);
                    if (seen)
                        magnitude = std::max(magnitude, static_cast<double>(terms * static_cast<long double>(scale)) +
                                                            std::fabs(static_cast<double>(score)));
                    values.emplace_back();
                    for (std::int64_t i = 0; i < c.valueSize; ++i) {
                        values.back().push_back(static_cast<long double>(value.at(b, kv, k, i)));
                        sizeOfValues = std::max(sizeOfValues, std::fabs(static_cast<double>(values.back().back())));
                    }
                }
                const auto expected = naiveAttention(scores, values, static_cast<std::size_t>(c.valueSize));
                // A score is wrong by up to (size + 8) roundings of its terms, which the exponential turns into a
                // relative error of the probability, twice (its own and the sum's); then the sum over the keys.
                const double relative = (2 * (static_cast<double>(c.size) + 8) * magnitude + 2 * magnitude +
                                         static_cast<double>(c.keys) + 10) *
                                        kRounding<T>;
                for (std::int64_t k = 0; k < c.keys; ++k) {
                    const auto got = static_cast<double>(
                        probabilities[static_cast<std::size_t>(((b * c.heads + h) * c.queries + t) * c.keys + k)]);
                    const auto p = static_cast<double>(expected.probabilities[static_cast<std::size_t>(k)]);
                    if (!scores[static_cast<std::size_t>(k)]) REQUIRE(got == 0);
                    const double error = std::fabs(got - p) / (relative * p + 1e-44);
                    worst = error <= worst ? worst : (std::isnan(error) ? 1e9 : error);
                }
                for (std::int64_t i = 0; i < c.valueSize; ++i) {
                    const auto got = static_cast<double>(result.at(b, h, t, i));
                    if (expected.empty) REQUIRE(got == 0);
                    const double error =
                        std::fabs(got - static_cast<double>(expected.result[static_cast<std::size_t>(i)])) /
                        (relative * sizeOfValues + 1e-44);
                    worst = error <= worst ? worst : (std::isnan(error) ? 1e9 : error);
                }
            }
    CHECK(worst <= 1);
}

template<class T>
void checkAll(const Case& c) {
    for (const auto instructions : supportedInstructionSets()) check<T>(c, instructions);
}

} // namespace

TEMPLATE_TEST_CASE("attention agrees with its definition", "", float, double) {
    using T = TestType;
    checkAll<T>({});
    checkAll<T>({.batch = 2,
                 .heads = 6,
                 .kvHeads = 2,
                 .queries = 7,
                 .keys = 13,
                 .size = 16,
                 .valueSize = 10,
                 .positionsFirst = true});
    checkAll<T>({.heads = 4,
                 .kvHeads = 1,
                 .queries = 1,
                 .keys = 70,
                 .size = 64,
                 .valueSize = 64,
                 .causal = true,
                 .firstPosition = 69});
    checkAll<T>({.heads = 12, .kvHeads = 1, .queries = 3, .keys = 9, .causal = true, .firstPosition = 6});
    checkAll<T>({.queries = 90, .keys = 90, .size = 24, .valueSize = 24, .causal = true});
    checkAll<T>({.queries = 80, .keys = 100, .causal = true, .firstPosition = 20, .window = 7, .positionsFirst = true});
    checkAll<T>({.queries = 10, .keys = 10, .window = 3});
    checkAll<T>({.queries = 40, .keys = 45, .softCap = 1.5});
    checkAll<T>({.batch = 2, .queries = 40, .keys = 45, .causal = true, .mask = 1});
    checkAll<T>({.batch = 3, .queries = 4, .keys = 45, .mask = 2});
    checkAll<T>({.heads = 1, .kvHeads = 1, .queries = 2, .keys = 3, .size = 256, .valueSize = 256});
}

TEMPLATE_TEST_CASE("queries that see nothing give zeros, and empty sizes are taken", "", float, double) {
    using T = TestType;
    checkAll<T>({.queries = 4, .keys = 6, .causal = true, .firstPosition = -2});             // before the first key
    checkAll<T>({.queries = 4, .keys = 6, .causal = true, .firstPosition = 5, .window = 1}); // behind the last
    checkAll<T>({.batch = 2, .keys = 1, .mask = 2});
    checkAll<T>({.keys = 0});
    checkAll<T>({.queries = 0});
    checkAll<T>({.batch = 0});
    checkAll<T>({.valueSize = 0});
}

TEST_CASE("a NaN among the scores reaches the results of the queries that see it alone") {
    const std::int64_t positions = 6, size = 8;
    auto query = normal<float>(positions * size, 1), key = normal<float>(positions * size, 2),
         value = normal<float>(positions * size, 3);
    key[3 * size] = kNaN<float>;
    std::vector<float> result(query.size());
    Attention<float> attention;
    attention.batch = attention.heads = attention.kvHeads = 1;
    attention.queries = attention.keys = positions;
    attention.size = attention.valueSize = size;
    attention.query = {query, 0, 0, size};
    attention.key = {key, 0, 0, size};
    attention.value = {value, 0, 0, size};
    attention.result = {result, 0, 0, size};
    attention.causal = true;
    TestRun run;
    REQUIRE(attend(attention, run.context));
    for (std::int64_t t = 0; t < positions; ++t)
        for (std::int64_t i = 0; i < size; ++i)
            CHECK(std::isnan(result[static_cast<std::size_t>(t * size + i)]) == (t >= 3));
}

TEST_CASE("attention does not depend on the number of threads") {
    const std::int64_t heads = 4, positions = 150, size = 32;
    const auto query = normal<float>(heads * positions * size, 1), key = normal<float>(heads * positions * size, 2);
    std::vector<float> many(query.size()), one = many;
    Attention<float> attention;
    attention.batch = 1;
    attention.heads = attention.kvHeads = heads;
    attention.queries = attention.keys = positions;
    attention.size = attention.valueSize = size;
    attention.query = {query, 0, positions * size, size};
    attention.key = attention.value = {key, 0, positions * size, size};
    attention.causal = true;
    attention.result = {many, 0, positions * size, size};
    TestRun run;
    REQUIRE(attend(attention, run.context));
    const ThreadLimit limit(1);
    attention.result.values = one;
    REQUIRE(attend(attention, run.context));
    CHECK(many == one);
}
