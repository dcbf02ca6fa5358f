// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/entangling.h"

#include "engine/quantum/gates.h"
#include "engine/quantum/modified_gate.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qscope::engine {

namespace {

/// The rank of a 4x4 matrix, by elimination with the largest pivots.
int rankOf(std::array<std::array<std::complex<double>, 4>, 4> a) {
    constexpr double kZero = 1e-12;
    for (std::size_t rank = 0; rank < 4; ++rank) {
        std::size_t row = rank, column = rank;
        for (std::size_t r = rank; r < 4; ++r)
            for (std::size_t c = rank; c < 4; ++c)
                if (std::abs(a[r][c]) > std::abs(a[row][column])) {
                    row = r;
                    column = c;
                }
        if (std::abs(a[row][column]) < kZero) return static_cast<int>(rank);
        std::swap(a[row], a[rank]);
        for (auto& line : a) std::swap(line[column], line[rank]);
        for (std::size_t r = rank + 1; r < 4; ++r) {
            const auto factor = a[r][rank] / a[rank][rank];
            for (std::size_t c = rank; c < 4; ++c) a[r][c] -= factor * a[rank][c];
        }
    }
    return 4;
}

} // namespace

double schmidtBits(const GateOp& gate, int left) {
    const int right = static_cast<int>(gate.qubits.size()) - left;
    if (left <= 0 || right <= 0) return 0;
    const auto known = gateMatrix(gate);
    if (!known) return 2.0 * std::min(left, right);
    const bool oneTarget = known->entries.size() <= 4;
    if (left + right > 2) return oneTarget ? 1 : 2.0 * std::min(left, right); // a controlled gate: 1 - P + P U
    const auto matrix = fullMatrix(known->controls, known->entries);
    // Row and column bits of the first qubit against those of the second.
    std::array<std::array<std::complex<double>, 4>, 4> regrouped{};
    for (std::size_t row = 0; row < 4; ++row)
        for (std::size_t column = 0; column < 4; ++column)
            regrouped[(row & 1) * 2 + (column & 1)][(row >> 1) * 2 + (column >> 1)] = matrix[row * 4 + column];
    return std::log2(rankOf(regrouped));
}

} // namespace qscope::engine
