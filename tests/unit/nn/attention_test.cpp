// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn/operator_run.h"

#include <cmath>
#include <complex>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;
using qscope::test::Attributes;
using qscope::test::distance;
using qscope::test::doubles;
using qscope::test::OperatorRun;
using qscope::test::randomValue;

namespace {

/// What one case of attention is; tensors are [batch, heads, time, size].
struct Case {
    std::size_t batch = 2, heads = 6, kvHeads = 2, time = 5, total = 5, size = 4, valueSize = 3;
    double scale = 0.5, softcap = 0;
    bool causal = false;
    std::size_t window = 0;
    std::size_t offset = 0; ///< position of the first query
};

/// Softmax(scale Q K^T) V by definition. `bias`: added to the scores of [time, total], or empty.
std::vector<double> naive(const Case& c, const std::vector<double>& q, const std::vector<double>& k,
                          const std::vector<double>& v, const std::vector<double>& bias = {}) {
    std::vector<double> out;
    for (std::size_t b = 0; b < c.batch; ++b)
        for (std::size_t h = 0; h < c.heads; ++h)
            for (std::size_t t = 0; t < c.time; ++t) {
                const std::size_t shared = b * c.kvHeads + h * c.kvHeads / c.heads;
                std::vector<double> weight(c.total);
                double sum = 0;
                for (std::size_t j = 0; j < c.total; ++j) {
                    const std::size_t self = t + c.offset;
                    if (c.causal && j > self) continue;
                    if (c.window > 0 && j + c.window <= self) continue;
                    double score = 0;
                    for (std::size_t i = 0; i < c.size; ++i)
                        score += c.scale * q[((b * c.heads + h) * c.time + t) * c.size + i] *
                                 k[(shared * c.total + j) * c.size + i];
                    if (c.softcap > 0) score = c.softcap * std::tanh(score / c.softcap);
                    if (!bias.empty()) score += bias[t * c.total + j];
                    sum += weight[j] = std::exp(score);
                }
                for (std::size_t i = 0; i < c.valueSize; ++i) {
                    double mean = 0;
                    for (std::size_t j = 0; j < c.total; ++j)
                        mean += weight[j] * v[(shared * c.total + j) * c.valueSize + i];
                    out.push_back(mean / sum);
                }
            }
    return out;
}

template<class T = float>
Value headsValue(std::size_t batch, std::size_t heads, std::size_t time, std::size_t size, unsigned seed) {
    return randomValue<T>({static_cast<std::int64_t>(batch), static_cast<std::int64_t>(heads),
                           static_cast<std::int64_t>(time), static_cast<std::int64_t>(size)},
                          seed);
}

/// [batch, heads, time, size] as [batch, time, heads * size].
Value flat(const Value& x) {
    const Shape& s = x.shape();
    std::vector<float> out(elements<float>(x).size());
    for (std::int64_t b = 0; b < s[0]; ++b)
        for (std::int64_t h = 0; h < s[1]; ++h)
            for (std::int64_t t = 0; t < s[2]; ++t)
                for (std::int64_t i = 0; i < s[3]; ++i)
                    out[static_cast<std::size_t>(((b * s[2] + t) * s[1] + h) * s[3] + i)] =
                        elements<float>(x)[static_cast<std::size_t>(((b * s[1] + h) * s[2] + t) * s[3] + i)];
    return makeValue({s[0], s[2], s[1] * s[3]}, std::move(out));
}

/// Tokens [begin, end) of [batch, heads, time, size].
Value tokens(const Value& x, std::int64_t begin, std::int64_t end) {
    const Shape& s = x.shape();
    std::vector<float> out;
    for (std::int64_t n = 0; n < s[0] * s[1]; ++n)
        for (std::int64_t i = begin * s[3]; i < end * s[3]; ++i)
            out.push_back(elements<float>(x)[static_cast<std::size_t>(n * s[2] * s[3] + i)]);
    return makeValue({s[0], s[1], end - begin, s[3]}, std::move(out));
}

// Sums of at most 16 products of values below 5: a few ulps of 25.
constexpr double kSingle = 2e-5;

} // namespace

