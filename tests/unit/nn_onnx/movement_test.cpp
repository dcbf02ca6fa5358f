// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn/operator_run.h"

#include <limits>

// Operators that the node tests of ONNX leave out, against answers worked out by hand.

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::nn;
using test::OperatorRun;

namespace {

using Integers = std::vector<std::int64_t>;

Value ints(Shape shape, Integers values) { return makeValue(std::move(shape), std::move(values)); }
Value list(const Integers& values) { return ints({std::ssize(values)}, values); }
Value scalar(std::int64_t value) { return ints({}, {value}); }
Value row(const std::vector<float>& values) { return makeValue<float>({std::ssize(values)}, values); }
Value counting(Shape shape) {
    std::vector<float> values(static_cast<std::size_t>(elementCount(shape)));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    return makeValue(std::move(shape), std::move(values));
}

template<class T = float>
std::vector<T> listOf(const Value& value) {
    REQUIRE(value.dtype() == kDTypeOf<T>);
    const auto all = elements<T>(value);
    return {all.begin(), all.end()};
}

using Floats = std::vector<float>;

} // namespace

TEST_CASE("Slices count from either end, in either direction, and stop at the ends") {
    OperatorRun op;
    const Value x = counting({2, 4});
    const auto cut = [&](Integers starts, Integers ends, Integers axes, Integers steps) {
        const Value s = list(std::move(starts)), e = list(std::move(ends)), a = list(std::move(axes)),
                    t = list(std::move(steps));
        return op.only("Slice", {&x, &s, &e, &a, &t});
    };
    CHECK(listOf(cut({-1}, {std::numeric_limits<std::int64_t>::min()}, {1}, {-2})) == Floats{3, 1, 7, 5});
    CHECK(listOf(cut({1, 0}, {99, -1}, {0, 1}, {1, 2})) == Floats{4, 6});
    CHECK(cut({3}, {1}, {1}, {1}).shape() == Shape{2, 0});
    CHECK(cut({9}, {99}, {1}, {1}).shape() == Shape{2, 0});
    CHECK(listOf(cut({99}, {0}, {1}, {std::numeric_limits<std::int64_t>::min()})) == Floats{3, 7});
}

TEST_CASE("Padding reflects, repeats, wraps and crops") {
    OperatorRun op;
    const Value x = row({1, 2, 3}), pads = list({2, 4}), crop = list({-1, 1}), nine = row({9});
    const auto padded = [&](const Value& by, const char* mode, const Value* value = nullptr) {
        return listOf(op.only("Pad", {&x, &by, value}, {{"mode", std::string(mode)}}));
    };
    CHECK(padded(pads, "constant", &nine) == Floats{9, 9, 1, 2, 3, 9, 9, 9, 9});
    CHECK(padded(pads, "reflect") == Floats{3, 2, 1, 2, 3, 2, 1, 2, 3});
    CHECK(padded(pads, "edge") == Floats{1, 1, 1, 2, 3, 3, 3, 3, 3});
    CHECK(padded(pads, "wrap") == Floats{2, 3, 1, 2, 3, 1, 2, 3, 1});
    CHECK(padded(crop, "constant") == Floats{2, 3, 0});
    const Value tooMuch = list({-2, -2}), huge = list({std::int64_t{1} << 60, 0});
    CHECK(op.error("Pad", {&x, &tooMuch}) == ErrorCode::OutOfRange);
    CHECK(op.error("Pad", {&x, &huge}) != ErrorCode::Cancelled);
}

TEST_CASE("Depth and space exchange places as ONNX's two examples have it") {
    OperatorRun op;
    const Value x = counting({1, 8, 1, 2});
    const Value dcr = op.only("DepthToSpace", {&x}, {{"blocksize", std::int64_t{2}}});
    CHECK(dcr.shape() == Shape{1, 2, 2, 4});
    CHECK(listOf(dcr) == Floats{0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15});
    const Value crd = op.only("DepthToSpace", {&x}, {{"blocksize", std::int64_t{2}}, {"mode", std::string("CRD")}});
    CHECK(listOf(crd) == Floats{0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15});
    const Value back = op.only("SpaceToDepth", {&dcr}, {{"blocksize", std::int64_t{2}}});
    CHECK(back.shape() == x.shape());
    CHECK(listOf(back) == listOf(x));
}

