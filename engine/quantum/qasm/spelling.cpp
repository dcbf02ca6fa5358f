// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/qasm/spelling.h"

#include <algorithm>
#include <vector>

namespace qscope::engine::qasm {

namespace {

constexpr std::size_t kLongest = 32; ///< longer words are no misspelt gate names

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Insertions, deletions, changes and swaps of neighbours that turn `a` into `b`, upper and lower case alike.
std::size_t editDistance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> beforeLast(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::swap(beforeLast, last);
        std::swap(last, row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = std::min(row[j], beforeLast[j - 2] + 1);
        }
    }
    return row[b.size()];
}

} // namespace

std::string closestName(std::string_view word, std::span<const std::string_view> known) {
    if (word.size() > kLongest) return {};
    std::string_view best;
    // None but letter case in a single letter, then one, two or three slips at most.
    std::size_t distance = word.size() <= 1 ? 1 : word.size() <= 3 ? 2 : word.size() <= 5 ? 3 : 4;
    for (const std::string_view name : known) {
        if (name.size() > kLongest) continue;
        const std::size_t d = editDistance(word, name);
        if (d < distance) {
            distance = d;
            best = name;
        }
    }
    return std::string(best);
}

} // namespace qscope::engine::qasm
