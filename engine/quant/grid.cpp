// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quant/grid.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <numeric>

namespace qscope::engine {

double Minifloat::largest() const {
    if (top > 0) return top;
    return (2 - std::exp2(-fractionBits)) * std::exp2((1 << exponentBits) - 1 - bias);
}

double Minifloat::step(double x) const {
    // Among whole exponents of 2^bias x, the arithmetic is exact where the bias is whole.
    const double exponent = x == 0 ? 1 : std::max(1.0, std::floor(std::log2(std::abs(x)) + bias));
    return std::exp2(exponent - bias - fractionBits);
}

double Minifloat::rounded(double x) const {
    const double size = step(x), steps = x / size;
    double whole = std::rint(steps);
    // Without a fraction, the last bit of the code is that of the exponent, not of the significand.
    if (fractionBits == 0 && std::abs(steps) == 1.5)
        whole = std::copysign(std::fmod(std::rint(std::log2(size) + bias), 2) == 0 ? 1.0 : 2.0, steps);
    return std::clamp(whole * size, -largest(), largest());
}

double Minifloat::biasReaching(int exponentBits, int fractionBits, double value) {
    return (1 << exponentBits) - 1 - std::log2(value / (2 - std::exp2(-fractionBits)));
}

double Powers::rounded(double x) const {
    if (x == 0) return 0;
    const double place = -std::log2(std::abs(x)) * perOctave;
    if (logarithmic) {
        const double k = std::max(0.0, std::rint(place));
        return place > least + 0.5 ? 0 : std::copysign(std::exp2(-std::min<double>(k, least) / perOctave), x);
    }
    const double smallest = std::exp2(-static_cast<double>(least) / perOctave);
    if (std::abs(x) <= smallest) return std::abs(x) <= smallest / 2 ? 0 : std::copysign(smallest, x);
    const double k = std::max(0.0, std::ceil(place)); // of the power below
    const double low = std::exp2(-k / perOctave), high = std::exp2(-std::max(0.0, k - 1) / perOctave);
    const double middle = (low + high) / 2;
    // A tie goes to the even code, which counts from 0 (code 0) and `smallest` (code 1) up.
    const bool lowIsEven = std::fmod(least - k + 1, 2) == 0;
    const bool up = std::abs(x) > middle || (std::abs(x) == middle && !lowIsEven);
    return std::copysign(up ? high : low, x);
}

Grid::Grid(std::string name, std::vector<float> levels, Ties ties, ClosedForm closed, Border border)
    : m_name(std::move(name))
    , m_levels(std::move(levels))
    , m_ties(ties)
    , m_closed(std::move(closed))
    , m_bits(std::max(1, static_cast<int>(std::bit_width(m_levels.size() - 1)))) {
    assert(!m_levels.empty() && m_levels.size() <= 256);
    for (std::size_t code = 0; code < m_levels.size(); ++code)
        if (std::isfinite(m_levels[code]) && !(m_levels[code] == 0 && std::signbit(m_levels[code])))
            m_codes.push_back(static_cast<std::uint8_t>(code));
    assert(!m_codes.empty());
    std::ranges::stable_sort(m_codes, {}, [&](std::uint8_t code) { return m_levels[code]; });
    for (const std::uint8_t code : m_codes) m_ascending.push_back(m_levels[code]);
    for (std::size_t i = 0; i + 1 < m_ascending.size(); ++i) {
        const float low = m_ascending[i], high = m_ascending[i + 1];
        float middle = (low + high) / 2;
        if (border == Border::Geometric) {
            if (low > 0 || high < 0)
                middle = static_cast<float>(std::copysign(
                    std::sqrt(static_cast<double>(low) * static_cast<double>(high)), static_cast<double>(low)));
            else if (low == 0 && i + 2 < m_ascending.size())
                middle = high * std::sqrt(high / m_ascending[i + 2]);
            else if (high == 0 && i > 0)
                middle = low * std::sqrt(low / m_ascending[i - 1]);
        }
        m_borders.push_back(middle);
    }
}

std::vector<float> Grid::table() const {
    auto filled = m_levels;
    filled.resize(std::size_t{1} << m_bits, -0.0F);
    return filled;
}

std::uint8_t Grid::nearest(float x) const {
    const auto border = std::ranges::lower_bound(m_borders, x); // the first that is not below x
    const auto lower = static_cast<std::size_t>(border - m_borders.begin());
    const bool tie = border != m_borders.end() && *border == x;
    const bool up = tie && m_ties == Ties::EvenCode && m_codes[lower] % 2 != 0;
    return m_codes[up ? lower + 1 : lower];
}

std::size_t Grid::placeBelow(float x) const {
    const auto after = std::ranges::upper_bound(m_ascending, x);
    return after == m_ascending.begin() ? 0 : static_cast<std::size_t>(after - m_ascending.begin()) - 1;
}

std::uint8_t Grid::above(float x) const {
    const auto found = std::ranges::lower_bound(m_ascending, x);
    return m_codes[found == m_ascending.end() ? m_codes.size() - 1
                                              : static_cast<std::size_t>(found - m_ascending.begin())];
}

std::uint8_t Grid::stochastic(float x, double uniform) const {
    const std::size_t low = placeBelow(x);
    if (low + 1 == m_ascending.size() || x <= m_ascending[low]) return m_codes[low];
    const double share = (static_cast<double>(x) - static_cast<double>(m_ascending[low])) /
                         (static_cast<double>(m_ascending[low + 1]) - static_cast<double>(m_ascending[low]));
    return m_codes[uniform < share ? low + 1 : low];
}

float Grid::rounded(float x) const {
    return std::visit(
        [&]<class Form>(const Form& form) -> float {
            if constexpr (std::is_same_v<Form, std::monostate>)
                return m_levels[nearest(x)];
            else if constexpr (std::is_same_v<Form, UniformStep>)
                return form.rounded(x);
            else
                return static_cast<float>(form.rounded(static_cast<double>(x)));
        },
        m_closed);
}

} // namespace qscope::engine
