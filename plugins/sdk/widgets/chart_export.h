// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QString>

#include <functional>

class QMenu;
class QWidget;

namespace qscope {

/// The picture of a widget, at the screen's resolution for PNG and as drawing commands for SVG.
[[nodiscard]] Result<void> savePng(QWidget& chart, const QString& path);
[[nodiscard]] Result<void> saveSvg(QWidget& chart, const QString& path);
[[nodiscard]] Result<void> saveText(const QString& text, const QString& path);

/// Appends "Copy picture", "Copy data as CSV" and "Save as" PNG, SVG, CSV for a chart; `csv` gives its data when asked.
/// `chart` outlives the menu.
void addChartActions(QMenu& menu, QWidget& chart, ViewContext& context, std::function<QString()> csv,
                     const QString& fileName);

/// A frame around a widget that was reached by the keyboard; nothing otherwise.
void paintKeyboardFocus(QPainter& painter, const QWidget& widget, const Theme& theme);

/// The floating box beside a cursor position with one or more lines of figures, kept within `bounds`.
void paintReadoutBox(QPainter& painter, const QRectF& bounds, QPointF beside, const QString& text, const Theme& theme);

} // namespace qscope
