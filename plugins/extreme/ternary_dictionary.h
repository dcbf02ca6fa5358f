// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace qscope::engine {

/// QMoE's fixed dictionary: the most probable sequences of at most 14 pairs of ternary digits, where a digit is 0 with
/// probability `zeroShare` and 1 or 2 with half of the rest each, independently. Of equal probability, the first in the
/// order of their pairs (first digit + 3 * second). Every prefix of a word is a word. Nothing is listed: sequences of
/// equally many pairs and non-zeros are alike, so a word is known by counting.
/// Source: Frantar, Alistarh, "QMoE: practical sub-1-bit compression of trillion-parameter models", 2023, section 4.
class TernaryDictionary {
public:
    explicit TernaryDictionary(double zeroShare = 0.885, std::int64_t words = 65536);
    /// Words of that many pairs.
    [[nodiscard]] std::int64_t wordsOf(int pairs) const;
    /// `pairs`: values below 9, at least one of them.
    [[nodiscard]] bool holds(std::span<const std::uint8_t> pairs) const;
    /// Words that a row of digits (0, 1, 2) takes when each is the longest that matches; an odd row ends with one more
    /// 0.
    [[nodiscard]] std::int64_t wordsFor(std::span<const std::uint8_t> digits) const;

    static constexpr int kPairs = 14;

private:
    /// How many of the sequences of (pairs, non-zeros) are words.
    std::array<std::array<std::int64_t, 2 * kPairs + 1>, kPairs + 1> m_words{};
};

} // namespace qscope::engine
