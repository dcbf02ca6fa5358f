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
using Integers = std::vector<std::int64_t>;

TEST_CASE("Convolutions and poolings refuse windows that cannot be") {
    OperatorRun op;
    const Value x = randomValue({1, 4, 5, 5}, 1);
    const Value weight = randomValue({6, 2, 3, 3}, 2);
    const Value flat = randomValue({6, 2, 3}, 2);
    const Value five = randomValue({5}, 2);
    const test::Attributes groups{{"group", std::int64_t{2}}};
    CHECK(op.only("Conv", {&x, &weight}, groups).shape() == Shape{1, 6, 3, 3});
    CHECK(op.error("Conv", {&x, &weight}) == ErrorCode::OutOfRange);
    CHECK(op.error("Conv", {&x, &flat}, groups) == ErrorCode::OutOfRange);
    CHECK(op.error("Conv", {&x, &weight, &five}, groups) == ErrorCode::OutOfRange);
    for (const auto& [name, numbers] : {std::pair{"dilations", Integers{3, 3}},
                                        {"strides", Integers{0, 1}},
                                        {"strides", Integers{1}},
                                        {"pads", Integers{-1, 0, 0, 0}},
                                        {"pads", Integers{0, 0}},
                                        {"kernel_shape", Integers{2, 3}}})
        CHECK(op.error("Conv", {&x, &weight}, {{"group", std::int64_t{2}}, {name, numbers}}) == ErrorCode::OutOfRange);
    CHECK(op.error("Conv", {&x, &weight}, {{"group", std::int64_t{-2}}}) == ErrorCode::OutOfRange);
    CHECK(op.error("ConvTranspose", {&x, &weight}) == ErrorCode::OutOfRange);
    CHECK(op.error("MaxPool", {&x}) == ErrorCode::OutOfRange);
    CHECK(op.error("AveragePool", {&x}, {{"kernel_shape", Integers{6, 6}}}) == ErrorCode::OutOfRange);
    CHECK(op.error("AveragePool", {&x},
                   {{"kernel_shape", Integers{1 << 20, 1 << 20}},
                    {"pads", Integers{1 << 20, 1 << 20, 1 << 20, 1 << 20}}}) == ErrorCode::OutOfRange);
    CHECK(op.error("MaxPool", {&x}, {{"kernel_shape", Integers{2, 2}}, {"auto_pad", std::string("AROUND")}}) ==
          ErrorCode::Unsupported);
}

TEST_CASE("Resize samples the places that its rules say") {
    OperatorRun op;
    const Value x = makeValue<float>({1, 1, 1, 4}, {1, 2, 3, 4});
    const Value scales = makeValue<float>({4}, {1, 1, 1, 2});
    const Value none = makeValue<float>({0}, {});
    CHECK(doubles(op.only("Resize", {&x, nullptr, &scales})) == std::vector<double>{1, 1, 2, 2, 3, 3, 4, 4});
    CHECK(distance(doubles(op.only("Resize", {&x, &none, &scales}, {{"mode", std::string("linear")}})),
                   {1, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4}) < 1e-6);
    const Value sizes = makeValue<std::int64_t>({4}, {1, 1, 2, 3});
    const Value y =
        op.only("Resize", {&x, nullptr, nullptr, &sizes},
                {{"mode", std::string("linear")}, {"coordinate_transformation_mode", std::string("align_corners")}});
    CHECK(y.shape() == Shape{1, 1, 2, 3});
    CHECK(distance(doubles(y), {1, 2.5, 4, 1, 2.5, 4}) < 1e-6);
    // A cubic goes through a straight line.
    const Value cubic =
        op.only("Resize", {&x, nullptr, &scales}, {{"mode", std::string("cubic")}, {"cubic_coeff_a", -0.5}});
    CHECK(doubles(cubic)[3] == Approx(2.25));
    CHECK(doubles(cubic)[4] == Approx(2.75));
    const Value large = makeValue<float>({4}, {1, 1, 1, 1e30F});
    CHECK(op.error("Resize", {&x, nullptr, &large}) == ErrorCode::OutOfRange);
    CHECK(op.error("Resize", {&x}) == ErrorCode::OutOfRange);
    CHECK(op.error("Resize", {&x, nullptr, &scales}, {{"mode", std::string("wild")}}) == ErrorCode::Unsupported);
}

