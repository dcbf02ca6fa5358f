// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/matmul.h"

#include "engine/core/parallel.h"
#include "tests/support/oracle/product_oracle.h"
#include "tests/unit/nn/kernels/kernel_test.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::kernels;
using namespace qscope::test;

namespace {

struct Shape {
    std::int64_t rows, columns, inner, batch = 1;
};

/// A matrix in memory with a gap after every row and every item, the gaps filled with NaN.
template<class T>
struct Stored {
    std::int64_t rows, columns, stride, batchStride;
    std::vector<T> values;

    Stored(std::int64_t rowCount, std::int64_t columnCount, std::int64_t items, std::int64_t gap, unsigned seed)
        : rows(rowCount)
        , columns(columnCount)
        , stride(columnCount + gap)
        , batchStride(rowCount * stride + gap)
        , values(static_cast<std::size_t>(items * batchStride), kNaN<T>) {
        const auto filling = normal<T>(items * rows * columns, seed);
        for (std::int64_t b = 0, n = 0; b < items; ++b)
            for (std::int64_t i = 0; i < rows; ++i)
                for (std::int64_t j = 0; j < columns; ++j) at(b, i, j) = filling[static_cast<std::size_t>(n++)];
    }
    T& at(std::int64_t b, std::int64_t i, std::int64_t j) {
        return values[static_cast<std::size_t>(b * batchStride + i * stride + j)];
    }
};

struct Options {
    bool leftTransposed = false, rightTransposed = false, accumulate = false, bias = false, shareLeft = false,
         shareRight = false;
    double scale = 1;
    std::int64_t gap = 0;
    bool here = false; // on the calling thread
};

template<class T>
void check(const Shape& s, const Options& o, InstructionSet instructions) {
    CAPTURE(s.rows, s.columns, s.inner, s.batch, o.leftTransposed, o.rightTransposed, o.accumulate, o.bias, o.shareLeft,
            o.shareRight, o.scale, o.gap, o.here, static_cast<int>(instructions), sizeof(T));
    Stored<T> left(o.leftTransposed ? s.inner : s.rows, o.leftTransposed ? s.rows : s.inner, s.batch, o.gap, 1);
    Stored<T> right(o.rightTransposed ? s.columns : s.inner, o.rightTransposed ? s.inner : s.columns, s.batch, o.gap,
                    2);
    Stored<T> result(s.rows, s.columns, s.batch, o.gap, 3);
    const auto before = result;
    const auto bias = normal<T>(o.bias ? s.columns : 0, 4);

    MatrixProduct<T> product;
    product.rows = s.rows;
    product.columns = s.columns;
    product.inner = s.inner;
    product.batch = s.batch;
    product.left = {left.values, left.stride, o.leftTransposed, o.shareLeft ? 0 : left.batchStride};
    product.right = {right.values, right.stride, o.rightTransposed, o.shareRight ? 0 : right.batchStride};
    product.result = result.values;
    product.resultStride = result.stride;
    product.resultBatchStride = result.batchStride;
    product.scale = static_cast<T>(o.scale);
    product.accumulate = o.accumulate;
    product.bias = bias;
    product.instructions = instructions;
    if (o.here) {
        Scratch<T> scratch;
        multiplyHere(product, scratch);
    } else {
        TestRun run;
        REQUIRE(multiply(product, run.context));
    }

    double worst = 0; // of error / allowed
    for (std::int64_t b = 0; b < s.batch; ++b)
        for (std::int64_t i = 0; i < s.rows; ++i) {
            for (std::int64_t j = 0; j < s.columns; ++j) {
                auto sum = naiveDot(
                    s.inner,
                    [&](std::int64_t p) {
                        const std::int64_t item = o.shareLeft ? 0 : b;
                        return static_cast<long double>(o.leftTransposed ? left.at(item, p, i) : left.at(item, i, p));
                    },
                    [&](std::int64_t p) {
                        const std::int64_t item = o.shareRight ? 0 : b;
                        return static_cast<long double>(o.rightTransposed ? right.at(item, j, p)
                                                                          : right.at(item, p, j));
                    });
                const auto scale = static_cast<long double>(static_cast<T>(o.scale));
                const long double added = (o.bias ? static_cast<long double>(bias[static_cast<std::size_t>(j)]) : 0.0L);
                const long double old =
                    o.accumulate
                        ? static_cast<long double>(
                              before.values[static_cast<std::size_t>(b * before.batchStride + i * before.stride + j)])
                        : 0.0L;
                const auto expected = static_cast<double>(scale * sum.value + added + old);
                // Each term is rounded at most inner + 1 times, then by the scale, the bias and the old value.
                const auto allowed =
                    static_cast<double>(s.inner + 5) * kRounding<T> *
                    static_cast<double>(std::fabs(scale) * sum.magnitude + std::fabs(added) + std::fabs(old));
                const double error = std::fabs(static_cast<double>(result.at(b, i, j)) - expected);
                if (!(error <= allowed)) worst = std::max(worst, allowed > 0 && error == error ? error / allowed : 1e9);
            }
            for (std::int64_t j = s.columns; j < result.stride; ++j) REQUIRE(std::isnan(result.at(b, i, j)));
        }
    CHECK(worst == 0);
}

template<class T>
void checkAll(const Shape& shape, Options options) {
    for (const auto instructions : supportedInstructionSets())
        for (const bool leftTransposed : {false, true})
            for (const bool rightTransposed : {false, true}) {
                options.leftTransposed = leftTransposed;
                options.rightTransposed = rightTransposed;
                check<T>(shape, options, instructions);
            }
}

} // namespace

