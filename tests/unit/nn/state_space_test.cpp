// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn/operator_run.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;
using qscope::test::Attributes;
using qscope::test::distance;
using qscope::test::doubles;
using qscope::test::OperatorRun;
using qscope::test::randomValue;

namespace {

constexpr std::size_t kBatch = 2, kTime = 7, kChannels = 3, kStates = 4;
const Shape kShape{kBatch, kTime, kChannels};

std::size_t at(std::size_t b, std::size_t t, std::size_t c) { return (b * kTime + t) * kChannels + c; }

/// Each element by f.
Value mapped(const Value& x, float (*f)(float)) {
    std::vector<float> out;
    for (const float value : elements<float>(x)) out.push_back(f(value));
    return makeValue(x.shape(), std::move(out));
}

/// Tokens [begin, end) of [batch, time, ...].
Value tokens(const Value& x, std::int64_t begin, std::int64_t end) {
    const Shape& s = x.shape();
    std::vector<float> out;
    for (std::int64_t b = 0; b < s[0]; ++b)
        for (std::int64_t i = begin * s[2]; i < end * s[2]; ++i)
            out.push_back(elements<float>(x)[static_cast<std::size_t>(b * s[1] * s[2] + i)]);
    return makeValue({s[0], end - begin, s[2]}, std::move(out));
}

/// Runs an operator over pieces of its inputs of three axes in one session; the results must be those of `whole`.
void checkSession(OperatorRun& op, std::string_view name, const std::vector<const Value*>& inputs, const Value& whole) {
    Session session;
    op.session = &session;
    for (const auto& [begin, end] : {std::pair{0, 1}, {1, 2}, {2, 6}, {6, 7}}) {
        std::vector<Value> parts;
        for (const Value* input : inputs)
            parts.push_back(input->shape().size() == 3 ? tokens(*input, begin, end) : *input);
        std::vector<const Value*> given;
        for (const Value& part : parts) given.push_back(&part);
        const Value part = op.only(name, given, {{"slot", std::int64_t{3}}});
        CHECK(distance(doubles(part), doubles(tokens(whole, begin, end))) < 1e-6);
    }
    // Another batch is not what the session began with.
    std::vector<Value> single;
    for (const Value* input : inputs)
        single.push_back(input->shape().size() == 3 ? randomValue({1, 2, input->shape()[2]}, 1) : *input);
    std::vector<const Value*> given;
    for (const Value& part : single) given.push_back(&part);
    CHECK(op.error(name, given, {{"slot", std::int64_t{3}}}) == ErrorCode::OutOfRange);
    op.session = nullptr;
}

} // namespace

TEST_CASE("SelectiveScan unrolls to a sum over earlier tokens") {
    OperatorRun op;
    const Value x = randomValue(kShape, 1);
    const Value delta = mapped(randomValue(kShape, 2), [](float z) { return std::log1p(std::exp(z)); });
    const Value a = mapped(randomValue({kChannels, kStates}, 3), [](float z) { return -std::exp(z); });
    const Value b = randomValue({kBatch, kTime, kStates}, 4);
    const Value c = randomValue({kBatch, kTime, kStates}, 5);
    const Value d = randomValue({kChannels}, 6);
    const auto X = doubles(x), step = doubles(delta), A = doubles(a), B = doubles(b), C = doubles(c), D = doubles(d);
    // y_t = D x_t + sum over s <= t and states of C_t exp(A (delta_{s+1} + ... + delta_t)) delta_s B_s x_s
    std::vector<double> expected(X.size());
    for (std::size_t item = 0; item < kBatch; ++item)
        for (std::size_t channel = 0; channel < kChannels; ++channel)
            for (std::size_t t = 0; t < kTime; ++t) {
                double y = D[channel] * X[at(item, t, channel)];
                for (std::size_t n = 0; n < kStates; ++n) {
                    double elapsed = 0;
                    for (std::size_t s = t + 1; s-- > 0;) {
                        y += C[(item * kTime + t) * kStates + n] * std::exp(A[channel * kStates + n] * elapsed) *
                             step[at(item, s, channel)] * B[(item * kTime + s) * kStates + n] * X[at(item, s, channel)];
                        elapsed += step[at(item, s, channel)];
                    }
                }
                expected[at(item, t, channel)] = y;
            }
    const std::vector<const Value*> inputs{&x, &delta, &a, &b, &c, &d};
    const Value whole = op.only("SelectiveScan", inputs);
    CHECK(distance(doubles(whole), expected) < 1e-4);
    checkSession(op, "SelectiveScan", inputs, whole);
    CHECK(op.error("SelectiveScan", {&x, &delta, &a, &b, &c, &a}) == ErrorCode::OutOfRange);
    CHECK(op.error("SelectiveScan", {&x, &delta, &a, &x, &c, &d}) == ErrorCode::OutOfRange);
}

