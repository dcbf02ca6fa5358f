// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/norms.h"

#include "tests/support/oracle/norm_oracle.h"
#include "tests/unit/nn/kernels/kernel_test.h"

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::engine::kernels;
using namespace qscope::test;

namespace {

template<class T>
Row rowOf(const std::vector<T>& values, std::int64_t row, std::int64_t size) {
    return {values.begin() + row * size, values.begin() + (row + 1) * size};
}

/// Sums in double are exact enough; what remains are the roundings of single steps in double and the last one.
template<class T>
double near(long double value, long double added = 0) {
    return 40 * kRounding<double> * (static_cast<double>(std::fabs(value) + std::fabs(added)) + 1) +
           1.01 * kRounding<T> * static_cast<double>(std::fabs(value + added));
}

constexpr std::int64_t kSizes[]{1, 2, 7, 16, 33, 100, 1001};

} // namespace

TEMPLATE_TEST_CASE("norms of rows agree with their definitions", "", float, double) {
    using T = TestType;
    TestRun run;
    for (const auto size : kSizes)
        for (const auto instructions : supportedInstructionSets()) {
            CAPTURE(size, static_cast<int>(instructions));
            const std::int64_t rows = 3;
            auto x = normal<T>(rows * size, 1, 2);
            for (auto& value : x) value += 5;
            const auto weight = normal<T>(size, 2), bias = normal<T>(size, 3);
            std::vector<T> plain(x.size()), scaled(x.size()), layer(x.size()), inPlace = x;
            REQUIRE(rmsNorm(Rows<T>{x, plain, size, instructions}, {}, 1e-5, run.context));
            REQUIRE(rmsNorm(Rows<T>{x, scaled, size, instructions}, weight, 1e-5, run.context));
            REQUIRE(layerNorm(Rows<T>{x, layer, size, instructions}, weight, bias, 1e-5, run.context));
            REQUIRE(layerNorm(Rows<T>{inPlace, inPlace, size, instructions}, weight, bias, 1e-5, run.context));
            CHECK(inPlace == layer);
            for (std::int64_t r = 0; r < rows; ++r) {
                const Row rms = naiveRmsNorm(rowOf(x, r, size), 1e-5L),
                          centred = naiveLayerNorm(rowOf(x, r, size), 1e-5L);
                for (std::int64_t i = 0; i < size; ++i) {
                    const auto at = static_cast<std::size_t>(r * size + i), k = static_cast<std::size_t>(i);
                    const auto w = static_cast<long double>(weight[k]), b = static_cast<long double>(bias[k]);
                    CHECK(std::fabs(static_cast<double>(plain[at] - static_cast<T>(rms[k]))) <= 2 * near<T>(rms[k]));
                    CHECK(std::fabs(static_cast<double>(scaled[at]) - static_cast<double>(rms[k] * w)) <=
                          near<T>(rms[k] * w));
                    // A row of one value is its own mean: epsilon alone divides the rounding of 0.
                    const double cancelled = size <= 2 ? 1e-11 : 0;
                    CHECK(std::fabs(static_cast<double>(layer[at]) - static_cast<double>(centred[k] * w + b)) <=
                          near<T>(centred[k] * w, b) + cancelled);
                }
            }
        }
}

TEMPLATE_TEST_CASE("group and instance norms normalise ranges of channels", "", float, double) {
    using T = TestType;
    TestRun run;
    for (const std::int64_t inner : {1, 5, 40})
        for (const std::int64_t groups : {1, 2, 6}) {
            CAPTURE(inner, groups);
            const std::int64_t batch = 3, channels = 6, size = channels / groups * inner;
            const auto x = normal<T>(batch * channels * inner, 1);
            const auto weight = normal<T>(channels, 2), bias = normal<T>(channels, 3);
            std::vector<T> y(x.size());
            REQUIRE(groupNorm({channels, inner, groups}, x, y, weight, bias, 1e-3, run.context));
            for (std::int64_t row = 0; row < batch * groups; ++row) {
                const Row expected = naiveLayerNorm(rowOf(x, row, size), 1e-3L);
                for (std::int64_t i = 0; i < size; ++i) {
                    const auto channel = static_cast<std::size_t>(row % groups * (channels / groups) + i / inner);
                    const auto value =
                        expected[static_cast<std::size_t>(i)] * static_cast<long double>(weight[channel]);
                    const auto shift = static_cast<long double>(bias[channel]);
                    CHECK(std::fabs(static_cast<double>(y[static_cast<std::size_t>(row * size + i)]) -
                                    static_cast<double>(value + shift)) <= near<T>(value, shift));
                }
            }
        }
}

