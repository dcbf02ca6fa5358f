// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <cstdint>

namespace qscope {

// Numbers as people read them (U+2212 for minus, thin spaces in long integers). For files use plain C formatting.

[[nodiscard]] QString formatNumber(double value, int significant = 4);
[[nodiscard]] QString formatInteger(std::int64_t value);
[[nodiscard]] QString formatBytes(std::uint64_t bytes);      ///< "11.0 MiB"
[[nodiscard]] QString formatParameters(std::int64_t count);  ///< "5.77 M"
[[nodiscard]] QString formatBits(double bitsPerWeight);      ///< "4.13"
[[nodiscard]] QString formatDecibels(double db);             ///< "21.3 dB", "∞ dB" (exact)
[[nodiscard]] QString formatDuration(double seconds);        ///< "1.2 s", "350 ms"
/// "3π/4", "−π", "0"; four significant digits when it is no simple fraction of π.
[[nodiscard]] QString formatAngle(double radians);

} // namespace qscope