TEST_CASE("Attention agrees with its definition: grouped heads, causal, windows, soft caps") {
    OperatorRun op;
    Case c;
    SECTION("plain") {}
    SECTION("one head of keys for all") { c.kvHeads = 1; }
    SECTION("as many heads of keys as of queries") { c.kvHeads = 6; }
    SECTION("causal") { c.causal = true; }
    SECTION("causal within a window of two") {
        c.causal = true;
        c.window = 2;
    }
    SECTION("a window without causality reaches back only") { c.window = 3; }
    SECTION("soft cap") {
        c.softcap = 1.5;
        c.causal = true;
    }
    SECTION("more keys than queries") { c.total = 16; }
    const Value q = headsValue(c.batch, c.heads, c.time, c.size, 1);
    const Value k = headsValue(c.batch, c.kvHeads, c.total, c.size, 2);
    const Value v = headsValue(c.batch, c.kvHeads, c.total, c.valueSize, 3);
    Attributes attributes{{"scale", c.scale}, {"window", static_cast<std::int64_t>(c.window)}};
    if (c.causal) attributes["is_causal"] = std::int64_t{1};
    if (c.softcap > 0) attributes["softcap"] = c.softcap;
    const auto expected = naive(c, doubles(q), doubles(k), doubles(v));
    CHECK(distance(doubles(op.only("Attention", {&q, &k, &v}, attributes)), expected) < kSingle);

    attributes["q_num_heads"] = static_cast<std::int64_t>(c.heads);
    attributes["kv_num_heads"] = static_cast<std::int64_t>(c.kvHeads);
    const Value flatQ = flat(q);
    const Value flatK = flat(k);
    const Value flatV = flat(v);
    const Value together = op.only("Attention", {&flatQ, &flatK, &flatV}, attributes);
    const Value apart = op.only("Attention", {&q, &k, &v}, attributes);
    CHECK(distance(doubles(together), doubles(flat(apart))) < 1e-6);
}

TEST_CASE("Attention adds a mask of numbers and obeys one of truth values") {
    OperatorRun op;
    const Case c;
    const Value q = headsValue(c.batch, c.heads, c.time, c.size, 1);
    const Value k = headsValue(c.batch, c.kvHeads, c.total, c.size, 2);
    const Value v = headsValue(c.batch, c.kvHeads, c.total, c.valueSize, 3);
    const Value bias = randomValue({5, 5}, 4);
    auto expected = naive(c, doubles(q), doubles(k), doubles(v), doubles(bias));
    CHECK(distance(doubles(op.only("Attention", {&q, &k, &v, &bias}, {{"scale", 0.5}})), expected) < kSingle);

    std::vector<std::uint8_t> allowed;
    std::vector<double> same;
    for (int i = 0; i < 25; ++i) {
        allowed.push_back(i % 3 != 1);
        same.push_back(i % 3 != 1 ? 0 : -std::numeric_limits<double>::infinity());
    }
    const Value mask = makeBools({1, 1, 5, 5}, allowed);
    expected = naive(c, doubles(q), doubles(k), doubles(v), same);
    CHECK(distance(doubles(op.only("Attention", {&q, &k, &v, &mask}, {{"scale", 0.5}})), expected) < kSingle);

    const Value none = makeBools({1, 5}, std::vector<std::uint8_t>(5));
    for (const double x : doubles(op.only("Attention", {&q, &k, &v, &none}))) CHECK(x == 0);
}

TEST_CASE("A session's attention token by token equals the whole sequence at once") {
    OperatorRun op;
    const Value q = headsValue(2, 6, 9, 4, 1);
    const Value k = headsValue(2, 3, 9, 4, 2);
    const Value v = headsValue(2, 3, 9, 5, 3);
    Attributes attributes{{"is_causal", std::int64_t{1}}, {"slot", std::int64_t{7}}};
    SECTION("seeing everything") {}
    SECTION("through a window") { attributes["window"] = std::int64_t{4}; }
    const Value whole = op.only("Attention", {&q, &k, &v}, attributes);
    Session session;
    op.session = &session;
    for (const auto& [begin, end] : {std::pair{0, 4}, {4, 5}, {5, 9}}) {
        const Value someQ = tokens(q, begin, end);
        const Value someK = tokens(k, begin, end);
        const Value someV = tokens(v, begin, end);
        const Value part = op.only("Attention", {&someQ, &someK, &someV}, attributes);
        CHECK(distance(doubles(part), doubles(tokens(whole, begin, end))) < 1e-6);
    }
    REQUIRE(session.entries.size() == 1);
    CHECK(session.entries.at(7)[0].shape() == Shape{2, 3, 9, 4});
}

TEST_CASE("Earlier keys and values as inputs stand before the new ones, and come out joined") {
    OperatorRun op;
    const Value q = headsValue(1, 2, 3, 4, 1);
    const Value k = headsValue(1, 2, 7, 4, 2);
    const Value v = headsValue(1, 2, 7, 4, 3);
    const Value pastK = tokens(k, 0, 4), pastV = tokens(v, 0, 4), newK = tokens(k, 4, 7), newV = tokens(v, 4, 7);
    const auto outputs = op("Attention", {&q, &newK, &newV, nullptr, &pastK, &pastV},
                            {{"is_causal", std::int64_t{1}}, {"scale", 0.5}}, 3);
    REQUIRE(outputs);
    const Case c{1, 2, 2, 3, 7, 4, 4, 0.5, 0, true, 0, 4};
    CHECK(distance(doubles((*outputs)[0]), naive(c, doubles(q), doubles(k), doubles(v))) < kSingle);
    CHECK(doubles((*outputs)[1]) == doubles(k));
    CHECK(doubles((*outputs)[2]) == doubles(v));
}

