// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/convolution.h"

#include "tests/support/oracle/convolution_oracle.h"
#include "tests/unit/nn/kernels/kernel_test.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::engine::kernels;
using namespace qscope::test;

namespace {

/// Adds one term to a sum.
void addTerm(OracleSum& sum, long double term) {
    sum.value += term;
    sum.magnitude += std::fabs(term);
}

template<class T>
void compare(const std::vector<T>& got, const std::vector<OracleSum>& expected, std::int64_t terms) {
    REQUIRE(got.size() == expected.size());
    double worst = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        const double allowed =
            static_cast<double>(terms + 5) * kRounding<T> * static_cast<double>(expected[i].magnitude);
        const double error = std::fabs(static_cast<double>(got[i]) - static_cast<double>(expected[i].value));
        if (!(error <= allowed)) worst = std::max(worst, allowed > 0 && !std::isnan(error) ? error / allowed : 1e9);
    }
    CHECK(worst == 0);
}

/// Both directions walk the same triples (coarse position, kernel position, fine position).
template<class T>
void check(const Convolution& c, bool withBias) {
    CAPTURE(c.batch, c.inChannels, c.outChannels, c.groups, c.input, c.kernel, c.strides, c.dilations, c.padsBegin,
            c.padsEnd);
    const Extents output = convolvedShape(c).value();
    const std::int64_t in = elementsOf(c.input), out = elementsOf(output), window = elementsOf(c.kernel);
    const std::int64_t inPerGroup = c.inChannels / c.groups, outPerGroup = c.outChannels / c.groups;
    const auto x = normal<T>(c.batch * c.inChannels * in, 1),
               weight = normal<T>(c.outChannels * inPerGroup * window, 2);
    const auto bias = normal<T>(withBias ? c.outChannels : 0, 3);
    std::vector<OracleSum> expected(static_cast<std::size_t>(c.batch * c.outChannels * out));
    for (std::int64_t n = 0; n < c.batch; ++n)
        for (std::int64_t o = 0; o < c.outChannels; ++o)
            forEachIndex(output, [&](const Extents& p) {
                OracleSum& sum =
                    expected[static_cast<std::size_t>((n * c.outChannels + o) * out + positionOf(p, output))];
                if (withBias) addTerm(sum, static_cast<long double>(bias[static_cast<std::size_t>(o)]));
                for (std::int64_t i = 0; i < inPerGroup; ++i)
                    forEachIndex(c.kernel, [&](const Extents& k) {
                        Extents at(p.size());
                        for (std::size_t axis = 0; axis < at.size(); ++axis)
                            at[axis] = p[axis] * c.strides[axis] - c.padsBegin[axis] + k[axis] * c.dilations[axis];
                        const std::int64_t position = positionOf(at, c.input);
                        if (position < 0) return;
                        const std::int64_t channel = o / outPerGroup * inPerGroup + i;
                        addTerm(sum, static_cast<long double>(
                                         x[static_cast<std::size_t>((n * c.inChannels + channel) * in + position)]) *
                                         static_cast<long double>(weight[static_cast<std::size_t>(
                                             (o * inPerGroup + i) * window + positionOf(k, c.kernel))]));
                    });
            });
    std::vector<T> y(expected.size(), kNaN<T>);
    TestRun run;
    REQUIRE(convolve(c, x, weight, bias, y, run.context));
    compare(y, expected, inPerGroup * window);
}

template<class T>
void checkTransposed(const Convolution& c, const Extents& outputPadding, bool withBias) {
    CAPTURE(c.batch, c.inChannels, c.outChannels, c.groups, c.input, c.kernel, c.strides, c.dilations, c.padsBegin,
            c.padsEnd, outputPadding);
    const Extents output = transposedShape(c, outputPadding).value();
    const std::int64_t in = elementsOf(c.input), out = elementsOf(output), window = elementsOf(c.kernel);
    const std::int64_t inPerGroup = c.inChannels / c.groups, outPerGroup = c.outChannels / c.groups;
    const auto x = normal<T>(c.batch * c.inChannels * in, 1),
               weight = normal<T>(c.inChannels * outPerGroup * window, 2);
    const auto bias = normal<T>(withBias ? c.outChannels : 0, 3);
    std::vector<OracleSum> expected(static_cast<std::size_t>(c.batch * c.outChannels * out));
    for (std::size_t i = 0; i < expected.size() && withBias; ++i)
        addTerm(expected[i], static_cast<long double>(
                                 bias[i / static_cast<std::size_t>(out) % static_cast<std::size_t>(c.outChannels)]));
    for (std::int64_t n = 0; n < c.batch; ++n)
        for (std::int64_t channel = 0; channel < c.inChannels; ++channel)
            forEachIndex(c.input, [&](const Extents& p) {
                for (std::int64_t o = 0; o < outPerGroup; ++o)
                    forEachIndex(c.kernel, [&](const Extents& k) {
                        Extents at(p.size());
                        for (std::size_t axis = 0; axis < at.size(); ++axis)
                            at[axis] = p[axis] * c.strides[axis] - c.padsBegin[axis] + k[axis] * c.dilations[axis];
                        const std::int64_t position = positionOf(at, output);
                        if (position < 0) return;
                        const std::int64_t target = channel / inPerGroup * outPerGroup + o;
                        addTerm(expected[static_cast<std::size_t>((n * c.outChannels + target) * out + position)],
                                static_cast<long double>(x[static_cast<std::size_t>((n * c.inChannels + channel) * in +
                                                                                    positionOf(p, c.input))]) *
                                    static_cast<long double>(weight[static_cast<std::size_t>(
                                        (channel * outPerGroup + o) * window + positionOf(k, c.kernel))]));
                    });
            });
    std::vector<T> y(expected.size(), kNaN<T>);
    TestRun run;
    REQUIRE(convolveTransposed(c, outputPadding, x, weight, bias, y, run.context));
    compare(y, expected, inPerGroup * window);
}

