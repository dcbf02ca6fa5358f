// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/icon_set.h"

#include <QAction>
#include <QFile>
#include <QPainter>
#include <QPixmap>
#include <QSvgRenderer>

// Resources of a static library are not linked unless someone asks for them.
static void initResources() { Q_INIT_RESOURCE(icons); }

namespace qscope {

namespace {

constexpr const char* kIconProperty = "qscopeIcon";

QByteArray drawing(const QString& name) {
    initResources();
    QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
    if (!file.open(QIODevice::ReadOnly)) {
        file.setFileName(QStringLiteral(":/icons/view.svg"));
        if (!file.open(QIODevice::ReadOnly)) return {};
    }
    return file.readAll();
}

QPixmap render(QByteArray svg, const QColor& color, int size) {
    svg.replace("currentColor", color.name().toLatin1());
    QSvgRenderer renderer(svg);
    QPixmap pixmap(size, size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    renderer.render(&painter);
    return pixmap;
}

} // namespace

QIcon icon(const QString& name, const Theme& theme) {
    const QByteArray svg = drawing(name);
    QIcon icon;
    for (const int size : {16, 24, 32, 48}) {
        icon.addPixmap(render(svg, theme.color(Role::Text), size), QIcon::Normal);
        icon.addPixmap(render(svg, theme.color(Role::Faint), size), QIcon::Disabled);
    }
    return icon;
}

QIcon applicationIcon() {
    const QByteArray svg = drawing(QStringLiteral("quantoscope"));
    QIcon icon;
    for (const int size : {16, 32, 48, 64, 128, 256}) icon.addPixmap(render(svg, QColor(), size));
    return icon;
}

void setIcon(QAction& action, const QString& name, const Theme& theme) {
    action.setProperty(kIconProperty, name);
    action.setIcon(icon(name, theme));
}

void recolorIcons(QObject& root, const Theme& theme) {
    for (auto* action : root.findChildren<QAction*>())
        if (const auto name = action->property(kIconProperty); name.isValid()) action->setIcon(icon(name.toString(), theme));
}

} // namespace qscope
