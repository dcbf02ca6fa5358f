// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/element_stream.h"

#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <limits>

using namespace qscope;
using namespace qscope::engine;

TEST_CASE("F32 elements pass through without a copy, unless they lie askew in the file", "[quant]") {
    test::TestRun run;
    std::vector<float> values(100);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 7;
    auto bytes = std::make_shared<std::vector<std::byte>>(401);
    std::memcpy(bytes->data() + 1, values.data(), 400);
    const TensorView straight = makeTensor({10, 10}, values);
    const TensorView askew{DType::F32, {10, 10}, std::span(*bytes).subspan(1), bytes};
    for (const TensorView* view : {&straight, &askew}) {
        ElementStream stream(*view);
        const auto part = stream.read(33, 20, run.context);
        REQUIRE(part);
        CHECK(std::vector(part->begin(), part->end()) == std::vector(values.begin() + 33, values.begin() + 53));
    }
    ElementStream stream(straight);
    CHECK(reinterpret_cast<const std::byte*>(stream.read(5, 1, run.context)->data()) == straight.bytes.data() + 20);
}

TEST_CASE("reading past the end of a tensor is an error", "[quant]") {
    test::TestRun run;
    ElementStream stream(makeTensor({4}, {1, 2, 3, 4}));
    CHECK(stream.read(4, 0, run.context));
    for (const auto& [first, count] : {std::pair{0, 5}, {4, 1}, {5, 0}, {-1, 1}, {0, -1}})
        CHECK(stream.read(first, count, run.context).error().code == ErrorCode::OutOfRange);
}

TEST_CASE("the first element that is not finite is named", "[quant]") {
    test::TestRun run;
    std::vector<float> values(200'000, 1.0f);
    CHECK(requireFinite(values, 0, {200, 1000}, run.context));
    values[150'123] = std::numeric_limits<float>::quiet_NaN();
    values[150'124] = -std::numeric_limits<float>::infinity();
    values[199'999] = std::numeric_limits<float>::infinity();
    const auto first = requireFinite(values, 0, {200, 1000}, run.context);
    REQUIRE_FALSE(first);
    CHECK(first.error().message.find("row 150, column 123 is NaN") == 0);
    const auto offset = requireFinite(std::span(values).subspan(150'124), 150'124, {200, 1000}, run.context);
    REQUIRE_FALSE(offset);
    CHECK(offset.error().message.find("row 150, column 124 is infinite") == 0);
    CHECK(run.progress.done == 0);
}

TEST_CASE("decoding on all cores stops when asked", "[quant]") {
    test::TestRun run;
    run.stop.request_stop();
    std::vector<float> out(1000);
    CHECK(decodeParallel(makeTensor({1000}, std::vector<float>(1000)), 0, out, run.context).error().code ==
          ErrorCode::Cancelled);
}