TEMPLATE_TEST_CASE("products of all shapes agree with their definition", "", float, double) {
    for (const Shape shape : {Shape{1, 1, 1},
                              {1, 7, 5},
                              {2, 33, 17},
                              {3, 64, 16},
                              {4, 5, 100},
                              {5, 1, 31},
                              {8, 40, 9},
                              {12, 31, 33},
                              {13, 32, 16},
                              {16, 65, 20},
                              {17, 1, 40},
                              {27, 70, 19},
                              {31, 15, 50}}) {
        checkAll<TestType>(shape, {});
        Options options;
        options.gap = 3;
        options.bias = true;
        options.scale = -0.75;
        checkAll<TestType>(shape, options);
        options.accumulate = true;
        options.here = true;
        checkAll<TestType>(shape, options);
    }
}

TEMPLATE_TEST_CASE("products of several passes, blocks and packed parts agree with their definition", "", float,
                   double) {
    Options options;
    options.bias = options.accumulate = true;
    options.gap = 1;
    checkAll<TestType>({3, 19, 1000}, options);
    checkAll<TestType>({40, 45, 800}, options);
    checkAll<TestType>({250, 50, 20}, options);
    checkAll<TestType>({2, 1100, 9}, options);                       // more columns than `sums` takes at once
    check<TestType>({20, 600, 4200}, options, bestInstructionSet()); // more columns than fit the packed buffer at once
    options.here = true;
    check<TestType>({20, 600, 4200}, options, bestInstructionSet());
    checkAll<TestType>({130, 45, 400}, options);
}

TEMPLATE_TEST_CASE("batches share what has no stride", "", float, double) {
    for (const Shape shape : {Shape{3, 20, 11, 5}, {20, 20, 11, 3}, {18, 9, 30, 70}})
        for (const bool shareLeft : {false, true})
            for (const bool shareRight : {false, true}) {
                Options options;
                options.shareLeft = shareLeft;
                options.shareRight = shareRight;
                checkAll<TestType>(shape, options);
            }
    // Evenly spaced items with one right side become one product.
    const auto left = normal<TestType>(6 * 4 * 10, 1), right = normal<TestType>(10 * 7, 2);
    std::vector<TestType> together(6 * 4 * 7), apart(6 * 4 * 7);
    MatrixProduct<TestType> product;
    product.rows = 4;
    product.columns = 7;
    product.inner = 10;
    product.batch = 6;
    product.left = {left, 10, false, 40};
    product.right = {right, 7, false, 0};
    product.result = together;
    product.resultStride = 7;
    product.resultBatchStride = 28;
    TestRun run;
    REQUIRE(multiply(product, run.context));
    for (std::int64_t i = 0; i < 24; ++i)
        for (std::int64_t j = 0; j < 7; ++j) {
            double sum = 0;
            for (std::int64_t p = 0; p < 10; ++p)
                sum += static_cast<double>(left[static_cast<std::size_t>(i * 10 + p)]) *
                       static_cast<double>(right[static_cast<std::size_t>(p * 7 + j)]);
            CHECK(static_cast<double>(together[static_cast<std::size_t>(i * 7 + j)]) == Approx(sum).margin(1e-5));
        }
}