TEST_CASE("Elements are gathered and scattered by index") {
    OperatorRun op;
    const Value x = counting({2, 3});
    const Value tuples = ints({2, 2}, {1, -1, 0, 0});
    CHECK(listOf(op.only("GatherND", {&x, &tuples})) == Floats{5, 0});
    const Value batched = ints({2, 1}, {2, 1});
    CHECK(listOf(op.only("GatherND", {&x, &batched}, {{"batch_dims", std::int64_t{1}}})) == Floats{2, 4});
    const Value outside = ints({1, 2}, {0, 3});
    CHECK(op.error("GatherND", {&x, &outside}) == ErrorCode::OutOfRange);

    const Value places = ints({1, 2}, {1, 0}), updates = makeValue<float>({1, 2}, {10, 20});
    CHECK(listOf(op.only("ScatterElements", {&x, &places, &updates})) == Floats{0, 20, 2, 10, 4, 5});
    CHECK(listOf(op.only("ScatterElements", {&x, &places, &updates}, {{"axis", std::int64_t{1}}})) ==
          Floats{20, 10, 2, 3, 4, 5});
    const Value twice = ints({2, 1}, {1, 1}), rows = makeValue<float>({2, 3}, {1, 1, 1, 2, 2, 2});
    CHECK(listOf(op.only("ScatterND", {&x, &twice, &rows}, {{"reduction", std::string("add")}})) ==
          Floats{0, 1, 2, 6, 7, 8});
    CHECK(listOf(op.only("ScatterND", {&x, &twice, &rows}, {{"reduction", std::string("max")}})) ==
          Floats{0, 1, 2, 3, 4, 5});
    CHECK(listOf(op.only("ScatterND", {&x, &twice, &rows})) == Floats{0, 1, 2, 2, 2, 2});
    const Value bytes = makeValue<std::int8_t>({1}, {100}), more = makeValue<std::int8_t>({1}, {100}),
                first = ints({1, 1}, {0});
    CHECK(listOf<std::int8_t>(op.only("ScatterND", {&bytes, &first, &more}, {{"reduction", std::string("add")}})) ==
          std::vector<std::int8_t>{-56});
}

TEST_CASE("Conditions choose elements, of texts too") {
    OperatorRun op;
    const Value x = counting({2, 3}), chosen = makeBools({2}, {0, 1}), any = makeBools({5}, {1, 0, 0, 0, 1});
    CHECK(listOf(op.only("Compress", {&x, &chosen}, {{"axis", std::int64_t{0}}})) == Floats{3, 4, 5});
    CHECK(listOf(op.only("Compress", {&x, &any})) == Floats{0, 4});
    CHECK(listOf<std::int64_t>(op.only("NonZero", {&x})) == Integers{0, 0, 1, 1, 1, 1, 2, 0, 1, 2});
    const Value zeros = row({0, -0.0F, std::numeric_limits<float>::quiet_NaN()});
    CHECK(listOf<std::int64_t>(op.only("NonZero", {&zeros})) == Integers{2});
    const Value yes = makeTexts({2}, {"a", "b"}), no = makeTexts({1}, {"z"});
    const Value texts = op.only("Where", {&chosen, &yes, &no});
    REQUIRE(texts.texts);
    CHECK(*texts.texts == std::vector<std::string>{"z", "b"});
}

TEST_CASE("Sequences are reversed up to their lengths, and triangles are kept") {
    OperatorRun op;
    const Value x = counting({2, 3}), lengths = list({2, 3});
    CHECK(listOf(op.only("ReverseSequence", {&x, &lengths},
                         {{"time_axis", std::int64_t{1}}, {"batch_axis", std::int64_t{0}}})) ==
          Floats{1, 0, 2, 5, 4, 3});
    const Value one = scalar(1), low = scalar(-1);
    CHECK(listOf(op.only("Trilu", {&x, &one})) == Floats{0, 1, 2, 0, 0, 5});
    CHECK(listOf(op.only("Trilu", {&x, &low}, {{"upper", std::int64_t{0}}})) == Floats{0, 0, 0, 3, 0, 0});
}

