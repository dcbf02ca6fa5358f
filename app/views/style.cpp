// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/style.h"

#include <QApplication>
#include <QStyleFactory>

namespace qscope {

namespace {

/// `@role` stands for a colour of the theme.
constexpr const char* kSheet = R"(
QToolTip { color: @text; background: @raised; border: 1px solid @faint; padding: 4px; }
QMainWindow::separator { background: @raised; width: 6px; height: 6px; }
QMainWindow::separator:hover { background: @faint; }
QToolBar { background: @raised; border: none; padding: 4px; spacing: 4px; }
QStatusBar { background: @raised; } QStatusBar::item { border: none; }
QMenuBar { background: @raised; }
QTreeView, QTableView, QListView { border: none; background: @surface; outline: none; }
QHeaderView { background: @surface; }
QHeaderView::section { background: @surface; color: @muted; border: none; border-bottom: 1px solid @sunken; padding: 4px 8px; }
QPushButton[primary="true"] { background: @accent; color: @onaccent; border: none; border-radius: 4px; padding: 8px 16px; font-weight: 600; }
QPushButton[primary="true"]:hover { background: @accenthover; }
QPushButton[primary="true"]:focus { border: 2px solid @text; padding: 6px 14px; }
QPushButton[primary="true"]:disabled { background: @sunken; color: @muted; }
QFrame[card="true"] { background: @surface; border-radius: 6px; }
QTabBar::tab { background: transparent; color: @muted; padding: 6px 12px; border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: @text; border-bottom: 2px solid @accent; }
QTabBar::tab:hover:!selected { color: @text; }
QScrollArea { border: none; }
)";

QColor blended(const QColor& a, const QColor& b, float share) {
    return QColor::fromRgbF(a.redF() * (1 - share) + b.redF() * share, a.greenF() * (1 - share) + b.greenF() * share,
                            a.blueF() * (1 - share) + b.blueF() * share);
}

} // namespace

bool systemIsDark(const QApplication& application) {
    const QPalette palette = application.palette();
    return palette.color(QPalette::WindowText).lightness() > palette.color(QPalette::Window).lightness();
}

Theme themeFor(const QString& choice, bool systemDark) {
    if (choice != QLatin1String("system")) return Theme::named(choice);
    return Theme::named(systemDark ? QStringLiteral("dark") : QStringLiteral("light"));
}

void applyStyle(QApplication& application, const Theme& theme) {
    QString sheet = QString::fromLatin1(kSheet);
    const std::pair<const char*, QColor> colors[] = {
        {"@accenthover", blended(theme.color(Role::Accent), theme.color(Role::Text), 0.15F)},
        {"@onaccent", theme.palette().color(QPalette::HighlightedText)},
        {"@accent", theme.color(Role::Accent)},
        {"@surface", theme.color(Role::Surface)},
        {"@raised", theme.color(Role::Raised)},
        {"@sunken", theme.color(Role::Sunken)},
        {"@muted", theme.color(Role::Muted)},
        {"@faint", theme.color(Role::Faint)},
        {"@text", theme.color(Role::Text)},
    };
    for (const auto& [role, color] : colors) sheet.replace(QLatin1String(role), color.name());
    application.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    application.setPalette(theme.palette());
    application.setFont(Theme::body());
    application.setStyleSheet(sheet);
}

} // namespace qscope
