// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"
#include "plugins/sdk/widgets/plot_layer.h"

#include <QTableView>

#include <optional>
#include <vector>

class QSortFilterProxyModel;
class QStandardItemModel;

namespace qscope {

/// One column of a table of numbers.
struct NumberColumn {
    QString title;
    QString tooltip = {}; ///< what the number means: formula and source
    bool isText = false;  ///< left-aligned names instead of figures
};

/// One cell: what is read and what is sorted and copied.
struct NumberCell {
    QString text;
    double value = 0;     ///< full precision, for sorting and copying; unused by text columns
    bool best = false;    ///< bold, with a mark that is not colour alone
    QString tooltip = {}; ///< in place of the full-precision value
};

struct NumberRow {
    std::vector<NumberCell> cells;
    int id = 0;                     ///< what `rowChosen` reports
    std::optional<Ink> swatch = {}; ///< a small square before the first cell
};

/// A sortable table of figures, right-aligned, one row selected at a time; copies as tab-separated text at full
/// precision.
class NumberTable : public QTableView {
    Q_OBJECT
public:
    explicit NumberTable(ViewContext& context, QWidget* parent = nullptr);

    void setColumns(const std::vector<NumberColumn>& columns);
    /// Keeps the sort order and the selected id.
    void setRows(const std::vector<NumberRow>& rows);
    void setSelectedId(std::optional<int> id);
    [[nodiscard]] std::optional<int> selectedId() const;
    /// Adds actions for the row under the cursor above "Copy".
    void setMenuHook(std::function<void(QMenu&, int id)> hook);
    [[nodiscard]] QString asText() const;
    /// Wide enough for all columns and a scroll bar.
    [[nodiscard]] int contentWidth() const;

signals:
    /// By the user, with mouse or keyboard.
    void rowChosen(int id);
    void rowActivated(int id);

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void adoptTheme();

    ViewContext& m_context;
    QStandardItemModel* m_model;
    QSortFilterProxyModel* m_sorted;
    std::vector<NumberRow> m_rows;
    std::function<void(QMenu&, int)> m_menuHook;
    bool m_updating = false;
};

} // namespace qscope