TEMPLATE_TEST_CASE("softmax and its logarithm agree with their definitions", "", float, double) {
    using T = TestType;
    TestRun run;
    for (const auto size : kSizes)
        for (const auto instructions : supportedInstructionSets())
            for (const double spread : {1.0, 30.0}) {
                CAPTURE(size, static_cast<int>(instructions), spread);
                const std::int64_t rows = 3;
                auto x = normal<T>(rows * size, 1, spread);
                if (size > 2) x[1] = -kInf<T>;
                std::vector<T> y(x.size()), logs(x.size()), inPlace = x;
                REQUIRE(softmax(Rows<T>{x, y, size, instructions}, run.context));
                REQUIRE(logSoftmax(Rows<T>{x, logs, size, instructions}, run.context));
                REQUIRE(logSoftmax(Rows<T>{inPlace, inPlace, size, instructions}, run.context));
                CHECK(inPlace == logs);
                for (std::int64_t r = 0; r < rows; ++r) {
                    const Row expected = naiveLogSoftmax(rowOf(x, r, size));
                    double total = 0;
                    for (std::int64_t i = 0; i < size; ++i) {
                        const auto at = static_cast<std::size_t>(r * size + i);
                        const auto value = expected[static_cast<std::size_t>(i)];
                        const auto p = static_cast<double>(std::exp(value));
                        total += static_cast<double>(y[at]);
                        // x - max is rounded to a difference of up to |value| + log(size), then exp, and the division.
                        const double relative = (static_cast<double>(std::isinf(value) ? 0 : std::fabs(value)) +
                                                 std::log(static_cast<double>(size)) + 8) *
                                                kRounding<T>;
                        CHECK(std::fabs(static_cast<double>(y[at]) - p) <=
                              relative * p + static_cast<double>(std::numeric_limits<T>::denorm_min()) * 2);
                        if (std::isinf(value)) CHECK(logs[at] == -kInf<T>);
                        // The sum of exponentials is known to about 4 roundings of its largest terms; max + log(sum)
                        // is rounded in double.
                        else
                            CHECK(std::fabs(static_cast<double>(logs[at]) - static_cast<double>(value)) <=
                                  relative + 2 * kRounding<T> * static_cast<double>(std::fabs(value)) +
                                      2 * kRounding<double> * 5 * spread);
                    }
                    CHECK(total == Approx(1).margin(1e-5));
                }
            }
}

TEMPLATE_TEST_CASE("rows of softmax without a finite largest value are NaN throughout", "", float, double) {
    using T = TestType;
    TestRun run;
    for (const std::int64_t size : {1, 5, 40})
        for (const T special : {-kInf<T>, kInf<T>, kNaN<T>}) {
            std::vector<T> x(static_cast<std::size_t>(size), special == -kInf<T> ? special : T(1)), y(x.size()),
                logs(x.size());
            x.back() = special;
            REQUIRE(softmax(Rows<T>{x, y, size}, run.context));
            REQUIRE(logSoftmax(Rows<T>{x, logs, size}, run.context));
            for (std::size_t i = 0; i < x.size(); ++i) {
                CHECK(std::isnan(y[i]));
                CHECK((std::isnan(logs[i]) || (special == kInf<T> && logs[i] == -kInf<T>)));
            }
        }
}

TEST_CASE("norms take empty rows and no rows") {
    TestRun run;
    CHECK(softmax(Rows<float>{{}, {}, 5}, run.context));
    CHECK(layerNorm(Rows<float>{{}, {}, 0}, {}, {}, 1e-5, run.context));
    CHECK(groupNorm({0, 3, 1}, std::span<const float>{}, {}, {}, {}, 1e-5, run.context));
}