TEMPLATE_TEST_CASE("empty sizes give empty sums", "", float, double) {
    for (const Shape shape : {Shape{0, 5, 5}, {5, 0, 5}, {5, 5, 0}, {1, 5, 0}, {5, 5, 5, 0}, {0, 0, 0}}) {
        checkAll<TestType>(shape, {});
        Options options;
        options.bias = options.accumulate = true;
        checkAll<TestType>(shape, options);
    }
}

TEMPLATE_TEST_CASE("NaN and infinity spread to the sums they are part of and no further", "", float, double) {
    for (const std::int64_t rows : {2, 30})
        for (const bool transposed : {false, true})
            for (const auto instructions : supportedInstructionSets()) {
                CAPTURE(rows, transposed, static_cast<int>(instructions));
                const std::int64_t columns = 37, inner = 21;
                std::vector<TestType> left(static_cast<std::size_t>(rows * inner), 0),
                    right(static_cast<std::size_t>(columns * inner), 1);
                std::vector<TestType> result(static_cast<std::size_t>(rows * columns));
                left[static_cast<std::size_t>(inner + 20)] = 1; // row 1, last term
                right[static_cast<std::size_t>(transposed ? 5 * inner + 3 : 3 * columns + 5)] =
                    kNaN<TestType>; // column 5
                right[static_cast<std::size_t>(transposed ? 7 * inner + 3 : 3 * columns + 7)] =
                    kInf<TestType>; // column 7: 0 * inf
                right[static_cast<std::size_t>(transposed ? 9 * inner + 20 : 20 * columns + 9)] = -kInf<TestType>;
                MatrixProduct<TestType> product;
                product.rows = rows;
                product.columns = columns;
                product.inner = inner;
                product.left = {left, inner};
                product.right = {right, transposed ? inner : columns, transposed};
                product.result = result;
                product.resultStride = columns;
                product.instructions = instructions;
                TestRun run;
                REQUIRE(multiply(product, run.context));
                for (std::int64_t i = 0; i < rows; ++i)
                    for (std::int64_t j = 0; j < columns; ++j) {
                        const TestType value = result[static_cast<std::size_t>(i * columns + j)];
                        if (j == 5 || j == 7 || (j == 9 && i != 1))
                            CHECK(std::isnan(value));
                        else if (j == 9)
                            CHECK(value == -kInf<TestType>);
                        else
                            CHECK(value == (i == 1 ? 1 : 0));
                    }
            }
}

TEST_CASE("products do not depend on the number of threads") {
    const std::int64_t columns = 300, inner = 500;
    for (const std::int64_t rows : {3, 200}) {
        const auto left = normal<float>(rows * inner, 1), right = normal<float>(columns * inner, 2);
        std::vector<float> many(static_cast<std::size_t>(rows * columns)), one = many;
        MatrixProduct<float> product;
        product.rows = rows;
        product.columns = columns;
        product.inner = inner;
        product.left = {left, inner};
        product.right = {right, inner, true};
        product.resultStride = columns;
        TestRun run;
        product.result = many;
        REQUIRE(multiply(product, run.context));
        const ThreadLimit limit(1);
        product.result = one;
        REQUIRE(multiply(product, run.context));
        CHECK(many == one);
    }
}

TEST_CASE("a product stops when it is told to") {
    const std::vector<float> left(40 * 40), right(40 * 40);
    std::vector<float> result(40 * 40);
    MatrixProduct<float> product;
    product.rows = product.columns = product.inner = 40;
    product.left = {left, 40};
    product.right = {right, 40};
    product.result = result;
    product.resultStride = 40;
    TestRun run;
    run.stop.request_stop();
    const auto done = multiply(product, run.context);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == ErrorCode::Cancelled);
}