TEST_CASE("CausalConv sees the past of its own channel, and TokenShift the token before") {
    OperatorRun op;
    const Value x = randomValue(kShape, 1);
    const Value weight = randomValue({kChannels, 4}, 2);
    const Value bias = randomValue({kChannels}, 3);
    const auto X = doubles(x), W = doubles(weight), add = doubles(bias);
    std::vector<double> convolved, shifted;
    for (std::size_t item = 0; item < kBatch; ++item)
        for (std::size_t t = 0; t < kTime; ++t)
            for (std::size_t c = 0; c < kChannels; ++c) {
                double y = add[c];
                for (std::size_t back = 0; back < 4 && back <= t; ++back)
                    y += W[c * 4 + 3 - back] * X[at(item, t - back, c)];
                convolved.push_back(y);
                shifted.push_back(t == 0 ? 0 : X[at(item, t - 1, c)]);
            }
    const Value whole = op.only("CausalConv", {&x, &weight, &bias});
    CHECK(distance(doubles(whole), convolved) < 1e-5);
    checkSession(op, "CausalConv", {&x, &weight, &bias}, whole);
    CHECK(op.error("CausalConv", {&x, &bias}) == ErrorCode::OutOfRange);

    const Value before = op.only("TokenShift", {&x});
    CHECK(doubles(before) == shifted);
    checkSession(op, "TokenShift", {&x}, before);
}

TEST_CASE("Wkv is a weighted mean of the values so far") {
    OperatorRun op;
    const Value k = randomValue(kShape, 1, 3);
    const Value v = randomValue(kShape, 2);
    const Value decay = mapped(randomValue({kChannels}, 3), [](float z) { return std::exp(z); });
    const Value bonus = randomValue({kChannels}, 4);
    const auto K = doubles(k), V = doubles(v), w = doubles(decay), u = doubles(bonus);
    std::vector<double> expected;
    for (std::size_t item = 0; item < kBatch; ++item)
        for (std::size_t t = 0; t < kTime; ++t)
            for (std::size_t c = 0; c < kChannels; ++c) {
                double sum = 0, weights = 0;
                for (std::size_t s = 0; s <= t; ++s) {
                    const double exponent = s == t ? u[c] : -w[c] * static_cast<double>(t - 1 - s);
                    const double weight = std::exp(exponent + K[at(item, s, c)]);
                    sum += weight * V[at(item, s, c)];
                    weights += weight;
                }
                expected.push_back(sum / weights);
            }
    const Value whole = op.only("Wkv", {&k, &v, &decay, &bonus});
    CHECK(distance(doubles(whole), expected) < 1e-5);
    checkSession(op, "Wkv", {&k, &v, &decay, &bonus}, whole);

    const Value large = mapped(k, [](float z) { return z * 1000; });
    for (const double y : doubles(op.only("Wkv", {&large, &v, &decay, &bonus}))) CHECK(std::isfinite(y));
    CHECK(op.error("Wkv", {&k, &v, &decay, &v}) == ErrorCode::OutOfRange);
}
