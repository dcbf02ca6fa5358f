// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/comparison_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/view_comparison/board_columns.h"
#include "plugins/view_comparison/board_strip.h"
#include "plugins/view_comparison/column_board.h"
#include "plugins/view_comparison/column_picture.h"
#include "plugins/view_comparison/overview_page.h"
#include "plugins/view_comparison/sweep_page.h"

#include <QAction>
#include <QButtonGroup>
#include <QMenu>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace qscope {

ComparisonView::ComparisonView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Comparison"), parent)
    , m_board(ResultBoard::of(context))
    , m_pages(new QStackedWidget)
    , m_overview(new OverviewPage(context, actions()))
    , m_columns(new ColumnBoard(context))
    , m_sweep(new SweepPage(context, actions()))
    , m_sections(new QButtonGroup(this))
    , m_export(new QAction(tr("Export…"), this)) {
    auto* layout = new QVBoxLayout(&body());
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    if (m_board) layout->addWidget(m_strip = new BoardStrip(context, *m_board, &body()));
    layout->addWidget(m_pages, 1);
    m_pages->addWidget(m_overview);
    m_pages->addWidget(m_columns);
    m_pages->addWidget(m_sweep);
    makeHeader();
    connectColumns();
    connect(&context, &ViewContext::checkpointChanged, this, &ComparisonView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &ComparisonView::invalidate);
    if (m_board) connect(m_board, &ResultBoard::changed, this, &ComparisonView::invalidate);
    connect(&context.textRuns(), &TextRuns::changed, this, [this](TextRun run) {
        if (run == TextRun::Propagation) invalidate();
    });
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.tensor != before.tensor || now.method != before.method) invalidate();
    });
}

void ComparisonView::makeHeader() {
    header().addChoice({tr("Model"), tr("Tensor")}, 0,
                       [this](int index) {
                           m_tensorScope = index == 1;
                           invalidate();
                       },
                       {tr("Numbers over all treated tensors together"), tr("Numbers of the selected tensor alone")});
    const QStringList names{tr("Overview"), tr("Columns"), tr("Sweep map")};
    const QStringList tips{tr("A table, the error across the depth, and cost against quality"),
                           tr("One column of charts per result, on shared axes"),
                           tr("One number over two parameters, as a map")};
    auto* gap = new QWidget; // two choices, not five
    gap->setFixedWidth(8);
    header().addWidget(gap);
    for (int i = 0; i < names.size(); ++i) {
        auto* button = new QToolButton;
        button->setText(names[i]);
        button->setAccessibleName(names[i]);
        button->setToolTip(tips[i]);
        button->setFont(Theme::caption());
        button->setAutoRaise(true);
        button->setCheckable(true);
        button->setChecked(i == 0);
        m_sections->addButton(button, i);
        header().addWidget(button);
    }
    connect(m_sections, &QButtonGroup::idClicked, this,
            [this](int section) { showSection(static_cast<Section>(section)); });
    if (m_board) {
        auto* sweep = new QAction(tr("Sweep…"), this);
        sweep->setToolTip(tr("Run methods with many values of their parameters as one job"));
        connect(sweep, &QAction::triggered, this, [this] {
            showSection(Sweep);
            m_board->askForSweep();
        });
        header().addAction(sweep);
    }
    // Without its own "?": the header is full, and this panel must fit beside two others.
    setViewHelp(header(), tr("Results side by side on the same axes. The table's numbers have formula and source in their "
                          "headers' tooltips; a star marks the best of a column. bits per weight counts everything the "
                          "file needs: codes, scales, zero points, codebooks, outliers, low-rank parts.\n\n"
                          "Depth: relative MSE = Σ(w − ŵ)² / Σw² of each layer. Size and quality: every result as a "
                          "point; the line joins those that no other one beats in both (the Pareto front).\n\n"
                          "Columns: one column of small charts per result, pinned ones first and kept over runs. Sweep "
                          "map: one number over two parameters in which the results differ. A click on a point, a row "
                          "or a column selects that result in all views."));
    m_export->setToolTip(tr("Write the selected result as a checkpoint"));
    connect(m_export, &QAction::triggered, this, [this] { exportResult(context().selection().method); });
    header().addAction(m_export);
}

void ComparisonView::connectColumns() {
    connect(m_columns, &ColumnBoard::chosen, this, [this](const BoardColumn& column) {
        if (column.method >= 0) choose(column.method, column.tensor);
    });
    connect(m_columns, &ColumnBoard::placeChosen, this,
            [this](const BoardColumn& column, qint64 tensor, qint64 row, qint64 at) {
                choose(column.method, tensor, row, at);
            });
    connect(m_columns, &ColumnBoard::pinToggled, this, &ComparisonView::togglePin);
    connect(m_columns, &ColumnBoard::moved, this, [this](int from, int to) {
        if (m_board) m_board->setPinned(withMoved(m_board->pinned(), from, to), tr("Move a pinned result"));
    });
    connect(m_columns, &ColumnBoard::activated, this,
            [this](const BoardColumn& column) { exportResult(column.method); });
    m_columns->setMenuHook(
        [this](QMenu& menu, const BoardColumn& column) { fillMenu(menu, column.method, column.tensorName); });
}

void ComparisonView::showSection(Section section) {
    m_sections->button(section)->setChecked(true);
    m_pages->setCurrentIndex(section);
    invalidate();
}

