// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/chart_export.h"

#include <QBuffer>
#include <QClipboard>
#include <QFileDialog>
#include <QGuiApplication>
#include <QMenu>
#include <QPainter>
#include <QSaveFile>
#include <QSvgGenerator>
#include <QWidget>

#include <algorithm>

namespace qscope {

namespace {

Result<void> saveBytes(const QByteArray& bytes, const QString& path) {
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
        return fail(ErrorCode::Io, "{}: {}", path.toStdString(), file.errorString().toStdString());
    return {};
}

} // namespace

Result<void> savePng(QWidget& chart, const QString& path) {
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    if (!chart.grab().save(&buffer, "PNG"))
        return fail(ErrorCode::Io, "{}: the picture cannot be encoded", path.toStdString());
    return saveBytes(bytes, path);
}

Result<void> saveSvg(QWidget& chart, const QString& path) {
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setSize(chart.size());
    generator.setViewBox(QRect(QPoint(0, 0), chart.size()));
    generator.setTitle(chart.accessibleName());
    QPainter painter(&generator);
    chart.render(&painter);
    painter.end();
    return saveBytes(bytes, path);
}

Result<void> saveText(const QString& text, const QString& path) { return saveBytes(text.toUtf8(), path); }

void addChartActions(QMenu& menu, QWidget& chart, ViewContext& context, std::function<QString()> csv,
                     const QString& fileName) {
    const auto save = [&chart, &context, fileName](const QString& ending,
                                                   const std::function<Result<void>(const QString&)>& write) {
        const QString path =
            QFileDialog::getSaveFileName(&chart, QMenu::tr("Save chart"), fileName + QLatin1Char('.') + ending);
        if (path.isEmpty()) return;
        if (const auto saved = write(path); !saved)
            context.showMessage(QString::fromStdString(describe(saved.error())), Severity::Error);
    };
    menu.addAction(QMenu::tr("Copy picture"), &chart,
                   [&chart] { QGuiApplication::clipboard()->setPixmap(chart.grab()); });
    if (csv)
        menu.addAction(QMenu::tr("Copy data as CSV"), &chart, [csv] { QGuiApplication::clipboard()->setText(csv()); });
    menu.addSeparator();
    menu.addAction(QMenu::tr("Save as PNG…"), &chart, [&chart, save] {
        save(QStringLiteral("png"), [&chart](const QString& path) { return savePng(chart, path); });
    });
    menu.addAction(QMenu::tr("Save as SVG…"), &chart, [&chart, save] {
        save(QStringLiteral("svg"), [&chart](const QString& path) { return saveSvg(chart, path); });
    });
    if (csv)
        menu.addAction(QMenu::tr("Save as CSV…"), &chart, [csv, save] {
            save(QStringLiteral("csv"), [csv](const QString& path) { return saveText(csv(), path); });
        });
}

void paintKeyboardFocus(QPainter& painter, const QWidget& widget, const Theme& theme) {
    if (!widget.hasFocus() || !widget.window()->testAttribute(Qt::WA_KeyboardFocusChange)) return;
    painter.save();
    painter.resetTransform();
    painter.setPen(QPen(theme.color(Role::Accent), 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(widget.rect().adjusted(0, 0, -1, -1));
    painter.restore();
}

void paintReadoutBox(QPainter& painter, const QRectF& bounds, QPointF beside, const QString& text, const Theme& theme) {
    if (text.isEmpty()) return;
    painter.setFont(Theme::ticks());
    const QRectF textRect = painter.boundingRect(QRectF(0, 0, 1000, 1000), Qt::AlignLeft | Qt::AlignTop, text);
    QRectF box(0, 0, textRect.width() + 16, textRect.height() + 8);
    box.moveTopLeft(beside + QPointF(12, -box.height() - 8));
    if (box.right() > bounds.right()) box.moveRight(beside.x() - 12);
    if (box.left() < bounds.left()) box.moveLeft(bounds.left());
    if (box.top() < bounds.top()) box.moveTop(std::min(beside.y() + 12, bounds.bottom() - box.height()));
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(theme.color(Role::Faint), 1));
    painter.setBrush(theme.color(Role::Raised));
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);
    painter.setPen(theme.color(Role::Text));
    painter.drawText(box.adjusted(8, 4, -8, -4), Qt::AlignLeft | Qt::AlignVCenter, text);
}

} // namespace qscope
