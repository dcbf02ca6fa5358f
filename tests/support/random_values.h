// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <random>
#include <vector>

namespace qscope::test {

/// Normal values of the given deviation; the same for the same seed.
[[nodiscard]] inline std::vector<float> normalValues(std::size_t count, unsigned seed, float deviation = 1) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> values(count);
    for (float& value : values) value = normal(generator);
    return values;
}

} // namespace qscope::test
