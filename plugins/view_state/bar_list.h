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
    std::optional<std::pair<double, double>> interval = {}; ///< drawn as a whisker over the bar
    std::optional<double> other = {};                       ///< a second bar below, of what the row is compared with
};

/// Horizontal bars from zero over a shared axis that stays in sight while the rows scroll.
class BarList : public StateCanvas {
public:
    BarList(ViewContext& context, const QString& accessibleName, const QString& axisTitle, QWidget* parent);

    /// `note` is a muted line below the last row: what is not listed.
    void setRows(std::vector<BarRow> rows, const QString& note);
    /// What the two bars of a row are, where rows have two: shown above the axis, in the CSV and in read-outs.
    void setNames(const QString& first, const QString& second);

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
    QString m_first, m_second; ///< names of a row's two bars
    double m_top = 1;          ///< the axis runs from 0 to here
    double m_labelWidth = 0;
    double m_textWidth = 0;
};

} // namespace qscope
