// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/nn_gradients/differences.h"

#include <catch2/catch.hpp>

#include <array>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("The selective scan has the gradients that differences show") {
    for (const auto& [batches, time, channels, states] :
         std::vector<std::array<std::int64_t, 4>>{{2, 6, 3, 4}, {1, 1, 2, 1}, {1, 9, 40, 2}})
        checkGradients({"SelectiveScan",
                        {uniformValue({batches, time, channels}, 1), uniformValue({batches, time, channels}, 2, 0.1, 1),
                         uniformValue({channels, states}, 3, -2, -0.2), uniformValue({batches, time, states}, 4),
                         uniformValue({batches, time, states}, 5), uniformValue({channels}, 6)}});
}

TEST_CASE("Convolutions over the past and shifts have the gradients that differences show") {
    checkGradients({"CausalConv", {uniformValue({2, 7, 5}, 1), uniformValue({5, 4}, 2), uniformValue({5}, 3)}});
    checkGradients({"CausalConv", {uniformValue({1, 2, 40}, 1), uniformValue({40, 3}, 2)}});
    checkGradients({"TokenShift", {uniformValue({2, 4, 3}, 1)}});
    checkGradients({"TokenShift", {uniformValue({2, 1, 3}, 1)}});
}

TEST_CASE("The attention of RWKV has the gradients that differences show, also far from one") {
    for (const auto& [batches, time, channels] :
         std::vector<std::array<std::int64_t, 3>>{{2, 7, 3}, {1, 1, 2}, {1, 12, 35}})
        checkGradients({"Wkv",
                        {uniformValue({batches, time, channels}, 1, -2, 2), uniformValue({batches, time, channels}, 2),
                         uniformValue({channels}, 3, 0.05, 1.5), uniformValue({channels}, 4)}});
    // Exponentials that no double holds.
    checkGradients({"Wkv",
                    {uniformValue({1, 6, 2}, 1, 750, 753), uniformValue({1, 6, 2}, 2), uniformValue({2}, 3, 0.1, 1),
                     uniformValue({2}, 4)},
                    {},
                    25,
                    1,
                    0,
                    {},
                    1e-4});
    checkGradients({"Wkv",
                    {uniformValue({1, 6, 2}, 1, -753, -750), uniformValue({1, 6, 2}, 2), uniformValue({2}, 3, 0.1, 1),
                     uniformValue({2}, 4)},
                    {},
                    25,
                    1,
                    0,
                    {},
                    1e-4});
}
