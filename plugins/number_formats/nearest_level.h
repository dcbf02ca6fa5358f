// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

/// The code of the level nearest to a number; beyond the outermost levels, these. A number half-way between two levels
/// goes to the even code, as floating-point casts do, or to the lower level.
class NearestLevel {
public:
    enum class Ties : std::uint8_t { EvenCode, LowerLevel };

    NearestLevel(std::span<const float> levels, Ties ties) : m_ties(ties) {
        std::vector<std::uint8_t> order;
        for (std::size_t code = 0; code < levels.size(); ++code)
            if (std::isfinite(levels[code]) && !(levels[code] == 0 && std::signbit(levels[code])))
                order.push_back(static_cast<std::uint8_t>(code));
        std::ranges::sort(order, {}, [&](std::uint8_t code) { return levels[code]; });
        for (std::size_t i = 0; i + 1 < order.size(); ++i) m_middles.push_back((levels[order[i]] + levels[order[i + 1]]) / 2);
        m_codes = std::move(order);
    }

    [[nodiscard]] std::uint8_t operator()(float value) const {
        const auto middle = std::ranges::lower_bound(m_middles, value); // the first that is not below the value
        const auto lower = static_cast<std::size_t>(middle - m_middles.begin());
        const bool tie = middle != m_middles.end() && *middle == value;
        const bool up = tie && m_ties == Ties::EvenCode && m_codes[lower] % 2 != 0;
        return m_codes[up ? lower + 1 : lower];
    }

private:
    std::vector<std::uint8_t> m_codes; ///< by rising level
    std::vector<float> m_middles;
    Ties m_ties;
};

} // namespace qscope::engine