TEST_CASE("Attention in double precision and in half precision") {
    OperatorRun op;
    const Case c;
    const Value q = headsValue<double>(c.batch, c.heads, c.time, c.size, 1);
    const Value k = headsValue<double>(c.batch, c.kvHeads, c.total, c.size, 2);
    const Value v = headsValue<double>(c.batch, c.kvHeads, c.total, c.valueSize, 3);
    const auto expected = naive(c, doubles(q), doubles(k), doubles(v));
    CHECK(distance(doubles(op.only("Attention", {&q, &k, &v}, {{"scale", 0.5}})), expected) < 1e-13);
    const auto halfQ = converted(q, DType::F16), halfK = converted(k, DType::F16), halfV = converted(v, DType::F16);
    const auto rounded = naive(c, doubles(*halfQ), doubles(*halfK), doubles(*halfV));
    const Value half = op.only("Attention", {&*halfQ, &*halfK, &*halfV}, {{"scale", 0.5}});
    CHECK(half.dtype() == DType::F16);
    CHECK(distance(doubles(half), rounded) < 0x1p-10);
}

TEST_CASE("Attention refuses shapes that do not fit") {
    OperatorRun op;
    const Value q = headsValue(1, 4, 3, 4, 1);
    const Value k = headsValue(1, 2, 3, 4, 2);
    const Value three = headsValue(1, 3, 3, 4, 2);
    const Value narrow = headsValue(1, 2, 3, 3, 2);
    const Value longer = headsValue(1, 2, 4, 4, 2);
    const Value flatQ = flat(q);
    const Value flatK = flat(k);
    const Value mask = randomValue({3, 9}, 1);
    const Value past = headsValue(1, 3, 2, 4, 2);
    CHECK(op.error("Attention", {&q, &three, &three}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&q, &narrow, &k}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&q, &k, &longer}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&q, &flatK, &flatK}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&flatQ, &flatK, &flatK}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&flatQ, &flatK, &flatK},
                   {{"q_num_heads", std::int64_t{5}}, {"kv_num_heads", std::int64_t{2}}}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&q, &k, &k, &mask}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&q, &k, &k, nullptr, &past, &past}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&q, &k, &k, nullptr, &k}) == ErrorCode::OutOfRange);
    CHECK(op.error("Attention", {&q, &k, &k}, {{"window", std::int64_t{-1}}}) == ErrorCode::Unsupported);
}

TEST_CASE("RotaryEmbedding turns pairs of elements like complex numbers") {
    OperatorRun op;
    constexpr std::int64_t kHeads = 2, kTime = 3, kSize = 6;
    const std::int64_t half = GENERATE(3, 2);
    const bool interleaved = GENERATE(false, true);
    const Value x = headsValue(2, kHeads, kTime, kSize, 1);
    std::vector<float> cosines, sines;
    const auto angle = [](std::int64_t position, std::int64_t i) {
        return 0.3 * static_cast<double>(position * (i + 1));
    };
    for (std::int64_t p = 0; p < 8; ++p)
        for (std::int64_t i = 0; i < half; ++i) {
            cosines.push_back(static_cast<float>(std::cos(angle(p, i))));
            sines.push_back(static_cast<float>(std::sin(angle(p, i))));
        }
    const Value cosine = makeValue({8, half}, cosines);
    const Value sine = makeValue({8, half}, sines);
    const std::vector<std::int64_t> positions{0, 1, 2, 7, 3, 5};
    const Value places = makeValue({2, kTime}, positions);
    Attributes attributes{{"interleaved", std::int64_t{interleaved}}, {"rotary_embedding_dim", 2 * half}};

    auto expected = doubles(x);
    for (std::size_t token = 0; token < 2 * kHeads * kTime; ++token) {
        const std::size_t batch = token / (kHeads * kTime);
        const std::int64_t position = positions[batch * kTime + token % kTime];
        for (std::int64_t i = 0; i < half; ++i) {
            double& a = expected[token * kSize + static_cast<std::size_t>(interleaved ? 2 * i : i)];
            double& b = expected[token * kSize + static_cast<std::size_t>(interleaved ? 2 * i + 1 : i + half)];
            const auto turned = std::complex<double>(a, b) * std::polar(1.0, angle(position, i));
            a = turned.real();
            b = turned.imag();
        }
    }
    const Value turned = op.only("RotaryEmbedding", {&x, &cosine, &sine, &places}, attributes);
    CHECK(distance(doubles(turned), expected) < 2e-6);

    attributes["num_heads"] = kHeads;
    const Value flatX = flat(x);
    const Value flatTurned = op.only("RotaryEmbedding", {&flatX, &cosine, &sine, &places}, attributes);
    CHECK(doubles(flatTurned) == doubles(flat(turned)));

    const Value far = makeValue<std::int64_t>({2, kTime}, {0, 1, 2, 8, 3, 5});
    CHECK(op.error("RotaryEmbedding", {&x, &cosine, &sine, &far}, attributes) == ErrorCode::OutOfRange);
    CHECK(op.error("RotaryEmbedding", {&x, &cosine, &sine}, attributes) == ErrorCode::OutOfRange);
}
