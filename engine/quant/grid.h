// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/uniform_step.h"
#include "engine/tensor/small_floats.h"

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace qscope::engine {

/// A float of few bits in closed form, with a bias that need not be whole: 0.m 2^(1-bias) where the exponent is 0, else
/// 1.m 2^(e-bias). No infinities: what is beyond the largest becomes the largest. Ties to the even code.
struct Minifloat {
    int exponentBits = 2;
    int fractionBits = 1;
    double bias = 1;
    double top = 0; ///< largest number; 0: that of the highest code (less where a format gives high codes to NaN)

    [[nodiscard]] double largest() const;
    /// Distance of neighbouring numbers around x.
    [[nodiscard]] double step(double x) const;
    [[nodiscard]] double rounded(double x) const;
    /// The bias with which the largest number is `value`.
    [[nodiscard]] static double biasReaching(int exponentBits, int fractionBits, double value);
};

/// 0 and ±2^(-k/perOctave), k = 0 to `least`, in closed form.
struct Powers {
    int perOctave = 1; ///< 1: powers of two; 2: of their square root
    int least = 6;
    bool logarithmic = false; ///< nearest exponent (borders at 2^(-(k + 1/2)/perOctave)) instead of the nearest number
    [[nodiscard]] double rounded(double x) const;
};

/// A finite set of numbers, at most 256, each with a code, and the rules of rounding to it. Levels that are not finite,
/// and the code of -0 beside that of 0, are values of their codes but never chosen. Immutable.
class Grid {
public:
    /// What happens to a number half-way between two levels: floating-point casts take the even code.
    enum class Ties : std::uint8_t { EvenCode, LowerLevel };
    /// Where one level's share ends and the next one's begins.
    enum class Border : std::uint8_t {
        Middle,   ///< nearest
        Geometric ///< nearest logarithm; next to 0: half a step of the logarithm below the smallest
    };
    using ClosedForm = std::variant<std::monostate, UniformStep, Minifloat, Powers>;

    /// `levels` by code, 1 to 256, some finite. `closed` rounds as the table does, for those who have it.
    Grid(std::string name, std::vector<float> levels, Ties ties, ClosedForm closed = {},
         Border border = Border::Middle);

    [[nodiscard]] const std::string& name() const { return m_name; }
    /// Width of a code.
    [[nodiscard]] int bits() const { return m_bits; }
    /// By code.
    [[nodiscard]] std::span<const float> levels() const { return m_levels; }
    /// By code, filled up to 2^bits with zeros whose sign is set: as `LevelCodes` keeps them.
    [[nodiscard]] std::vector<float> table() const;
    [[nodiscard]] std::span<const float> ascending() const { return m_ascending; }
    /// Between neighbours of `ascending`.
    [[nodiscard]] std::span<const float> borders() const { return m_borders; }
    /// Largest magnitude.
    [[nodiscard]] float largest() const {
        return std::max(std::abs(m_ascending.front()), std::abs(m_ascending.back()));
    }
    [[nodiscard]] const ClosedForm& closedForm() const { return m_closed; }
    [[nodiscard]] float value(std::uint8_t code) const { return m_levels[code]; }

    /// Codes of levels for a number; beyond the outermost levels, these.
    [[nodiscard]] std::uint8_t nearest(float x) const;
    [[nodiscard]] std::uint8_t below(float x) const { return m_codes[placeBelow(x)]; } ///< towards minus infinity
    [[nodiscard]] std::uint8_t above(float x) const;
    [[nodiscard]] std::uint8_t towardsZero(float x) const { return x < 0 ? above(x) : below(x); }
    /// Below or above, the nearer the likelier, so that the mean over `uniform` in [0, 1) is x (inside the outermost
    /// levels).
    [[nodiscard]] std::uint8_t stochastic(float x, double uniform) const;

    /// The level of `nearest`, by the closed form where there is one.
    [[nodiscard]] float rounded(float x) const;

private:
    [[nodiscard]] std::size_t placeBelow(float x) const;

    std::string m_name;
    std::vector<float> m_levels;
    std::vector<float> m_ascending;
    std::vector<std::uint8_t> m_codes; ///< of `m_ascending`
    std::vector<float> m_borders;      ///< between neighbours of `m_ascending`
    Ties m_ties;
    ClosedForm m_closed;
    int m_bits = 1;
};

} // namespace qscope::engine
