// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn/operator_run.h"

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;
using qscope::test::distance;
using qscope::test::doubles;
using qscope::test::OperatorRun;
using qscope::test::randomValue;

namespace {

/// left [rows, inner] times right [inner, columns] by definition.
std::vector<double> naiveProduct(const std::vector<double>& left, const std::vector<double>& right, std::size_t rows,
                                 std::size_t inner, std::size_t columns) {
    std::vector<double> out(rows * columns);
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j)
            for (std::size_t k = 0; k < inner; ++k)
                out[i * columns + j] += left[i * inner + k] * right[k * columns + j];
    return out;
}

std::vector<double> transposed(const std::vector<double>& x, std::size_t rows, std::size_t columns) {
    std::vector<double> out(x.size());
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < columns; ++j) out[j * rows + i] = x[i * columns + j];
    return out;
}

// Sums of at most 33 products of normal values: a few dozen roundings of numbers below 64.
constexpr double kSingle = 1e-4;

} // namespace

TEST_CASE("Linear multiplies by the transposed weight and adds the bias") {
    OperatorRun op;
    const Value x = randomValue({2, 5, 33}, 1);
    const Value weight = randomValue({17, 33}, 2);
    const Value bias = randomValue({17}, 3);
    auto expected = naiveProduct(doubles(x), transposed(doubles(weight), 17, 33), 10, 33, 17);
    CHECK(distance(doubles(op.only("Linear", {&x, &weight})), expected) < kSingle);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += doubles(bias)[i % 17];
    const Value y = op.only("Linear", {&x, &weight, &bias});
    CHECK(y.shape() == Shape{2, 5, 17});
    CHECK(distance(doubles(y), expected) < kSingle);

    const Value wrong = randomValue({33}, 3);
    CHECK(op.error("Linear", {&x, &weight, &wrong}) == ErrorCode::OutOfRange);
    CHECK(op.error("Linear", {&x, &bias}) == ErrorCode::OutOfRange);
    CHECK(op.error("Linear", {&bias, &weight}) == ErrorCode::OutOfRange);
}

TEST_CASE("MatMul broadcasts batches and takes vectors on either side") {
    OperatorRun op;
    const Value a = randomValue({2, 1, 3, 4}, 1);
    const Value b = randomValue({3, 4, 5}, 2);
    const Value y = op.only("MatMul", {&a, &b});
    REQUIRE(y.shape() == Shape{2, 3, 3, 5});
    const auto left = doubles(a), right = doubles(b), all = doubles(y);
    for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 3; ++j) {
            const auto part = naiveProduct({left.begin() + static_cast<std::ptrdiff_t>(i * 12), left.end()},
                                           {right.begin() + static_cast<std::ptrdiff_t>(j * 20), right.end()}, 3, 4, 5);
            const auto at = all.begin() + static_cast<std::ptrdiff_t>((i * 3 + j) * 15);
            CHECK(distance({at, at + 15}, part) < kSingle);
        }
    const Value matrix = randomValue({4, 5}, 2);
    const Value row = randomValue({4}, 3);
    const Value column = randomValue({5}, 4);
    CHECK(op.only("MatMul", {&a, &matrix}).shape() == Shape{2, 1, 3, 5});
    CHECK(op.only("MatMul", {&row, &matrix}).shape() == Shape{5});
    CHECK(op.only("MatMul", {&matrix, &column}).shape() == Shape{4});
    CHECK(op.only("MatMul", {&row, &row}).shape().empty());
    const Value wholes = makeValue<std::int32_t>({2, 2}, {1, 2, 3, -4});
    CHECK(doubles(op.only("MatMul", {&wholes, &wholes})) == std::vector<double>{7, -6, -9, 22});
    CHECK(op.error("MatMul", {&row, &column}) == ErrorCode::OutOfRange);
}

