// SPDX-License-Identifier: GPL-3.0-or-later
// The arithmetic that models run on, on every device, against definitions in double precision. Sums of n products of
// singles may be off by n half ulps of the sum of their magnitudes; exp on a device by 3 + 2 |x| ulps (Vulkan 1.2,
// appendix "Precision and Operation of SPIR-V Instructions"), which is what the factors below come from.
#include "engine/backend/device_math.h"
#include "tests/conformance/backends.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <random>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

constexpr double kUlp = 0x1p-23;

std::vector<float> normal(std::int64_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> distribution;
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = distribution(random);
    return values;
}

/// What a case does with the device's arithmetic; arrays that its small bindings cannot hold are not its matter.
void onEveryMath(const std::function<void(DeviceMath&)>& body) {
    onEveryDevice([&](ComputeBackend&, const RunContext& context) {
        REQUIRE(mathDevice(context));
        const auto math = mathDevice(context)->makeMath(context);
        REQUIRE(math);
        if ((*math)->largestArray() < 4096) {
            const auto refused = (*math)->upload(normal((*math)->largestArray() + 1, 1));
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == ErrorCode::OutOfMemory);
            return;
        }
        body(**math);
    });
}

DeviceArrayPtr put(DeviceMath& math, const std::vector<float>& values) {
    auto array = math.upload(values);
    REQUIRE(array);
    return *array;
}

std::vector<float> take(DeviceMath& math, const Result<DeviceArrayPtr>& array) {
    INFO((array ? "" : describe(array.error())));
    REQUIRE(array);
    std::vector<float> values(static_cast<std::size_t>((*array)->count()));
    REQUIRE(math.download(*array, values));
    return values;
}

void requireNear(const std::vector<float>& found, const std::vector<double>& expected,
                 const std::vector<double>& allowed) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        INFO("element " << i << ": " << found[i] << ", expected " << expected[i]);
        REQUIRE(std::abs(static_cast<double>(found[i]) - expected[i]) <= allowed[std::min(i, allowed.size() - 1)]);
    }
}

double at(const std::vector<float>& values, std::int64_t index) {
    return static_cast<double>(values[static_cast<std::size_t>(index)]);
}

} // namespace