TEST_CASE("Einsum sums over the labels that the output lacks") {
    OperatorRun op;
    const auto equation = [](const char* text) { return test::Attributes{{"equation", std::string(text)}}; };
    const Value a = randomValue({2, 3, 4}, 1);
    const Value b = randomValue({2, 4, 5}, 2);
    const Value square = makeValue<float>({2, 2}, {1, 2, 3, 4});
    CHECK(distance(doubles(op.only("Einsum", {&a, &b}, equation("bij, bjk -> bik"))),
                   doubles(op.only("MatMul", {&a, &b}))) < 1e-5);
    CHECK(distance(doubles(op.only("Einsum", {&a, &b}, equation("...ij,...jk"))),
                   doubles(op.only("MatMul", {&a, &b}))) < 1e-5);
    CHECK(doubles(op.only("Einsum", {&square}, equation("ii->i"))) == std::vector<double>{1, 4});
    CHECK(doubles(op.only("Einsum", {&square}, equation("ji"))) == std::vector<double>{1, 3, 2, 4});
    CHECK(doubles(op.only("Einsum", {&square}, equation("ij->"))) == std::vector<double>{10});
    for (const char* wrong : {"ijk->i", "ij,jk->ik", "ij->k", "ij->ii", "i?->i", ""})
        CHECK(op.error("Einsum", {&square}, equation(wrong)) != ErrorCode::Cancelled);
    CHECK(op.error("Einsum", {&a, &square}, equation("aij,jk->aik")) == ErrorCode::OutOfRange);
}

TEST_CASE("Whole numbers reduce exactly, and axes may be named or not") {
    OperatorRun op;
    const Value x = makeValue<std::int64_t>({2, 3}, {(1LL << 60) + 1, 2, -3, 4, 5, -6});
    const Value axes = makeValue<std::int64_t>({1}, {-1});
    const Value rows = op.only("ReduceSum", {&x, &axes}, {{"keepdims", std::int64_t{0}}});
    CHECK(rows.shape() == Shape{2});
    CHECK(elements<std::int64_t>(rows)[0] == (1LL << 60));
    CHECK(elements<std::int64_t>(op.only("ReduceMax", {&x}))[0] == (1LL << 60) + 1);
    CHECK(doubles(op.only("ReduceL1", {&x, &axes})) == std::vector<double>{std::pow(2.0, 60) + 6, 15});
    CHECK(doubles(op.only("ReduceMin", {&x, &axes})) == std::vector<double>{-3, -6});
    const Value far = makeValue<std::int64_t>({1}, {2});
    CHECK(op.error("ReduceSum", {&x, &far}) == ErrorCode::OutOfRange);
}

TEST_CASE("Recurrent layers refuse weights that do not fit") {
    OperatorRun op;
    const Value x = randomValue({5, 2, 3}, 1);
    const Value w = randomValue({1, 16, 3}, 2);
    const Value r = randomValue({1, 16, 4}, 3);
    const Value state = randomValue({1, 2, 4}, 4);
    const Value lengths = makeValue<std::int32_t>({2}, {5, 6});
    CHECK(op.only("LSTM", {&x, &w, &r}).shape() == Shape{5, 1, 2, 4});
    CHECK(op.error("LSTM", {&x, &r, &w}) == ErrorCode::OutOfRange);
    CHECK(op.error("LSTM", {&x, &w, &r, &state}) == ErrorCode::OutOfRange);
    CHECK(op.error("LSTM", {&x, &w, &r, nullptr, &lengths}) == ErrorCode::OutOfRange);
    CHECK(op.error("GRU", {&x, &w, &r}) == ErrorCode::OutOfRange);
    CHECK(op.error("LSTM", {&x, &w, &r}, {{"direction", std::string("sideways")}}) == ErrorCode::Unsupported);
    CHECK(op.error("LSTM", {&x, &w, &r}, {{"activations", std::vector<std::string>{"Tanh"}}}) == ErrorCode::OutOfRange);
}
