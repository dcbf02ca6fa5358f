// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/result_board.h"
#include "plugins/sdk/widgets/view_page.h"
#include "plugins/view_comparison/board_state.h"

class QButtonGroup;

namespace qscope {

class BoardStrip;
struct BoardColumn;
class ColumnBoard;
class OverviewPage;
class SweepPage;

/// The board: results side by side by their numbers, as columns of charts, and over the parameters of a sweep. Choosing
/// a result anywhere selects it everywhere; pinned ones stay.
class ComparisonView : public ViewPage {
    Q_OBJECT
public:
    ComparisonView(ViewContext& context, QWidget* parent);

protected:
    void refresh() override;

private:
    enum Section { Overview, Columns, Sweep };

    void makeHeader();
    void connectColumns();
    void showSection(Section section);
    [[nodiscard]] BoardState state() const;
    [[nodiscard]] BoardActions actions();
    void fillMenu(QMenu& menu, int method, const QString& tensor);
    void choose(int method, std::int64_t tensor, std::int64_t row = -1, std::int64_t column = -1);
    void togglePin(const BoardColumn& column);
    void exportResult(int method);
    void showColumns(const BoardState& state);

    ResultBoard* m_board; ///< null: nothing can be pinned
    BoardStrip* m_strip = nullptr;
    QStackedWidget* m_pages;
    OverviewPage* m_overview;
    ColumnBoard* m_columns;
    SweepPage* m_sweep;
    QButtonGroup* m_sections;
    QAction* m_export;
    bool m_tensorScope = false;
};

} // namespace qscope