TEST_CASE("Functions of single numbers equal their definitions, without overflow at large numbers") {
    using enum UnaryFunction;
    const double sqrt2 = std::sqrt(2.0);
    const std::vector<std::pair<UnaryFunction, std::function<double(double)>>> functions{
        {Negate, [](double x) { return -x; }},
        {Absolute, [](double x) { return std::abs(x); }},
        {Exponential, [](double x) { return std::exp(x); }},
        {Tanh, [](double x) { return std::tanh(x); }},
        {Sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
        {Relu, [](double x) { return std::max(x, 0.0); }},
        {Silu, [](double x) { return x / (1 + std::exp(-x)); }},
        {Gelu, [&](double x) { return x / 2 * (1 + std::erf(x / sqrt2)); }},
        {GeluTanh, [](double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }},
        {Erf, [](double x) { return std::erf(x); }}};
    std::vector<float> x = normal(1001, 1);
    for (const float edge : {0.0F, 20.0F, -20.0F, 80.0F, -80.0F}) x.push_back(edge);
    onEveryMath([&](DeviceMath& math) {
        const auto array = put(math, x);
        for (const auto& [function, definition] : functions) {
            INFO("function " << static_cast<int>(function));
            std::vector<double> expected, allowed;
            for (const float value : x) {
                const double v = static_cast<double>(value);
                expected.push_back(definition(v));
                allowed.push_back(5e-7 * (1 + std::abs(v)) + (8 + 2 * std::abs(v)) * kUlp * std::abs(expected.back()));
            }
            requireNear(take(math, math.map(function, array)), expected, allowed);
        }
        std::vector<float> positive = x;
        for (float& value : positive) value = std::abs(value) + 0.01F;
        const auto above = put(math, positive);
        for (const auto& [function, definition] : std::vector<std::pair<UnaryFunction, double (*)(double)>>{
                 {SquareRoot, [](double v) { return std::sqrt(v); }},
                 {Reciprocal, [](double v) { return 1 / v; }},
                 {Logarithm, [](double v) { return std::log(v); }}}) {
            std::vector<double> expected, allowed;
            for (const float value : positive) {
                expected.push_back(definition(static_cast<double>(value)));
                allowed.push_back(0x1p-21 + 4 * kUlp * std::abs(expected.back())); // log: 2^-21 absolute near 1
            }
            requireNear(take(math, math.map(function, above)), expected, allowed);
        }
    });
}

TEST_CASE("Pairs of tensors combine with any axis repeated") {
    const std::vector<float> a = normal(2 * 3 * 5, 2), b = normal(3 * 7, 3);
    onEveryMath([&](DeviceMath& math) {
        const Broadcast shape{{2, 3, 7, 5}, {15, 5, 0, 1}, {0, 7, 1, 0}};
        const auto left = put(math, a), right = put(math, b);
        for (const auto& [function, definition] : std::vector<std::pair<BinaryFunction, double (*)(double, double)>>{
                 {BinaryFunction::Add, [](double u, double v) { return u + v; }},
                 {BinaryFunction::Subtract, [](double u, double v) { return u - v; }},
                 {BinaryFunction::Multiply, [](double u, double v) { return u * v; }},
                 {BinaryFunction::Divide, [](double u, double v) { return u / v; }},
                 {BinaryFunction::Maximum, [](double u, double v) { return std::max(u, v); }},
                 {BinaryFunction::Minimum, [](double u, double v) { return std::min(u, v); }}}) {
            std::vector<double> expected, allowed;
            for (std::int64_t i = 0; i < 2 * 3 * 7 * 5; ++i) {
                const std::int64_t i3 = i % 5, i2 = i / 5 % 7, i1 = i / 35 % 3, i0 = i / 105;
                const double u = at(a, i0 * 15 + i1 * 5 + i3), v = at(b, i1 * 7 + i2);
                expected.push_back(definition(u, v));
                allowed.push_back(3 * kUlp * (std::abs(u) + std::abs(v) + std::abs(expected.back())));
            }
            requireNear(take(math, math.combine(function, shape, left, right)), expected, allowed);
        }
    });
}

TEST_CASE("Products of matrices equal sums of products, for odd sizes, batches, shared matrices and biases") {
    struct Case {
        std::int64_t outer, inner, share, rows, columns, depth;
        bool turned, bias;
    };
    onEveryMath([](DeviceMath& math) {
        for (const Case& c : {Case{1, 1, 1, 1, 1, 1, false, false}, Case{1, 1, 1, 65, 67, 33, true, true},
                              Case{2, 4, 2, 7, 130, 19, false, true}, Case{3, 1, 1, 64, 64, 128, true, false}}) {
            INFO(c.rows << " x " << c.columns << " x " << c.depth);
            const std::int64_t shared = c.inner / c.share;
            const auto a = normal(c.outer * c.inner * c.rows * c.depth, 4),
                       b = normal(c.outer * shared * c.depth * c.columns, 5);
            const auto bias = normal(c.columns, 6);
            MatrixProduct shape{c.outer, c.inner, c.rows, c.columns, c.depth, c.share, 0.5F};
            shape.biasColumn = 1;
            shape.a = {0, c.inner * c.rows * c.depth, c.rows * c.depth, c.depth, 1};
            shape.b = {0, shared * c.depth * c.columns, c.depth * c.columns, c.turned ? 1 : c.columns,
                       c.turned ? c.depth : 1};
            shape.result = {0, c.inner * c.rows * c.columns, c.rows * c.columns, c.columns, 1};
            shape.resultCount = c.outer * c.inner * c.rows * c.columns;
            std::vector<double> expected, allowed;
            for (std::int64_t i = 0; i < shape.resultCount; ++i) {
                const std::int64_t column = i % c.columns, row = i / c.columns % c.rows,
                                   pair = i / (c.columns * c.rows);
                const std::int64_t matrix = pair / c.inner * shared + pair % c.inner / c.share;
                double sum = 0, magnitude = 0;
                for (std::int64_t k = 0; k < c.depth; ++k) {
                    const std::int64_t place = c.turned ? column * c.depth + k : k * c.columns + column;
                    const double term =
                        at(a, (pair * c.rows + row) * c.depth + k) * at(b, matrix * c.depth * c.columns + place);
                    sum += term;
                    magnitude += std::abs(term);
                }
                expected.push_back(0.5 * sum + (c.bias ? at(bias, column) : 0));
                allowed.push_back(static_cast<double>(c.depth + 2) * kUlp * (magnitude + 1));
            }
            const auto added = c.bias ? put(math, bias) : nullptr;
            requireNear(take(math, math.product(shape, put(math, a), put(math, b), added)), expected, allowed);
            const auto wrong =
                math.product(shape, put(math, normal(static_cast<std::int64_t>(a.size()) - 1 + (a.size() == 1), 4)),
                             put(math, b), added);
            if (a.size() > 1) CHECK_FALSE(wrong);
        }
    });
}

TEST_CASE("Rows are normalised and turned into probabilities as defined") {
    const std::int64_t rows = 5, columns = 300;
    auto x = normal(rows * columns, 7);
    for (std::int64_t i = 0; i < columns; ++i)
        x[static_cast<std::size_t>(i)] += 90; // far from 0: the maximum must go first
    const auto scale = normal(columns, 8), bias = normal(columns, 9);
    onEveryMath([&](DeviceMath& math) {
        for (const bool logarithm : {false, true}) {
            std::vector<double> expected, allowed;
            for (std::int64_t row = 0; row < rows; ++row) {
                double sum = 0, highest = -1e300;
                for (std::int64_t k = 0; k < columns; ++k) highest = std::max(highest, at(x, row * columns + k));
                for (std::int64_t k = 0; k < columns; ++k) sum += std::exp(at(x, row * columns + k) - highest);
                for (std::int64_t k = 0; k < columns; ++k) {
                    const double power = at(x, row * columns + k) - highest;
                    expected.push_back(logarithm ? power - std::log(sum) : std::exp(power) / sum);
                    allowed.push_back(logarithm ? 2e-5 : (40 - 2 * power) * kUlp * expected.back() + 1e-12);
                }
            }
            requireNear(take(math, math.softmax(put(math, x), columns, logarithm)), expected, allowed);
        }
        for (const bool centred : {false, true}) {
            std::vector<double> expected;
            for (std::int64_t row = 0; row < rows; ++row) {
                double mean = 0, squares = 0;
                for (std::int64_t k = 0; centred && k < columns; ++k)
                    mean += at(x, row * columns + k) / static_cast<double>(columns);
                for (std::int64_t k = 0; k < columns; ++k) squares += std::pow(at(x, row * columns + k) - mean, 2);
                const double length = std::sqrt(squares / static_cast<double>(columns) + 1e-5);
                for (std::int64_t k = 0; k < columns; ++k)
                    expected.push_back((at(x, row * columns + k) - mean) / length * at(scale, k) +
                                       (centred ? at(bias, k) : 0));
            }
            // The mean of numbers near 90 is known to 90 * (log2 n + 1) half ulps; all else is smaller.
            requireNear(take(math, math.normalise(put(math, x), put(math, scale), centred ? put(math, bias) : nullptr,
                                                  1e-5F, centred)),
                        expected, {90 * 10 * kUlp * 4});
        }
    });
}

TEST_CASE("Pairs turn by the angle of their token in both orders and both layouts") {
    const std::int64_t batch = 2, heads = 3, time = 4, size = 10, pairs = 4;
    const auto x = normal(batch * heads * time * size, 10), angle = normal(batch * time * pairs, 11);
    std::vector<float> cosines, sines;
    for (const float a : angle) {
        cosines.push_back(std::cos(a));
        sines.push_back(std::sin(a));
    }
    onEveryMath([&](DeviceMath& math) {
        for (const bool tokenIsInner : {false, true})
            for (const bool neighbours : {false, true}) {
                const Rotation shape{batch,
                                     tokenIsInner ? heads : time,
                                     tokenIsInner ? time : heads,
                                     size,
                                     pairs,
                                     tokenIsInner,
                                     neighbours,
                                     time};
                std::vector<double> expected;
                for (std::int64_t i = 0; i < static_cast<std::int64_t>(x.size()); ++i) {
                    const std::int64_t place = i % size, vector = i / size, outer = vector / (heads * time);
                    const std::int64_t token = tokenIsInner ? vector % time : vector / heads % time;
                    if (place >= 2 * pairs) {
                        expected.push_back(at(x, i));
                        continue;
                    }
                    const std::int64_t pair = neighbours ? place / 2 : place % pairs;
                    const bool second = neighbours ? place % 2 == 1 : place >= pairs;
                    const std::int64_t apart = neighbours ? 1 : pairs;
                    const std::int64_t row = ((outer * time) + token) * pairs + pair;
                    expected.push_back(second ? at(x, i) * at(cosines, row) + at(x, i - apart) * at(sines, row)
                                              : at(x, i) * at(cosines, row) - at(x, i + apart) * at(sines, row));
                }
                requireNear(take(math, math.rotate(shape, put(math, x), put(math, cosines), put(math, sines))),
                            expected, {2e-6});
            }
    });
}

TEST_CASE("Attention with grouped heads, windows, caps and masks equals its definition") {
    AttentionShape base{2, 4, 2, 9, 11, 8, 6};
    base.q = {base.heads * base.queries * base.size, base.queries * base.size, base.size};
    base.k = {base.kvHeads * base.keys * base.size, base.size, base.kvHeads * base.size}; // tokens outside heads
    base.v = {base.kvHeads * base.keys * base.valueSize, base.keys * base.valueSize, base.valueSize};
    base.result = {base.queries * base.heads * base.valueSize, base.valueSize, base.heads * base.valueSize};
    base.scale = 0.35F;
    const auto q = normal(base.batch * base.q.batch, 12), k = normal(base.batch * base.k.batch, 13);
    const auto v = normal(base.batch * base.v.batch, 14), mask = normal(base.batch * base.heads * base.queries * base.keys, 15);
    std::vector<AttentionShape> cases(5, base);
    cases[1].causal = true;
    cases[1].position = 2;
    cases[2].causal = true;
    cases[2].window = 3;
    cases[2].cap = 1.5F;
    cases[3].maskSteps = {0, base.queries * base.keys, base.keys, 1};
    cases[4].maskSteps = {base.heads * base.queries * base.keys, base.queries * base.keys, base.keys, 1};
    onEveryMath([&](DeviceMath& math) {
        for (std::size_t n = 0; n < cases.size(); ++n) {
            INFO("case " << n);
            const AttentionShape& s = cases[n];
            std::vector<double> expected(static_cast<std::size_t>(s.batch * s.heads * s.queries * s.valueSize));
            for (std::int64_t b = 0; b < s.batch; ++b)
                for (std::int64_t h = 0; h < s.heads; ++h)
                    for (std::int64_t i = 0; i < s.queries; ++i) {
                        std::vector<double> weights;
                        double sum = 0;
                        for (std::int64_t j = 0; j < s.keys; ++j) {
                            double score = 0;
                            for (std::int64_t d = 0; d < s.size; ++d)
                                score += at(q, b * s.q.batch + h * s.q.head + i * s.q.token + d) *
                                         at(k, b * s.k.batch + h / 2 * s.k.head + j * s.k.token + d);
                            score *= static_cast<double>(s.scale);
                            if (s.cap > 0)
                                score = static_cast<double>(s.cap) * std::tanh(score / static_cast<double>(s.cap));
                            if (n >= 3) score += at(mask, b * s.maskSteps[0] + (h * s.queries + i) * s.keys + j);
                            const bool seen =
                                (!s.causal || j <= s.position + i) && (s.window == 0 || j > s.position + i - s.window);
                            weights.push_back(seen ? std::exp(score) : 0);
                            sum += weights.back();
                        }
                        for (std::int64_t d = 0; d < s.valueSize; ++d) {
                            double total = 0;
                            for (std::int64_t j = 0; j < s.keys; ++j)
                                total += weights[static_cast<std::size_t>(j)] / sum *
                                         at(v, b * s.v.batch + h / 2 * s.v.head + j * s.v.token + d);
                            expected[static_cast<std::size_t>(b * s.result.batch + h * s.result.head +
                                                              i * s.result.token + d)] = total;
                        }
                    }
            requireNear(take(math, math.attention(s, put(math, q), put(math, k), put(math, v),
                                                  n >= 3 ? put(math, mask) : nullptr)),
                        expected, {1e-5});
        }
    });
}

TEST_CASE("Convolutions with groups, strides, dilations and pads equal their definition") {
    ConvolutionShape s{2, 4, 6, 2, {7, 9}, {3, 2}, {2, 1}, {1, 2}, {1, 2}, {4, 10}};
    const auto x = normal(s.batch * s.channels * 63, 16), w = normal(s.outputs * 2 * 6, 17),
               bias = normal(s.outputs, 18);
    std::vector<double> expected;
    for (std::int64_t b = 0; b < s.batch; ++b)
        for (std::int64_t o = 0; o < s.outputs; ++o)
            for (std::int64_t y = 0; y < s.result[0]; ++y)
                for (std::int64_t z = 0; z < s.result[1]; ++z) {
                    double sum = at(bias, o);
                    for (std::int64_t c = 0; c < 2; ++c)
                        for (std::int64_t i = 0; i < 3; ++i)
                            for (std::int64_t j = 0; j < 2; ++j) {
                                const std::int64_t py = y * 2 + i - 1, pz = z + j * 2 - 2;
                                if (py < 0 || pz < 0 || py >= 7 || pz >= 9) continue;
                                sum += at(w, ((o * 2 + c) * 3 + i) * 2 + j) *
                                       at(x, ((b * 4 + o / 3 * 2 + c) * 7 + py) * 9 + pz);
                            }
                    expected.push_back(sum);
                }
    onEveryMath([&](DeviceMath& math) {
        requireNear(take(math, math.convolution(s, put(math, x), put(math, w), put(math, bias))), expected, {2e-5});
    });
}
