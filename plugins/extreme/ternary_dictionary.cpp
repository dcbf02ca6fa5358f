// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/extreme/ternary_dictionary.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace qscope::engine {

namespace {

/// Sequences of that many digits of which `nonzeros` are 1 or 2; at most 3^28.
std::int64_t sequences(int digits, int nonzeros) {
    if (nonzeros < 0 || nonzeros > digits) return 0;
    std::int64_t count = 1;
    for (int i = 1; i <= nonzeros; ++i) count = count * (digits - nonzeros + i) / i;
    return count << nonzeros;
}

int nonzerosOf(int pair) { return (pair % 3 != 0 ? 1 : 0) + (pair / 3 != 0 ? 1 : 0); }

} // namespace

TernaryDictionary::TernaryDictionary(double zeroShare, std::int64_t words) {
    struct Class {
        double logProbability;
        int pairs, nonzeros;
    };
    std::vector<Class> classes;
    const double zero = std::log(zeroShare), other = std::log((1 - zeroShare) / 2);
    for (int pairs = 1; pairs <= kPairs; ++pairs)
        for (int nonzeros = 0; nonzeros <= 2 * pairs; ++nonzeros)
            classes.push_back({(2 * pairs - nonzeros) * zero + nonzeros * other, pairs, nonzeros});
    std::ranges::stable_sort(classes, std::greater<>(), &Class::logProbability);
    for (const Class& alike : classes) {
        const std::int64_t taken = std::min(words, sequences(2 * alike.pairs, alike.nonzeros));
        m_words[static_cast<std::size_t>(alike.pairs)][static_cast<std::size_t>(alike.nonzeros)] = taken;
        words -= taken;
    }
}

std::int64_t TernaryDictionary::wordsOf(int pairs) const {
    const auto& row = m_words[static_cast<std::size_t>(pairs)];
    return std::accumulate(row.begin(), row.end(), std::int64_t{0});
}

bool TernaryDictionary::holds(std::span<const std::uint8_t> pairs) const {
    if (pairs.size() > kPairs) return false;
    const int length = static_cast<int>(pairs.size());
    int left = 0;
    for (const std::uint8_t pair : pairs) left += nonzerosOf(pair);
    const std::int64_t words = m_words[pairs.size()][static_cast<std::size_t>(left)];
    if (words == 0 || words == sequences(2 * length, left)) return words > 0;
    std::int64_t before = 0; // its place among those of its kind
    for (int i = 0; i < length; ++i) {
        const int pair = pairs[static_cast<std::size_t>(i)];
        for (int smaller = 0; smaller < pair; ++smaller)
            before += sequences(2 * (length - i - 1), left - nonzerosOf(smaller));
        left -= nonzerosOf(pair);
    }
    return before < words;
}

std::int64_t TernaryDictionary::wordsFor(std::span<const std::uint8_t> digits) const {
    std::vector<std::uint8_t> pairs;
    for (std::size_t i = 0; i < digits.size(); i += 2)
        pairs.push_back(static_cast<std::uint8_t>(digits[i] + 3 * (i + 1 < digits.size() ? digits[i + 1] : 0)));
    const std::span<const std::uint8_t> all(pairs);
    std::int64_t count = 0;
    for (std::size_t begin = 0; begin < all.size(); ++count) {
        std::size_t length = 1;
        while (begin + length < all.size() && holds(all.subspan(begin, length + 1))) ++length;
        begin += length;
    }
    return count;
}

} // namespace qscope::engine