TEST_CASE("Gemm scales, transposes and adds a broadcast matrix") {
    OperatorRun op;
    const Value a = randomValue({4, 3}, 1);
    const Value b = randomValue({5, 4}, 2);
    const Value c = randomValue({3, 1}, 3);
    auto expected = naiveProduct(transposed(doubles(a), 4, 3), transposed(doubles(b), 5, 4), 3, 4, 5);
    for (std::size_t i = 0; i < 15; ++i) expected[i] = 0.5 * expected[i] + 2 * doubles(c)[i / 5];
    const test::Attributes attributes{
        {"transA", std::int64_t{1}}, {"transB", std::int64_t{1}}, {"alpha", 0.5}, {"beta", 2.0}};
    CHECK(distance(doubles(op.only("Gemm", {&a, &b, &c}, attributes)), expected) < kSingle);
    CHECK(op.error("Gemm", {&a, &b, &a}, attributes) == ErrorCode::OutOfRange);
    CHECK(op.error("Gemm", {&a, &b}) == ErrorCode::OutOfRange);
}

TEST_CASE("Elements are combined over repeated axes, and integers wrap around") {
    OperatorRun op;
    const Value a = makeValue<float>({2, 1, 2}, {1, 2, 3, 4});
    const Value b = makeValue<float>({3, 1}, {10, 20, 30});
    const Value sum = op.only("Add", {&a, &b});
    CHECK(sum.shape() == Shape{2, 3, 2});
    CHECK(doubles(sum) == std::vector<double>{11, 12, 21, 22, 31, 32, 13, 14, 23, 24, 33, 34});
    const Value three = makeValue<float>({3}, {1, 2, 3});
    CHECK(op.error("Add", {&a, &three}) == ErrorCode::OutOfRange);

    const Value bytes = makeValue<std::uint8_t>({2}, {200, 3});
    CHECK(doubles(op.only("Add", {&bytes, &bytes})) == std::vector<double>{144, 6});
    const Value least = makeValue<std::int64_t>({1}, {std::numeric_limits<std::int64_t>::min()});
    const Value minusOne = makeValue<std::int64_t>({}, {-1});
    const Value zero = makeValue<std::int64_t>({}, {0});
    CHECK(elements<std::int64_t>(op.only("Div", {&least, &minusOne}))[0] == elements<std::int64_t>(least)[0]);
    CHECK(op.error("Div", {&least, &zero}) == ErrorCode::OutOfRange);
    CHECK(op.error("Mod", {&least, &zero}) == ErrorCode::OutOfRange);
    CHECK(op.error("Add", {&least, &bytes}) == ErrorCode::Unsupported);
    const Value seven = makeValue<std::int32_t>({2}, {7, -7});
    const Value minusThree = makeValue<std::int32_t>({}, {-3});
    CHECK(doubles(op.only("Mod", {&seven, &minusThree})) == std::vector<double>{-2, -1});
    CHECK(doubles(op.only("Mod", {&seven, &minusThree}, {{"fmod", std::int64_t{1}}})) == std::vector<double>{1, -1});
}

TEST_CASE("LayerNormalization and RMSNormalization agree with their definitions") {
    OperatorRun op;
    const Value x = randomValue({3, 8}, 1, 2);
    const Value scale = randomValue({8}, 2);
    const Value bias = randomValue({8}, 3);
    const auto all = doubles(x), factor = doubles(scale), add = doubles(bias);
    std::vector<double> layer, rms;
    for (std::size_t r = 0; r < 3; ++r) {
        double mean = 0, variance = 0, square = 0;
        for (std::size_t i = 0; i < 8; ++i) mean += all[r * 8 + i] / 8;
        for (std::size_t i = 0; i < 8; ++i) {
            variance += std::pow(all[r * 8 + i] - mean, 2) / 8;
            square += std::pow(all[r * 8 + i], 2) / 8;
        }
        for (std::size_t i = 0; i < 8; ++i) {
            layer.push_back((all[r * 8 + i] - mean) / std::sqrt(variance + 0.01) * factor[i] + add[i]);
            rms.push_back(all[r * 8 + i] / std::sqrt(square + 0.01) * factor[i]);
        }
    }
    const test::Attributes attributes{{"epsilon", 0.01}};
    CHECK(distance(doubles(op.only("LayerNormalization", {&x, &scale, &bias}, attributes)), layer) < 1e-5);
    CHECK(distance(doubles(op.only("RMSNormalization", {&x, &scale}, attributes)), rms) < 1e-5);
    const Value wrong = randomValue({3, 8}, 2);
    CHECK(op.error("RMSNormalization", {&x, &wrong}) == ErrorCode::OutOfRange);
    CHECK(op.error("RMSNormalization", {&x, &scale}, {{"axis", std::int64_t{2}}}) == ErrorCode::OutOfRange);
}

