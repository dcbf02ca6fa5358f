// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/optimize/optimizers.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::engine::optimize;

namespace {

/// Steps with the gradients of half the sum of factors times squares, whose minimum is 0.
std::vector<float> descended(Optimizer& optimizer, std::vector<float> x, const std::vector<float>& factors, double rate,
                             int steps) {
    test::TestRun run;
    for (int step = 0; step < steps; ++step) {
        std::vector<float> gradient(x.size());
        for (std::size_t i = 0; i < x.size(); ++i) gradient[i] = factors[i] * x[i];
        REQUIRE(optimizer.step(std::vector{Parameter{"x", x, gradient}}, rate, run.context));
    }
    return x;
}

} // namespace

TEST_CASE("Gradient descent takes the steps of its definition") {
    Sgd plain;
    // x (1 - rate factor) each time.
    CHECK(descended(plain, {2, -1}, {1, 2}, 0.25, 1) == std::vector<float>{1.5F, -0.5F});
    CHECK(descended(plain, {2, -1}, {1, 2}, 0.25, 2) == std::vector<float>{1.125F, -0.25F});
    // v1 = 2, x1 = 1; v2 = 0.5 * 2 + 1 = 2, x2 = 0; v3 = 0.5 * 2 + 0 = 1, x3 = -0.5.
    Sgd heavy(0.5);
    CHECK(descended(heavy, {2}, {1}, 0.5, 3) == std::vector<float>{-0.5F});
}

TEST_CASE("The first step of Adam has the length of the rate, whatever the gradient") {
    Adam adam;
    const auto x = descended(adam, {2, -1}, {1000, 0.001F}, 0.25, 1);
    CHECK(x[0] == Approx(1.75));
    CHECK(x[1] == Approx(-0.75).epsilon(1e-4)); // epsilon beside a gradient of 0.001
}

TEST_CASE("Lion moves by the rate against the sign of its mean, and decays apart from it") {
    Lion lion({0.5, 0.75, 0.0});
    // Gradients 4 and -1 of two values: signs alone count.
    CHECK(descended(lion, {4, -1}, {1, 1}, 0.25, 1) == std::vector<float>{3.75F, -0.75F});
    // m = 0.25 * 3; then 0.5 * 0.75 + 0.5 * g with g = -0.5 is above zero: it goes on down although the gradient turned.
    Lion slow({0.5, 0.75, 0.0});
    test::TestRun run;
    std::vector<float> x{0};
    for (const float gradient : {3.0F, -0.5F}) {
        const std::vector<float> slope{gradient};
        REQUIRE(slow.step(std::vector{Parameter{"x", x, slope}}, 0.5, run.context));
    }
    CHECK(x[0] == -1.0F);
    Lion decaying({0.9, 0.95, 0.5});
    // 2 - 0.25 (1 + 0.5 * 2)
    CHECK(descended(decaying, {2}, {1}, 0.25, 1) == std::vector<float>{1.5F});
}

TEST_CASE("The second step of Adam follows from both moments") {
    Adam adam({0.5, 0.75, 0.0});
    test::TestRun run;
    std::vector<float> x{0};
    for (const float gradient : {1.0F, 3.0F})
        REQUIRE(adam.step(std::vector{Parameter{"x", x, std::span(&gradient, 1)}}, 1, run.context));
    // m = 0.5 * 0.5 + 0.5 * 3 = 1.75, over 0.75; v = 0.75 * 0.25 + 0.25 * 9 = 2.4375, over 0.4375.
    CHECK(x[0] == Approx(-1 - 1.75 / 0.75 / std::sqrt(2.4375 / 0.4375)));
}

TEST_CASE("The decay of AdamW is apart from the gradient") {
    AdamOptions options;
    options.decay = 0.1;
    Adam adam(options);
    test::TestRun run;
    std::vector<float> x{2};
    const std::vector<float> none{0};
    REQUIRE(adam.step(std::vector{Parameter{"x", x, none}}, 0.5, run.context));
    CHECK(x[0] == Approx(2 - 0.5 * 0.1 * 2));
}

TEST_CASE("Optimizers reach the bottom of a bowl") {
    Sgd plain;
    Sgd heavy(0.9);
    Adam adam;
    for (const float x : descended(plain, {2, -1, 0.5F}, {1, 4, 10}, 0.1, 200)) CHECK(std::abs(x) < 1e-4);
    for (const float x : descended(heavy, {2, -1, 0.5F}, {1, 4, 10}, 0.02, 400)) CHECK(std::abs(x) < 1e-4);
    for (const float x : descended(adam, {2, -1, 0.5F}, {1, 4, 10}, 0.02, 2000)) CHECK(std::abs(x) < 1e-2);
}

TEST_CASE("Parameters have memories of their own, also when they step apart") {
    Adam together;
    Adam apart;
    test::TestRun run;
    std::vector<float> a{1}, b{2}, c{1}, d{2};
    for (const float gradient : {1.0F, -0.5F, 2.0F}) {
        const std::vector<float> g{gradient};
        REQUIRE(together.step(std::vector{Parameter{"a", a, g}, Parameter{"b", b, g}}, 0.1, run.context));
        REQUIRE(apart.step(std::vector{Parameter{"a", c, g}}, 0.1, run.context));
        REQUIRE(apart.step(std::vector{Parameter{"b", d, g}}, 0.1, run.context));
    }
    CHECK(a == c);
    CHECK(b == d);
}

TEST_CASE("Gradients that are not finite or of another size change nothing") {
    Adam adam;
    test::TestRun run;
    std::vector<float> a{1}, b{2};
    const std::vector<float> good{1}, bad{std::numeric_limits<float>::quiet_NaN()}, two{1, 1};
    const auto failed = adam.step(std::vector{Parameter{"a", a, good}, Parameter{"b", b, bad}}, 0.1, run.context);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().message == "the gradient of 'b' is not finite");
    CHECK(a[0] == 1);
    CHECK_FALSE(adam.step(std::vector{Parameter{"a", a, two}}, 0.1, run.context));
    run.stop.request_stop();
    const auto stopped = adam.step(std::vector{Parameter{"a", a, good}}, 0.1, run.context);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code == ErrorCode::Cancelled);
}

TEST_CASE("Schedules warm up and come down") {
    Schedule schedule{Schedule::Shape::Cosine, 1.0, 0.2, 110, 10};
    CHECK(schedule.at(0) == Approx(0.1));
    CHECK(schedule.at(9) == Approx(1));
    CHECK(schedule.at(10) == Approx(1));
    CHECK(schedule.at(60) == Approx(0.6));
    CHECK(schedule.at(110) == Approx(0.2));
    CHECK(schedule.at(500) == Approx(0.2));
    schedule.shape = Schedule::Shape::Linear;
    CHECK(schedule.at(35) == Approx(0.8));
    schedule.shape = Schedule::Shape::Constant;
    CHECK(schedule.at(70) == 1);
}
