// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <cstdint>
#include <vector>

namespace qscope {

enum class Scale : std::uint8_t { Linear, Log };

/// An interval of an axis, low < high (and low > 0 on a log scale).
struct Range {
    double low = 0;
    double high = 1;

    [[nodiscard]] double length() const { return high - low; }
    [[nodiscard]] bool contains(double value) const { return value >= low && value <= high; }
    friend bool operator==(const Range&, const Range&) = default;
};

struct Tick {
    double value = 0;
    bool major = true;
    QString label; ///< empty for minor ticks
};

/// What an axis says and how it is divided.
struct Axis {
    QString title;
    QString unit;
    Scale scale = Scale::Linear;
    bool markZero = false;             ///< a stronger line at zero, where zero means something
    bool whole = false;                ///< the values are counts or indices: no tick between two integers
    std::vector<Tick> fixedTicks = {}; ///< in place of computed ones (categories, layers)
};

/// Majors at 1, 2 or 5 times a power of ten, at most `most` of them, with minors between. With `whole`, none between
/// integers.
[[nodiscard]] std::vector<Tick> linearTicks(const Range& range, int most, bool whole = false);
/// Majors at powers of ten ("10⁻³"), minors at 2..9 times a power; below one decade, majors at 1, 2, 5.
[[nodiscard]] std::vector<Tick> logTicks(const Range& range, int most);
/// The ticks of an axis within `range`: the fixed ones, or those of its scale.
[[nodiscard]] std::vector<Tick> ticksOf(const Axis& axis, const Range& range, int most);
/// "10⁻³" for -3.
[[nodiscard]] QString powerOfTen(int exponent);

/// Where a value lies in a range, 0 at `low` and 1 at `high`, and back.
[[nodiscard]] double toUnit(Scale scale, const Range& range, double value);
[[nodiscard]] double fromUnit(Scale scale, const Range& range, double unit);

/// A range that can be drawn: wider by `margin` of its length on both sides, never empty, positive on a log scale.
[[nodiscard]] Range padded(Scale scale, Range range, double margin);

} // namespace qscope
