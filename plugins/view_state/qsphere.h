// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/state_views.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace qscope {

/// How many numbers below `index` have as many 1 bits, as a share of all such numbers of `qubits` bits: in [0, 1). The
/// combinatorial number system: 1 bits at places c_1 < c_2 < ... have rank C(c_1, 1) + C(c_2, 2) + ...
[[nodiscard]] inline double rankShare(std::uint64_t index, int qubits) {
    const auto choose = [](int n, int k) {
        double product = 1; // in double: exact far beyond what an angle shows
        for (int i = 1; i <= k; ++i) product *= static_cast<double>(n - k + i) / i;
        return n < k ? 0 : product;
    };
    double rank = 0;
    int ones = 0;
    for (std::uint64_t left = index; left != 0; left &= left - 1) rank += choose(std::countr_zero(left), ++ones);
    return rank / choose(qubits, ones);
}

/// Where a basis state stands on the unit sphere: latitude by its number of 1 bits, 0 in the north; states of one
/// latitude evenly around, the lowest index at y = 0, x > 0.
[[nodiscard]] inline engine::BlochVector qspherePlace(std::uint64_t index, int qubits) {
    const double z = 1 - 2.0 * std::popcount(index) / qubits;
    const double across = std::sqrt(std::max(0.0, 1 - z * z)), turn = 2 * std::numbers::pi * rankShare(index, qubits);
    return {across * std::cos(turn), across * std::sin(turn), z};
}

} // namespace qscope
