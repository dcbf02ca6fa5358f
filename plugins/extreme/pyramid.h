// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

/// A natural number below 2^512: the points of pyramids outgrow machine words at 16 dimensions and 50 pulses.
class WideCount {
public:
    WideCount() = default;
    explicit WideCount(std::uint64_t value);
    WideCount& operator+=(const WideCount& other);
    WideCount& operator-=(const WideCount& other); ///< not below zero
    friend bool operator==(const WideCount&, const WideCount&) = default;
    friend std::strong_ordering operator<=>(const WideCount& a, const WideCount& b);
    [[nodiscard]] int bitWidth() const; ///< 0 for zero

private:
    std::array<std::uint32_t, 16> m_words{}; ///< the least first
};

/// The integer points y of R^D with sum |y_i| = K, counted and numbered. Source: Fischer, "A pyramid vector quantizer",
/// IEEE Transactions on Information Theory 32(4), 1986.
class Pyramid {
public:
    /// Both from 1 to 128.
    Pyramid(int dimensions, int pulses);
    /// N(d, k) = N(d-1, k) + N(d-1, k-1) + N(d, k-1), for d and k up to those of the constructor.
    [[nodiscard]] const WideCount& points(int dimensions, int pulses) const;
    /// Bits that an index takes: the logarithm of the number of points, rounded up.
    [[nodiscard]] int indexBits() const;
    [[nodiscard]] WideCount indexOf(std::span<const std::int8_t> point) const;
    /// `index` is below the number of points.
    [[nodiscard]] std::vector<std::int8_t> pointAt(WideCount index) const;

private:
    int m_dimensions;
    int m_pulses;
    std::vector<WideCount> m_points; ///< [dimensions + 1, pulses + 1]
};

/// The point with sum |y_i| = pulses whose direction is nearest to that of `vector` (largest <w, y> / |y|): greedy,
/// then single pulses move for as long as one move gains. That is a nearest point for its own gain; a point with
/// another gain can be nearer by a fraction of a percent, which is rare. No values but zeros: all pulses on the first.
void nearestDirection(std::span<const float> vector, int pulses, std::span<std::int8_t> point);

} // namespace qscope::engine