TEST_CASE("The best elements are found, equal ones from the front") {
    OperatorRun op;
    const Value x = makeValue<float>({2, 4}, {3, 1, 3, 2, 0, 7, 5, 7}), two = list({2});
    const auto top = op("TopK", {&x, &two}, {}, 2);
    REQUIRE(top);
    CHECK(listOf((*top)[0]) == Floats{3, 3, 7, 7});
    CHECK(listOf<std::int64_t>((*top)[1]) == Integers{0, 2, 1, 3});
    const auto least = op("TopK", {&x, &two}, {{"largest", std::int64_t{0}}, {"axis", std::int64_t{0}}}, 2);
    REQUIRE(least);
    CHECK(listOf((*least)[0]) == Floats{0, 1, 3, 2, 3, 7, 5, 7});
    CHECK(listOf<std::int64_t>((*least)[1]) == Integers{1, 0, 0, 0, 0, 1, 1, 1});
    CHECK(listOf<std::int64_t>(op.only("ArgMin", {&x}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}})) ==
          Integers{1, 0});
    CHECK(listOf<std::int64_t>(op.only(
              "ArgMax", {&x}, {{"axis", std::int64_t{1}}, {"select_last_index", std::int64_t{1}}})) == Integers{2, 3});
}

TEST_CASE("Running sums go either way, with or without the element itself") {
    OperatorRun op;
    const Value x = row({1, 2, 3}), axis = scalar(0);
    CHECK(listOf(op.only("CumSum", {&x, &axis})) == Floats{1, 3, 6});
    CHECK(listOf(op.only("CumSum", {&x, &axis}, {{"exclusive", std::int64_t{1}}})) == Floats{0, 1, 3});
    CHECK(listOf(op.only("CumSum", {&x, &axis}, {{"reverse", std::int64_t{1}}})) == Floats{6, 5, 3});
    CHECK(listOf(op.only("CumSum", {&x, &axis}, {{"reverse", std::int64_t{1}}, {"exclusive", std::int64_t{1}}})) ==
          Floats{5, 3, 0});
}

TEST_CASE("Ranges, identities and one-hot rows are made as asked") {
    OperatorRun op;
    const Value start = scalar(10), limit = scalar(3), delta = scalar(-3), none = scalar(0);
    CHECK(listOf<std::int64_t>(op.only("Range", {&start, &limit, &delta})) == Integers{10, 7, 4});
    CHECK(op.error("Range", {&start, &limit, &none}) == ErrorCode::OutOfRange);
    const Value x = counting({2, 3});
    CHECK(listOf(op.only("EyeLike", {&x}, {{"k", std::int64_t{1}}})) == Floats{0, 1, 0, 0, 0, 1});
    const Value labels = list({1, -1, 5}), three = scalar(3), offOn = row({-1, 1});
    const Value hot = op.only("OneHot", {&labels, &three, &offOn});
    CHECK(hot.shape() == Shape{3, 3});
    CHECK(listOf(hot) == Floats{-1, 1, -1, -1, -1, 1, -1, -1, -1});
    CHECK(listOf(op.only("OneHot", {&labels, &three, &offOn}, {{"axis", std::int64_t{0}}})) ==
          Floats{-1, -1, -1, 1, -1, -1, -1, 1, -1});
}

TEST_CASE("Sizes that no machine holds are refused before anything is made") {
    OperatorRun op;
    const Value x = row({1}), huge = list({std::int64_t{1} << 40, std::int64_t{1} << 40}),
                big = list({std::int64_t{1} << 40});
    CHECK(op.error("Expand", {&x, &huge}) == ErrorCode::OutOfMemory);
    CHECK(op.error("Tile", {&x, &big}) == ErrorCode::OutOfMemory);
    CHECK(op.error("ConstantOfShape", {&big}) == ErrorCode::OutOfMemory);
    const Value zeroAndHuge = list({0, std::int64_t{1} << 62, std::int64_t{1} << 62});
    CHECK(op.error("ConstantOfShape", {&zeroAndHuge}) == ErrorCode::OutOfMemory);
    CHECK(op.error("Reshape", {&x, &zeroAndHuge}, {{"allowzero", std::int64_t{1}}}) == ErrorCode::OutOfMemory);
}
