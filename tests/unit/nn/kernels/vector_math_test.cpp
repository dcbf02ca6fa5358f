// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/nn/kernels/vector_math.h"

#include "tests/unit/nn/kernels/kernel_test.h"

#include <catch2/catch.hpp>

#include <bit>
#include <cmath>
#include <numbers>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::engine::kernels;
using namespace qscope::test;

namespace {

double exact(Function function, double x) {
    switch (function) {
    case Function::Exp: return std::exp(x);
    case Function::Tanh: return std::tanh(x);
    case Function::Erf: return std::erf(x);
    case Function::Sigmoid: return 1 / (1 + std::exp(-x));
    case Function::Silu: return x / (1 + std::exp(-x));
    case Function::Gelu: return x / 2 * std::erfc(-x / std::numbers::sqrt2);
    case Function::GeluTanh: {
        // 1 + tanh(u) loses its digits where tanh is near -1; the same number as an exponential does not.
        const double u = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
        return x / (1 + std::exp(-2 * u));
    }
    }
    return 0;
}

/// Distance between neighbours at |value| in single precision.
double ulp(double value) {
    if (value == 0) return std::ldexp(1.0, -149);
    return std::ldexp(1.0, std::max(std::ilogb(value) - 23, -149));
}

double allowed(Function function, double x, double value) {
    switch (function) {
    case Function::Exp: return 1.5 * ulp(value);
    case Function::Tanh:
    case Function::Erf: return 2 * ulp(value);
    case Function::Sigmoid: return 3 * ulp(value);
    case Function::Silu: return 4 * ulp(value) + std::fabs(x) * std::ldexp(1.0, -149);
    case Function::Gelu:
    case Function::GeluTanh: return std::fabs(x) * std::ldexp(1.0, -22) + ulp(0);
    }
    return 0;
}

constexpr Function kFunctions[]{Function::Exp,  Function::Tanh, Function::Erf,     Function::Sigmoid,
                                Function::Silu, Function::Gelu, Function::GeluTanh};

/// Every 4801st float of both signs: normal and denormal numbers, infinities and NaN.
std::vector<float> everyKind() {
    std::vector<float> values{0.0f,   -0.0f,    kInf<float>, -kInf<float>, kNaN<float>, 88.7228f,
                              88.73f, -103.97f, -103.98f,    0.625f,       1.0f,        -1.0f};
    for (std::uint64_t bits = 1; bits < (std::uint64_t{1} << 32); bits += 4801)
        values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    for (int i = -40000; i < 40000; ++i) values.push_back(static_cast<float>(i) * 2.6e-3f);
    return values;
}

} // namespace

TEST_CASE("vectorised functions keep their stated errors over the whole range") {
    const auto x = everyKind();
    std::vector<float> y(x.size());
    for (const auto function : kFunctions)
        for (const auto instructions : supportedInstructionSets()) {
            evaluate(function, x, y, instructions);
            double worst = 0;
            float at = 0;
            for (std::size_t i = 0; i < x.size(); ++i) {
                const double value = exact(function, static_cast<double>(x[i]));
                const auto rounded = static_cast<float>(value);
                double error = 0;
                if (std::isnan(value) || std::isinf(rounded)) {
                    const bool same =
                        std::isnan(value) ? std::isnan(y[i]) : y[i] == rounded || std::fabs(value) < 3.41e38;
                    error = same ? 0 : 1e9;
                } else {
                    error = std::fabs(static_cast<double>(y[i]) - value) /
                            allowed(function, static_cast<double>(x[i]), value);
                }
                if (!(error <= worst)) {
                    worst = std::isnan(error) ? 1e9 : error;
                    at = x[i];
                }
            }
            CAPTURE(static_cast<int>(function), static_cast<int>(instructions), at);
            CHECK(worst <= 1);
            CHECK(worst > 0.1); // the statement is not far too generous
        }
}

TEST_CASE("functions of single precision treat every position alike and may work in place") {
    const auto x = normal<float>(133, 1);
    for (const auto function : kFunctions)
        for (const auto instructions : supportedInstructionSets()) {
            std::vector<float> whole(x.size());
            evaluate(function, x, whole, instructions);
            for (std::size_t count = 0; count < 40; ++count) {
                std::vector<float> part(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(count));
                evaluate(function, part, part, instructions);
                REQUIRE(std::equal(part.begin(), part.end(), whole.begin()));
            }
        }
}

TEST_CASE("functions run on all cores, in both precisions") {
    const auto x = normal<double>(50'000, 1, 3);
    const std::vector<float> single(x.begin(), x.end());
    std::vector<double> y(x.size());
    std::vector<float> z(x.size());
    TestRun run;
    for (const auto function : kFunctions) {
        REQUIRE(evaluate(function, x, y, run.context));
        REQUIRE(evaluate(function, single, z, run.context));
        double worst = 0, worstSingle = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            worst = std::max(worst, std::fabs(y[i] - exact(function, x[i])) / (1 + std::fabs(x[i])));
            worstSingle = std::max(
                worstSingle, std::fabs(static_cast<double>(z[i]) - exact(function, static_cast<double>(single[i]))) /
                                 (1 + std::fabs(x[i]) + std::fabs(y[i])));
        }
        CHECK(worst < 1e-12);
        CHECK(worstSingle < 1e-6);
    }
}