TEST_CASE("CrossEntropy is the mean over the targets that count") {
    OperatorRun op;
    const Value logits = randomValue({2, 3, 5}, 1, 3);
    const Value targets = makeValue<std::int64_t>({2, 3}, {0, -100, 4, 2, -1, 3});
    const auto all = doubles(logits);
    double loss = 0;
    for (const auto& [row, target] : {std::pair{0, 0}, {2, 4}, {3, 2}, {5, 3}}) {
        double sum = 0;
        for (int i = 0; i < 5; ++i) sum += std::exp(all[static_cast<std::size_t>(row * 5 + i)]);
        loss += std::log(sum) - all[static_cast<std::size_t>(row * 5 + target)];
    }
    const Value found = op.only("CrossEntropy", {&logits, &targets});
    CHECK(found.shape().empty());
    CHECK(doubles(found)[0] == Approx(loss / 4).epsilon(1e-6));

    const Value none = makeValue<std::int64_t>({2, 3}, {-1, -1, -1, -1, -1, -1});
    const Value large = makeValue<std::int64_t>({2, 3}, {0, 0, 5, 0, 0, 0});
    const Value few = makeValue<std::int64_t>({3}, {0, 0, 0});
    for (const Value* wrong : {&none, &large, &few})
        CHECK(op.error("CrossEntropy", {&logits, wrong}) == ErrorCode::OutOfRange);
}

TEST_CASE("Softmax of large numbers does not overflow") {
    OperatorRun op;
    const Value x = makeValue<float>({1, 3}, {10000, 10001, -10000});
    const double e = std::exp(1.0);
    CHECK(distance(doubles(op.only("Softmax", {&x})), {1 / (1 + e), e / (1 + e), 0}) < 1e-6);
    CHECK(distance(doubles(op.only("LogSoftmax", {&x})),
                   {-std::log(1 + e), 1 - std::log(1 + e), -20001 - std::log1p(1 / e)}) < 2e-3);
}

TEST_CASE("An operator stops when the run is cancelled, and refuses outputs beyond the limit") {
    OperatorRun op;
    const Value x = randomValue({64, 64}, 1);
    op.run.stop.request_stop();
    for (const auto* name : {"MatMul", "Add"}) CHECK(op.error(name, {&x, &x}) == ErrorCode::Cancelled);
    CHECK(op.error("Softmax", {&x}) == ErrorCode::Cancelled);

    OperatorRun fresh;
    const Value tall = makeValue<std::int64_t>({1 << 18, 1}, std::vector<std::int64_t>(1 << 18));
    const Value wide = makeValue<std::int64_t>({1, 1 << 18}, std::vector<std::int64_t>(1 << 18));
    CHECK(fresh.error("Add", {&tall, &wide}) == ErrorCode::OutOfRange);
    CHECK(fresh.error("MatMul", {&tall, &wide}) == ErrorCode::OutOfRange);
}

TEST_CASE("Gather takes slices of any type along an axis") {
    OperatorRun op;
    const Value x = makeValue<std::int16_t>({2, 3}, {1, 2, 3, 4, 5, 6});
    const Value places = makeValue<std::int64_t>({2, 2}, {0, -1, 2, 1});
    const Value y = op.only("Gather", {&x, &places}, {{"axis", std::int64_t{1}}});
    CHECK(y.shape() == Shape{2, 2, 2});
    CHECK(y.dtype() == DType::I16);
    CHECK(doubles(y) == std::vector<double>{1, 3, 3, 2, 4, 6, 6, 5});
    CHECK(op.error("Gather", {&x, &places}) == ErrorCode::OutOfRange);
    CHECK(op.error("Gather", {&x, &x}) == ErrorCode::OutOfRange);
}
