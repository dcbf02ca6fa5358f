// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/selective_scan.h"
#include "engine/nn/kernels/wkv.h"

#include "tests/unit/nn/kernels/kernel_test.h"

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::engine::kernels;
using namespace qscope::test;

namespace {

std::size_t at(std::int64_t index) { return static_cast<std::size_t>(index); }

template<class T>
struct Scan {
    std::int64_t batch = 2, time = 9, channels, states;
    std::vector<T> x, delta, a, b, c, d, state, y;

    Scan(std::int64_t channelCount, std::int64_t stateCount)
        : channels(channelCount)
        , states(stateCount)
        , x(normal<T>(batch * time * channels, 1))
        , delta(normal<T>(batch * time * channels, 2))
        , a(normal<T>(channels * states, 3))
        , b(normal<T>(batch * time * states, 4))
        , c(normal<T>(batch * time * states, 5))
        , d(normal<T>(channels, 6))
        , state(normal<T>(batch * channels * states, 7))
        , y(x.size(), kNaN<T>) {
        for (auto& value : delta) value = std::fabs(value) / 4;
        for (auto& value : a) value = -std::fabs(value);
    }
    /// Steps [begin, end) of every item as a sequence of its own.
    void run(InstructionSet instructions, std::int64_t begin, std::int64_t end) {
        TestRun test;
        for (std::int64_t item = 0; item < batch; ++item) {
            const auto steps = [&](auto& values, std::int64_t width) {
                return std::span(values).subspan(at((item * time + begin) * width), at((end - begin) * width));
            };
            SelectiveScan<T> scan{1,
                                  end - begin,
                                  channels,
                                  states,
                                  steps(x, channels),
                                  steps(delta, channels),
                                  a,
                                  steps(b, states),
                                  steps(c, states),
                                  d,
                                  std::span(state).subspan(at(item * channels * states), at(channels * states)),
                                  steps(y, channels),
                                  instructions};
            REQUIRE(selectiveScan(scan, test.context));
        }
    }
};

template<class T>
struct Sequence {
    std::int64_t batch = 2, time = 12, channels;
    std::vector<T> key, value, decay, bonus, aa, bb, pp, y;

    Sequence(std::int64_t channelCount, double spread)
        : channels(channelCount)
        , key(normal<T>(batch * time * channels, 1, spread))
        , value(normal<T>(batch * time * channels, 2))
        , decay(normal<T>(channels, 3))
        , bonus(normal<T>(channels, 4))
        , aa(at(batch * channels), 0)
        , bb(aa)
        , pp(aa.size(), T(-1e38))
        , y(key.size(), kNaN<T>) {
        for (auto& rate : decay) rate = -std::exp(rate);
    }
    Wkv<T> all(InstructionSet instructions) {
        return {batch, time, channels, key, value, decay, bonus, aa, bb, pp, y, instructions};
    }
};

} // namespace

TEMPLATE_TEST_CASE("the selective scan agrees with its definition and carries its state", "", float, double) {
    using T = TestType;
    for (const std::int64_t channels : {1, 16, 37})
        for (const std::int64_t states : {1, 5, 16})
            for (const auto instructions : supportedInstructionSets()) {
                CAPTURE(channels, states, static_cast<int>(instructions));
                Scan<T> whole(channels, states), split = whole, together = whole;
                const Scan<T> before = whole;
                whole.run(instructions, 0, whole.time);
                split.run(instructions, 0, 4);
                split.run(instructions, 4, 4);
                split.run(instructions, 4, split.time);
                CHECK(whole.y == split.y);
                CHECK(whole.state == split.state);
                TestRun run;
                REQUIRE(selectiveScan(SelectiveScan<T>{together.batch, together.time, channels, states, together.x,
                                                       together.delta, together.a, together.b, together.c, together.d,
                                                       together.state, together.y, instructions},
                                      run.context));
                CHECK(whole.y == together.y);
                CHECK(whole.state == together.state);

                double worst = 0;
                for (std::int64_t item = 0; item < whole.batch; ++item)
                    for (std::int64_t channel = 0; channel < channels; ++channel) {
                        std::vector<long double> h(at(states)), size(at(states));
                        for (std::int64_t i = 0; i < states; ++i) {
                            h[at(i)] =
                                static_cast<long double>(before.state[at((item * channels + channel) * states + i)]);
                            size[at(i)] = std::fabs(h[at(i)]);
                        }
                        for (std::int64_t t = 0; t < whole.time; ++t) {
                            const std::int64_t step = item * whole.time + t;
                            const auto x = static_cast<long double>(before.x[at(step * channels + channel)]);
                            const auto delta = static_cast<long double>(before.delta[at(step * channels + channel)]);
                            long double y = static_cast<long double>(before.d[at(channel)]) * x,
                                        magnitude = std::fabs(y);
                            for (std::int64_t i = 0; i < states; ++i) {
                                const long double decay =
                                    std::exp(delta * static_cast<long double>(before.a[at(channel * states + i)]));
                                const long double input =
                                    delta * static_cast<long double>(before.b[at(step * states + i)]) * x;
                                h[at(i)] = decay * h[at(i)] + input;
                                size[at(i)] = decay * size[at(i)] + std::fabs(input);
                                const auto c = static_cast<long double>(before.c[at(step * states + i)]);
                                y += c * h[at(i)];
                                magnitude += std::fabs(c) * size[at(i)];
                            }
                            // Per step: exp to 1.5 ulp (3 roundings) of an argument rounded once (|delta a| < 5), two
                            // products and a sum.
                            const double allowed =
                                static_cast<double>(t + 1) * 12 * kRounding<T> * static_cast<double>(magnitude) +
                                2 * kRounding<T>;
                            worst =
                                std::max(worst, std::fabs(static_cast<double>(whole.y[at(step * channels + channel)]) -
                                                          static_cast<double>(y)) /
                                                    allowed);
                        }
                    }
                CHECK(worst <= 1);
            }
}

