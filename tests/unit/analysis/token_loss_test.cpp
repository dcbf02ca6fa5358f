// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/analysis/token_loss.h"
#include "engine/core/random.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <vector>

using namespace qscope;
using namespace qscope::engine;

namespace {

std::vector<float> randomLogits(std::size_t count, std::uint64_t seed, double size) {
    std::vector<float> logits(count);
    for (std::size_t i = 0; i < count; ++i) logits[i] = static_cast<float>(size * (uniform(seed, 0, i) - 0.5));
    return logits;
}

std::vector<long double> softmax(const std::vector<float>& logits) {
    std::vector<long double> p;
    long double sum = 0;
    for (const float x : logits) sum += std::exp(static_cast<long double>(x));
    for (const float x : logits) p.push_back(std::exp(static_cast<long double>(x)) / sum);
    return p;
}

} // namespace

TEST_CASE("Losses and divergences are those of the definition") {
    for (const double size : {0.1, 10.0, 60.0}) {
        const auto reference = randomLogits(1000, 1, size);
        auto moved = reference;
        const auto noise = randomLogits(1000, 2, 0.01 * size);
        for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += noise[i] + 3;
        const auto p = softmax(reference);
        const auto q = softmax(moved);
        long double divergence = 0;
        for (std::size_t i = 0; i < p.size(); ++i) divergence += p[i] * (std::log(p[i]) - std::log(q[i]));
        const LogitSums before = logitSums(reference);
        const LogitSums after = logitSums(moved);
        CHECK(klDivergence(reference, before, moved, after) == Approx(static_cast<double>(divergence)).epsilon(1e-6));
        for (const std::size_t token : {0, 500, 999})
            CHECK(before.logPartition - static_cast<double>(reference[token]) ==
                  Approx(static_cast<double>(-std::log(p[token]))).epsilon(1e-12));
        CHECK(klDivergence(reference, before, reference, before) == 0);
    }
}

TEST_CASE("The likeliest token is the first of equals, and huge logits do not overflow") {
    const std::vector<float> logits{-1e30F, 5e4F, 5e4F, 0};
    const LogitSums sums = logitSums(logits);
    CHECK(sums.likeliest == 1);
    CHECK(sums.logPartition == Approx(5e4 + std::log(2)));
    CHECK_FALSE(std::isfinite(logitSums(std::vector<float>{0, NAN}).logPartition));
    CHECK_FALSE(std::isfinite(logitSums(std::vector<float>{0, INFINITY}).logPartition));
}
