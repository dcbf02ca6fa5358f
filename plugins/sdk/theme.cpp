// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/theme.h"

#include <QFile>
#include <QGuiApplication>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QMap>

namespace qscope {

namespace {

constexpr std::array<const char*, static_cast<std::size_t>(Role::Count)> kRoleKeys{
    "surface", "raised", "sunken", "text", "muted", "faint", "accent", "good", "warn", "bad"};

QFont sized(double points) {
    QFont font = QGuiApplication::font();
    font.setPointSizeF(points);
    return font;
}

QByteArray resource(const QString& path) {
    QFile file(path);
    const bool opened = file.open(QIODevice::ReadOnly);
    Q_ASSERT_X(opened, "resource", qPrintable(path)); // compiled in: missing means a wrong name in our own code
    return opened ? file.readAll() : QByteArray();
}

} // namespace

Theme Theme::named(const QString& name) {
    const auto table = QJsonDocument::fromJson(resource(QStringLiteral(":/themes/%1.json").arg(name))).object();
    Theme theme;
    theme.m_name = name;
    theme.m_dark = table[QStringLiteral("dark")].toBool();
    const auto roles = table[QStringLiteral("roles")].toObject();
    for (std::size_t role = 0; role < kRoleKeys.size(); ++role)
        theme.m_colors[role] = QColor(roles[QLatin1String(kRoleKeys[role])].toString());
    const auto categories = table[QStringLiteral("categories")].toArray();
    for (std::size_t i = 0; i < theme.m_categories.size(); ++i)
        theme.m_categories[i] = QColor(categories[static_cast<qsizetype>(i)].toString());
    return theme;
}

QColor Theme::category(int index) const {
    if (index < 0) return color(Role::Muted);
    return m_categories[static_cast<std::size_t>(index) % m_categories.size()];
}

QPalette Theme::palette() const {
    QPalette palette;
    const auto set = [&](QPalette::ColorRole to, Role from) { palette.setColor(to, color(from)); };
    set(QPalette::Window, Role::Raised);
    set(QPalette::Base, Role::Surface);
    set(QPalette::AlternateBase, Role::Raised);
    set(QPalette::Button, Role::Raised);
    set(QPalette::ToolTipBase, Role::Sunken);
    set(QPalette::WindowText, Role::Text);
    set(QPalette::Text, Role::Text);
    set(QPalette::ButtonText, Role::Text);
    set(QPalette::ToolTipText, Role::Text);
    set(QPalette::PlaceholderText, Role::Muted);
    set(QPalette::Highlight, Role::Accent);
    set(QPalette::Link, Role::Accent);
    set(QPalette::Mid, Role::Faint);
    palette.setColor(QPalette::HighlightedText, m_dark ? color(Role::Sunken) : color(Role::Surface));
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, color(Role::Faint));
    palette.setColor(QPalette::Light, color(Role::Surface));
    palette.setColor(QPalette::Midlight, color(Role::Sunken));
    palette.setColor(QPalette::Dark, color(Role::Faint));
    palette.setColor(QPalette::Shadow, color(Role::Faint));
    return palette;
}

QFont Theme::body() { return sized(9.5); }
QFont Theme::caption() { return sized(8.5); }
QFont Theme::title() { return sized(13); }

QFont Theme::figures() {
    // Qt 6.4 cannot ask a font for tabular figures; the families that Debian ships have them by default.
    QFont font = body();
    font.setStyleHint(QFont::SansSerif);
    font.setKerning(false);
    return font;
}

QFont Theme::ticks() {
    QFont font = figures();
    font.setPointSizeF(caption().pointSizeF());
    return font;
}

std::span<const QRgb, 256> colorMap(const QString& name) {
    // Tables are read once and never change; the map only grows on the window's thread.
    static QMap<QString, std::array<QRgb, 256>> maps;
    auto found = maps.find(name);
    if (found == maps.end()) {
        std::array<QRgb, 256> colors{};
        const auto lines = resource(QStringLiteral(":/colormaps/%1.csv").arg(name)).split('\n');
        std::size_t next = 0;
        for (const auto& line : lines) {
            const auto parts = line.split(',');
            if (line.startsWith('#') || parts.size() != 3 || next == colors.size()) continue;
            colors[next++] = qRgb(parts[0].toInt(), parts[1].toInt(), parts[2].toInt());
        }
        Q_ASSERT_X(next == colors.size(), "colorMap", qPrintable(name));
        found = maps.insert(name, colors);
    }
    return *found;
}

} // namespace qscope
