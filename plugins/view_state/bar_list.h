// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/view_state/state_canvas.h"

#include <vector>

namespace qscope {

/// One bar. A phase shows as a ring beside the bar, never as the bar's colour.
struct BarRow {
    QString label;
    double value = 0;
    QString text; ///< the value as read
    std::optional<double> phase = {};
};

/// Horizontal bars from zero over a shared axis that stays in sight while the rows scroll.
class BarList : public StateCanvas {
public:
    BarList(ViewContext& context, const QString& accessibleName, const QString& axisTitle, QWidget* parent);

    /// `note` is a muted line below the last row: what is not listed.
    void setRows(std::vector<BarRow> rows, const QString& note);

    [[nodiscard]] QString csv() const override;
    [[nodiscard]] QString itemText(QPointF point) const override;

protected:
    [[nodiscard]] double contentHeight(double width) const override;
    void paint(QPainter& painter, const QSizeF& size, const QRectF& sight) override;

private:
    struct Columns {
        double labelEnd, ring, barBegin, barEnd, end;
    };
    [[nodiscard]] Columns columns(double width) const;
    [[nodiscard]] bool hasPhases() const { return !m_rows.empty() && m_rows.front().phase; }
    [[nodiscard]] int rowAt(QPointF point) const;
    void paintAxis(QPainter& painter, const Columns& at, const QRectF& sight, const QRectF& bars) const;
    void paintRow(QPainter& painter, const Columns& at, const BarRow& row, double top) const;

    QString m_axisTitle;
    std::vector<BarRow> m_rows;
    QString m_note;
    double m_top = 1; ///< the axis runs from 0 to here
    double m_labelWidth = 0;
    double m_textWidth = 0;
};

} // namespace qscope
