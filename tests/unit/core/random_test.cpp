// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/core/random.h"

#include <catch2/catch.hpp>

using namespace qscope;

TEST_CASE("Philox gives the known answers of its authors") {
    // Salmon et al., Random123, file kat_vectors, philox4x32 with 10 rounds.
    using Words = std::array<std::uint32_t, 4>;
    CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
          Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
          Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("Uniform numbers lie in [0, 1), average one half and differ by seed, stream and index") {
    double sum = 0;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        const double value = uniform(7, 3, i);
        REQUIRE((value >= 0 && value < 1));
        sum += value;
    }
    CHECK(sum / 100'000 == Approx(0.5).margin(0.005));
    CHECK(uniform(7, 3, 1) != uniform(8, 3, 1));
    CHECK(uniform(7, 3, 1) != uniform(7, 4, 1));
    CHECK(uniform(7, 3, 1) != uniform(7, 3, std::uint64_t{1} << 32));
}