TEMPLATE_TEST_CASE("wkv agrees with the sums that define it and carries its state", "", float, double) {
    using T = TestType;
    for (const std::int64_t channels : {1, 64, 77})
        for (const double spread : {1.0, 60.0}) // e^60 squared would overflow without the running exponent
            for (const auto instructions : supportedInstructionSets()) {
                CAPTURE(channels, spread, static_cast<int>(instructions));
                Sequence<T> whole(channels, spread), split = whole;
                TestRun run;
                REQUIRE(wkv(whole.all(instructions), run.context));
                for (std::int64_t item = 0; item < split.batch; ++item)
                    for (const auto& [begin, end] : {std::pair<std::int64_t, std::int64_t>{0, 5}, {5, 5}, {5, 12}}) {
                        const auto steps = [&, first = begin, last = end](auto& values) {
                            return std::span(values).subspan(at((item * split.time + first) * channels),
                                                             at((last - first) * channels));
                        };
                        const auto carried = [&](auto& values) {
                            return std::span(values).subspan(at(item * channels), at(channels));
                        };
                        REQUIRE(wkv(Wkv<T>{1, end - begin, channels, steps(split.key), steps(split.value), split.decay,
                                           split.bonus, carried(split.aa), carried(split.bb), carried(split.pp),
                                           steps(split.y), instructions},
                                    run.context));
                    }
                CHECK(whole.y == split.y);
                CHECK(whole.aa == split.aa);
                CHECK(whole.bb == split.bb);
                CHECK(whole.pp == split.pp);

                double worst = 0;
                for (std::int64_t item = 0; item < whole.batch; ++item)
                    for (std::int64_t channel = 0; channel < channels; ++channel)
                        for (std::int64_t t = 0; t < whole.time; ++t) {
                            long double above = 0, below = 0, largest = 0, steepest = 0;
                            for (std::int64_t i = 0; i <= t; ++i) {
                                const std::int64_t index = (item * whole.time + i) * channels + channel;
                                const auto k = static_cast<long double>(whole.key[at(index)]),
                                           v = static_cast<long double>(whole.value[at(index)]);
                                const auto decay = static_cast<long double>(whole.decay[at(channel)]);
                                const long double exponent =
                                    i == t ? static_cast<long double>(whole.bonus[at(channel)]) + k
                                           : static_cast<long double>(t - 1 - i) * decay + k;
                                above += std::exp(exponent) * v;
                                below += std::exp(exponent);
                                largest = std::max(largest, std::fabs(v));
                                steepest = std::max({steepest, std::fabs(exponent), std::fabs(k), std::fabs(decay)});
                            }
                            // A mean of values: weights carry a relative error from the rounding of exponents, once per
                            // step.
                            const double allowed = static_cast<double>(t + 2) *
                                                   (4 * static_cast<double>(steepest) + 8) * kRounding<T> *
                                                   static_cast<double>(largest);
                            const auto got =
                                static_cast<double>(whole.y[at((item * whole.time + t) * channels + channel)]);
                            const double error = std::fabs(got - static_cast<double>(above / below)) / allowed;
                            worst = error <= worst ? worst : (std::isnan(error) ? 1e9 : error);
                        }
                CHECK(worst <= 1);
            }
}
