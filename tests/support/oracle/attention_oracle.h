// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace qscope::test {

/// One query against its keys, from the definition, in extended precision. A key without a score is not seen.
struct AttentionRow {
    std::vector<long double> probabilities;
    std::vector<long double> result;
    bool empty = true; // nothing seen
};

[[nodiscard]] inline AttentionRow naiveAttention(const std::vector<std::optional<long double>>& scores,
                                                 const std::vector<std::vector<long double>>& values,
                                                 std::size_t valueSize) {
    AttentionRow row{std::vector<long double>(scores.size()), std::vector<long double>(valueSize)};
    long double largest = -std::numeric_limits<long double>::infinity(), sum = 0;
    for (const auto& score : scores)
        if (score && *score > largest) largest = *score;
    if (std::isinf(largest)) return row;
    row.empty = false;
    for (const auto& score : scores) sum += score ? std::exp(*score - largest) : 0;
    for (std::size_t k = 0; k < scores.size(); ++k) {
        if (!scores[k]) continue;
        row.probabilities[k] = std::exp(*scores[k] - largest) / sum;
        for (std::size_t i = 0; i < valueSize; ++i) row.result[i] += row.probabilities[k] * values[k][i];
    }
    return row;
}

} // namespace qscope::test