BoardActions ComparisonView::actions() {
    const auto scopeName = [this] {
        const auto subject = m_tensorScope ? tensorSubject(context()) : std::nullopt;
        return subject ? QString::fromStdString(subject->info().name) : QString();
    };
    return {[this](int method) { choose(method, -1); }, [this](int method) { exportResult(method); },
            [this, scopeName](QMenu& menu, int method) {
                const auto report = context().report();
                const auto checkpoint = context().checkpoint();
                if (!m_board || !report || !checkpoint) return fillMenu(menu, method, scopeName());
                for (const BoardColumn& column :
                     boardColumns(report.get(), *checkpoint, m_board->pinned(), state().scope))
                    if (column.method == method && column.scope() == state().scope)
                        menu.addAction(column.pin >= 0 ? tr("Unpin") : tr("Pin"), this,
                                       [this, column] { togglePin(column); });
                fillMenu(menu, method, scopeName());
            },
            [this](const QString& label) {
                if (m_board) m_board->setBaseline(label);
            },
            [this] {
                if (m_board) m_board->askForSweep();
            }};
}

BoardState ComparisonView::state() const {
    BoardState state{context().checkpoint(), context().report(), {}, {}, {}, context().selection(), nullptr};
    if (m_tensorScope && state.selection.tensor >= 0) state.scope = state.selection.tensor;
    if (!m_board) return state;
    state.registries = &m_board->registries();
    state.baseline = m_board->baseline();
    const auto tensor =
        state.scope && state.checkpoint
            ? QString::fromStdString(state.checkpoint->tensors[static_cast<std::size_t>(*state.scope)].name)
            : QString();
    for (const PinnedColumn& column : m_board->pinned())
        if (column.tensor == tensor) state.pinned.insert(column.label);
    return state;
}

void ComparisonView::refresh() {
    const BoardState now = state();
    if (!now.checkpoint) return showNoCheckpoint(tr("Methods side by side appear here."));
    const bool hasResults = now.report && !now.report->methods.empty();
    const bool hasPins = m_board && !m_board->pinned().empty();
    const bool isRunning = m_board && m_board->jobs().running();
    if (!hasResults && !hasPins && !isRunning)
        return showEmpty(tr("Run two or more methods to see their size, error and speed side by side."),
                         tr("Quantize…"), [this] { context().request(WindowRequest::Quantize); });
    const auto subject = tensorSubject(context());
    if (m_tensorScope && !subject)
        return showEmpty(tr("Select a tensor in the navigator to compare the methods on it."));
    header().setSubject(m_tensorScope ? QString::fromStdString(subject->info().name)
                        : !hasResults ? QString()
                                      : tr("%1 results").arg(now.report->methods.size()));
    showBody();
    m_export->setEnabled(hasResults && now.selection.method >= 0);
    if (!hasResults) m_pages->setCurrentIndex(Columns); // pins alone
    switch (static_cast<Section>(m_pages->currentIndex())) {
    case Overview: m_overview->show(now); break;
    case Sweep: m_sweep->show(now); break;
    case Columns: break;
    }
    showColumns(now);
}

void ComparisonView::showColumns(const BoardState& now) {
    static const std::vector<PinnedColumn> none;
    auto columns = boardColumns(now.report.get(), *now.checkpoint, m_board ? m_board->pinned() : none, now.scope);
    const auto missing =
        std::count_if(columns.begin(), columns.end(), [](const BoardColumn& column) { return column.method < 0; });
    if (m_strip) m_strip->setMissing(static_cast<int>(missing));
    if (m_pages->currentIndex() != Columns) return;
    m_columns->setPropagation(context().textRuns().propagation());
    m_columns->setBaseline(now.baseline);
    m_columns->setColumns(std::move(columns), now.report, now.checkpoint);
    m_columns->setSelected(now.selection);
}

void ComparisonView::fillMenu(QMenu& menu, int method, const QString& tensor) {
    const auto report = context().report();
    if (!report || method < 0) return;
    const QString label = QString::fromStdString(report->methods[static_cast<std::size_t>(method)].label);
    if (m_board) {
        const bool isBaseline = m_board->baseline() == label;
        menu.addAction(isBaseline ? tr("Show plain numbers") : tr("Show differences to this"), this,
                       [this, label, isBaseline] { m_board->setBaseline(isBaseline ? QString() : label); });
        menu.addAction(tr("Run again with other parameters…"), this,
                       [this, method, tensor] { m_board->askForRerun(method, tensor); });
    }
    menu.addAction(tr("Export…"), this, [this, method] { exportResult(method); });
}

void ComparisonView::choose(int method, std::int64_t tensor, std::int64_t row, std::int64_t column) {
    Selection selection = context().selection();
    selection.method = method;
    if (tensor >= 0 && (tensor != selection.tensor || row >= 0 || column >= 0)) {
        selection.tensor = tensor;
        selection.row = row;
        selection.column = column;
    }
    context().select(selection);
}

void ComparisonView::togglePin(const BoardColumn& column) {
    if (!m_board) return;
    m_board->setPinned(withToggled(m_board->pinned(), column, context().report().get()),
                       column.pin >= 0 ? tr("Unpin a result") : tr("Pin a result"));
}

void ComparisonView::exportResult(int method) {
    const auto report = context().report();
    if (!report || method < 0) return;
    choose(method, -1);
    if (hasCodes(report->methods[static_cast<std::size_t>(method)], -1))
        return context().request(WindowRequest::Export);
    context().showMessage(tr("The codes of %1 are being made again; export it when they are there.")
                              .arg(QString::fromStdString(report->methods[static_cast<std::size_t>(method)].label)));
}

} // namespace qscope
