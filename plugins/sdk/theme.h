// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QFont>
#include <QPalette>
#include <QString>

#include <array>
#include <span>

namespace qscope {

/// What a colour is for. Values live in `resources/themes/*.json`; code names roles, never colours.
enum class Role { Surface, Raised, Sunken, Text, Muted, Faint, Accent, Good, Warn, Bad, Count };

/// Colours and type sizes of one appearance, read from its table. Immutable.
class Theme {
public:
    /// From the bundled table "light" or "dark".
    [[nodiscard]] static Theme named(const QString& name);

    [[nodiscard]] const QString& name() const { return m_name; }
    [[nodiscard]] bool isDark() const { return m_dark; }
    [[nodiscard]] QColor color(Role role) const { return m_colors[static_cast<std::size_t>(role)]; }
    /// Full precision is index -1 (neutral grey); methods and qubits take 0, 1, 2 ... in fixed order (Okabe-Ito,
    /// eight).
    [[nodiscard]] QColor category(int index) const;
    [[nodiscard]] QPalette palette() const;
    [[nodiscard]] static QFont body();    ///< 9.5 pt
    [[nodiscard]] static QFont caption(); ///< 8.5 pt
    [[nodiscard]] static QFont title();   ///< 13 pt
    /// Body with figures of equal width, for tables and readouts.
    [[nodiscard]] static QFont figures();
    [[nodiscard]] static QFont ticks(); ///< figures at the size of captions, for axes and readouts in charts

private:
    QString m_name;
    bool m_dark = false;
    std::array<QColor, static_cast<std::size_t>(Role::Count)> m_colors;
    std::array<QColor, 8> m_categories;
};

/// 256 colours from `resources/colormaps/<name>.csv`: "viridis", "cividis", "diverging", "phase" (cyclic).
[[nodiscard]] std::span<const QRgb, 256> colorMap(const QString& name);

} // namespace qscope