const std::vector<Convolution> kCases{
    {1, 1, 1, 1, {5}, {1}, {1}, {1}, {0}, {0}},
    {2, 3, 4, 1, {20}, {3}, {1}, {1}, {1}, {1}},
    {1, 4, 6, 2, {33}, {5}, {2}, {3}, {4}, {7}},
    {2, 6, 6, 6, {40}, {4}, {1}, {1}, {3}, {0}},                  // depthwise and causal
    {1, 3, 9, 3, {17}, {3}, {2}, {2}, {2}, {2}},                  // depthwise with three results each
    {1, 8, 5, 1, {7, 9}, {1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, // read as it lies
    {2, 3, 16, 1, {11, 13}, {3, 3}, {2, 1}, {1, 2}, {1, 2}, {0, 3}},
    {1, 4, 4, 4, {9, 10}, {3, 5}, {1, 1}, {1, 1}, {1, 2}, {1, 2}},
    {1, 2, 3, 1, {70, 75}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, // several blocks of positions
    {1, 2, 3, 1, {4, 5, 6}, {2, 3, 2}, {1, 2, 1}, {1, 1, 2}, {0, 1, 1}, {1, 1, 1}},
    {1, 2, 2, 1, {8}, {3}, {1}, {1}, {-2}, {-1}}, // crops
    {1, 2, 2, 1, {3}, {3}, {4}, {1}, {9}, {9}},   // results that see only zeros
    {0, 2, 2, 1, {8}, {3}, {1}, {1}, {1}, {1}},
};

} // namespace

TEMPLATE_TEST_CASE("convolutions agree with their definition", "", float, double) {
    for (const auto& c : kCases)
        for (const bool withBias : {false, true}) check<TestType>(c, withBias);
}

TEMPLATE_TEST_CASE("transposed convolutions agree with their definition", "", float, double) {
    for (auto c : kCases) {
        for (auto& pad : c.padsEnd) pad = std::min<std::int64_t>(pad, 1);
        for (auto& pad : c.padsBegin) pad = std::min<std::int64_t>(pad, 1);
        for (const bool withBias : {false, true}) {
            checkTransposed<TestType>(c, Extents(c.input.size(), 0), withBias);
            checkTransposed<TestType>(c, Extents(c.input.size(), 2), withBias);
        }
    }
}

TEST_CASE("convolutions that cannot be are refused") {
    const Convolution good{1, 4, 4, 2, {8}, {3}, {1}, {1}, {0}, {0}};
    const auto codeOf = [](Convolution c, auto change) {
        change(c);
        const auto shape = convolvedShape(c);
        return shape ? ErrorCode::Io : shape.error().code;
    };
    CHECK(codeOf(good, [](Convolution& c) { c.kernel = {9}; }) == ErrorCode::Unsupported);
    CHECK(codeOf(good, [](Convolution& c) { c.strides = {0}; }) == ErrorCode::Malformed);
    CHECK(codeOf(good, [](Convolution& c) { c.dilations = {1, 1}; }) == ErrorCode::Malformed);
    CHECK(codeOf(good, [](Convolution& c) { c.groups = 3; }) == ErrorCode::Malformed);
    CHECK(codeOf(good, [](Convolution& c) { c.groups = 0; }) == ErrorCode::Malformed);
    CHECK(codeOf(good, [](Convolution& c) { c.input = {}; }) == ErrorCode::Malformed);
    CHECK_FALSE(transposedShape(good, {}));
}
