// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/extreme/pyramid.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

namespace qscope::engine {

WideCount::WideCount(std::uint64_t value) {
    m_words[0] = static_cast<std::uint32_t>(value);
    m_words[1] = static_cast<std::uint32_t>(value >> 32);
}

WideCount& WideCount::operator+=(const WideCount& other) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < m_words.size(); ++i) {
        carry += std::uint64_t{m_words[i]} + other.m_words[i];
        m_words[i] = static_cast<std::uint32_t>(carry);
        carry >>= 32;
    }
    return *this;
}

WideCount& WideCount::operator-=(const WideCount& other) {
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < m_words.size(); ++i) {
        const std::uint64_t taken = std::uint64_t{other.m_words[i]} + borrow;
        borrow = m_words[i] < taken ? 1 : 0;
        m_words[i] = static_cast<std::uint32_t>((borrow << 32) + m_words[i] - taken);
    }
    return *this;
}

std::strong_ordering operator<=>(const WideCount& a, const WideCount& b) {
    for (std::size_t i = a.m_words.size(); i-- > 0;)
        if (a.m_words[i] != b.m_words[i]) return a.m_words[i] <=> b.m_words[i];
    return std::strong_ordering::equal;
}

int WideCount::bitWidth() const {
    for (std::size_t i = m_words.size(); i-- > 0;)
        if (m_words[i] != 0) return static_cast<int>(32 * i) + static_cast<int>(std::bit_width(m_words[i]));
    return 0;
}

Pyramid::Pyramid(int dimensions, int pulses)
    : m_dimensions(dimensions)
    , m_pulses(pulses)
    , m_points(static_cast<std::size_t>((dimensions + 1) * (pulses + 1))) {
    const auto at = [&](int d, int k) -> WideCount& {
        return m_points[static_cast<std::size_t>(d * (pulses + 1) + k)];
    };
    for (int d = 0; d <= dimensions; ++d) at(d, 0) = WideCount(1);
    for (int d = 1; d <= dimensions; ++d)
        for (int k = 1; k <= pulses; ++k) {
            at(d, k) = at(d - 1, k);
            at(d, k) += at(d - 1, k - 1);
            at(d, k) += at(d, k - 1);
        }
}

const WideCount& Pyramid::points(int dimensions, int pulses) const {
    return m_points[static_cast<std::size_t>(dimensions * (m_pulses + 1) + pulses)];
}

int Pyramid::indexBits() const {
    WideCount last = points(m_dimensions, m_pulses);
    last -= WideCount(1);
    return last.bitWidth();
}

// Points are in order of their first value: 0, then 1, -1, 2, -2, ...
WideCount Pyramid::indexOf(std::span<const std::int8_t> point) const {
    WideCount index;
    int left = m_pulses;
    for (int i = 0; i < m_dimensions; ++i) {
        const int behind = m_dimensions - i - 1, value = point[static_cast<std::size_t>(i)], size = std::abs(value);
        for (int smaller = 0; smaller < size; ++smaller) {
            index += points(behind, left - smaller);
            if (smaller > 0) index += points(behind, left - smaller);
        }
        if (value < 0) index += points(behind, left - size);
        left -= size;
    }
    return index;
}

std::vector<std::int8_t> Pyramid::pointAt(WideCount index) const {
    std::vector<std::int8_t> point(static_cast<std::size_t>(m_dimensions));
    int left = m_pulses;
    for (int i = 0; i < m_dimensions; ++i) {
        const int behind = m_dimensions - i - 1;
        int value = 0;
        while (index >= points(behind, left - std::abs(value))) {
            index -= points(behind, left - std::abs(value));
            value = value > 0 ? -value : 1 - value;
        }
        point[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(value);
        left -= std::abs(value);
    }
    return point;
}

void nearestDirection(std::span<const float> vector, int pulses, std::span<std::int8_t> point) {
    const std::size_t n = vector.size();
    std::vector<double> size(n);
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total += size[i] = std::abs(static_cast<double>(vector[i]));
    std::ranges::fill(point, std::int8_t{0});
    if (!(total > 0)) {
        point[0] = static_cast<std::int8_t>(pulses);
        return;
    }
    std::vector<int> count(n);
    int placed = 0;
    double along = 0, square = 0; // <|w|, y> and |y|²
    for (std::size_t i = 0; i < n; ++i) {
        count[i] = std::min(pulses - placed, static_cast<int>(static_cast<double>(pulses) * (size[i] / total)));
        placed += count[i];
        along += count[i] * size[i];
        square += static_cast<double>(count[i]) * count[i];
    }
    for (; placed < pulses; ++placed) {
        std::size_t best = 0;
        double most = -1;
        for (std::size_t i = 0; i < n; ++i) {
            const double reach = along + size[i], score = reach * reach / (square + 2 * count[i] + 1);
            if (score > most) most = score, best = i;
        }
        along += size[best];
        square += 2 * count[best] + 1;
        ++count[best];
    }
    // At most a pulse per round; rounds end because each makes the cosine larger by more than rounding does.
    for (bool moved = true; moved;) {
        moved = false;
        double most = along * along / square * (1 + 1e-12);
        std::size_t from = 0, to = 0;
        for (std::size_t i = 0; i < n; ++i) {
            if (count[i] == 0) continue;
            for (std::size_t j = 0; j < n; ++j) {
                const double reach = along - size[i] + size[j];
                const double score = reach * reach / (square - 2 * count[i] + 2 * count[j] + 2);
                if (j != i && score > most) most = score, from = i, to = j, moved = true;
            }
        }
        if (!moved) break;
        along += size[to] - size[from];
        square += 2 * count[to] - 2 * count[from] + 2;
        --count[from];
        ++count[to];
    }
    for (std::size_t i = 0; i < n; ++i) point[i] = static_cast<std::int8_t>(vector[i] < 0 ? -count[i] : count[i]);
}

} // namespace qscope::engine
