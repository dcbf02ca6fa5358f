// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/tensor_navigator.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/panel.h"

#include <QClipboard>
#include <QComboBox>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QInputDialog>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QScopedValueRollback>
#include <QStackedWidget>
#include <QTreeView>
#include <QVBoxLayout>

namespace qscope {

namespace {
constexpr int kResortMs = 250;
constexpr int kFilterMs = 120;
constexpr int kExpandAllBelow = 3000; ///< rows; more would take longer to lay out than to open by hand

/// Room for a usual value and the title: the panel is narrow, and names need the rest.
int widthOf(const QTreeView& tree, int column) {
    const QString usual = column == TensorTreeModel::Shape ? QStringLiteral("1,024 × 256") : QStringLiteral("0.003313");
    const int value = tree.fontMetrics().horizontalAdvance(usual) + 10;
    return column == TensorTreeModel::Shape ? value : std::max(value, tree.header()->sectionSizeHint(column));
}
} // namespace

TensorNavigator::TensorNavigator(Workspace& workspace, QWidget* parent)
    : QWidget(parent), m_workspace(workspace), m_jobs(workspace.makeJobs()), m_stack(new QStackedWidget(this)),
      m_empty(new EmptyState(workspace, this)) {
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    m_empty->setContent(tr("The layers and tensors of a model appear here."), tr("Open a model…"),
                        [this] { m_workspace.request(WindowRequest::OpenCheckpoint); });
    m_stack->addWidget(m_empty);
    m_stack->addWidget(makeBody());
    m_model.setNotes([this](std::int64_t tensor) {
        const auto& notes = m_workspace.document().annotations();
        const auto& name = m_workspace.checkpoint()->tensors[static_cast<std::size_t>(tensor)].name;
        const auto note = notes.find(QString::fromStdString(name));
        return note == notes.end() ? QString() : note->second;
    });
    m_resort.setSingleShot(true);
    m_resort.setInterval(kResortMs);
    connect(&m_resort, &QTimer::timeout, &m_model, &TensorTreeModel::resort);
    m_filterDelay.setSingleShot(true);
    m_filterDelay.setInterval(kFilterMs);
    connect(&m_filterDelay, &QTimer::timeout, this, [this] {
        m_model.setFilter(m_filter->text());
        expandForReading();
        showSelection();
    });
    connect(&workspace, &ViewContext::checkpointChanged, this, &TensorNavigator::setCheckpoint);
    connect(&workspace, &ViewContext::statisticsChanged, this, &TensorNavigator::takeStatistics);
    connect(&workspace, &ViewContext::selectionChanged, this, &TensorNavigator::showSelection);
    connect(&workspace.document(), &Document::changed, this, [this](Document::Change change) {
        if (change == Document::Change::Notes) m_tree->viewport()->update();
    });
    setCheckpoint();
}

QWidget* TensorNavigator::makeBody() {
    auto* body = new QWidget(this);
    m_filter = new QLineEdit(body);
    m_filter->setObjectName(QStringLiteral("tensorFilter"));
    m_filter->setPlaceholderText(tr("Filter by name"));
    m_filter->setAccessibleName(tr("Filter tensors by name"));
    m_filter->setToolTip(tr("Part of a name, or a pattern with * ? and |"));
    m_filter->setClearButtonEnabled(true);
    connect(m_filter, &QLineEdit::textChanged, &m_filterDelay, qOverload<>(&QTimer::start));
    m_sort = new QComboBox(body);
    m_sort->setObjectName(QStringLiteral("tensorSort"));
    m_sort->setAccessibleName(tr("Sort tensors"));
    m_sort->setToolTip(tr("Order of the tensors; numbers sort largest first"));
    m_sort->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_sort->setMinimumContentsLength(6);
    m_sort->addItem(tr("File order"), -1);
    for (const int column : {TensorTreeModel::Name, TensorTreeModel::Size, TensorTreeModel::Std, TensorTreeModel::AbsMax,
                             TensorTreeModel::Kurtosis, TensorTreeModel::MaxToMean, TensorTreeModel::Outliers})
        m_sort->addItem(m_model.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(), column);
    connect(m_sort, &QComboBox::activated, this, [this] { sortBy(m_sort->currentData().toInt()); });
    m_tree = new QTreeView(body);
    m_tree->setObjectName(QStringLiteral("tensorTree"));
    m_tree->setAccessibleName(tr("Tensors"));
    m_tree->setModel(&m_model);
    m_tree->setUniformRowHeights(true);
    m_tree->setTextElideMode(Qt::ElideMiddle);
    m_tree->setIndentation(10);
    m_tree->setContextMenuPolicy(Qt::CustomContextMenu);
    m_tree->header()->setStretchLastSection(false);
    m_tree->header()->setSectionResizeMode(QHeaderView::Interactive);
    m_tree->header()->setSectionResizeMode(TensorTreeModel::Name, QHeaderView::Stretch);
    m_tree->header()->setMinimumSectionSize(48);
    m_tree->header()->setContextMenuPolicy(Qt::CustomContextMenu);
    m_tree->header()->setSectionsClickable(true);
    for (int column = 1; column < TensorTreeModel::ColumnCount; ++column) {
        m_tree->setColumnHidden(column, column != TensorTreeModel::Shape);
        m_tree->setColumnWidth(column, widthOf(*m_tree, column));
    }
    connect(m_tree->header(), &QHeaderView::sectionClicked, this, &TensorNavigator::sortBy);
    connect(m_tree->header(), &QWidget::customContextMenuRequested, this, &TensorNavigator::showColumnMenu);
    connect(m_tree, &QWidget::customContextMenuRequested, this, &TensorNavigator::showRowMenu);
    connect(m_tree->selectionModel(), &QItemSelectionModel::currentChanged, this, &TensorNavigator::selectIndex);
    m_summary = new QLabel(body);
    m_summary->setFont(Theme::caption());
    m_summary->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_summary->setContentsMargins(8, 4, 8, 4);
    m_summary->setWordWrap(true);

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 8);
    bar->setSpacing(8);
    bar->addWidget(m_filter, 3);
    bar->addWidget(m_sort, 2);
    auto* layout = new QVBoxLayout(body);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_tree, 1);
    layout->addWidget(m_summary);
    return body;
}

void TensorNavigator::setCheckpoint() {
    const auto checkpoint = m_workspace.checkpoint();
    m_stack->setCurrentIndex(checkpoint ? 1 : 0);
    if (checkpoint) {
        m_summary->setText(tr("%1, %2 parameters, %3")
                               .arg(QString::fromStdString(checkpoint->architecture.empty() ? checkpoint->format
                                                                                            : checkpoint->architecture),
                                    formatParameters(engine::parameterCount(*checkpoint)),
                                    formatBytes(engine::storedBytes(*checkpoint))));
        m_summary->setToolTip(QStringLiteral("%1\n%2").arg(QString::fromStdString(checkpoint->path.string()),
                                                            QString::fromStdString(engine::recognised(*checkpoint, m_workspace.registries()))));
    }
    rebuild();
}

void TensorNavigator::rebuild() {
    const auto checkpoint = m_workspace.checkpoint();
    if (!checkpoint) {
        m_jobs->cancel();
        return m_model.setTree(nullptr);
    }
    runJob(
        *m_jobs, tr("Listing tensors"),
        [checkpoint, grouped = m_grouped](const RunContext&) -> Result<std::shared_ptr<const TensorTree>> {
            return buildTensorTree(checkpoint, grouped);
        },
        [this](const Result<std::shared_ptr<const TensorTree>>& tree) {
            m_model.setTree(*tree);
            const auto& rows = m_workspace.statisticsCache().rows();
            for (std::size_t tensor = 0; tensor < rows.size(); ++tensor)
                if (rows[tensor].known) m_model.setNumbers(static_cast<std::int64_t>(tensor), rows[tensor]);
            m_model.resort();
            expandForReading();
            showSelection();
        });
}

void TensorNavigator::takeStatistics(std::int64_t tensor) {
    m_model.setNumbers(tensor, m_workspace.statisticsCache().rows()[static_cast<std::size_t>(tensor)]);
    if (!m_resort.isActive()) m_resort.start();
}

void TensorNavigator::sortBy(int column) {
    const bool number = column >= TensorTreeModel::Size && column <= TensorTreeModel::Outliers;
    const int entry = m_sort->findData(column);
    if (entry >= 0) m_sort->setCurrentIndex(entry);
    if (number && m_tree->isColumnHidden(column)) // the panel is narrow: names need the room of the columns not asked for
        for (int other = 1; other < TensorTreeModel::ColumnCount; ++other) m_tree->setColumnHidden(other, other != column);
    m_model.sort(column, number || column == TensorTreeModel::Shape ? Qt::DescendingOrder : Qt::AscendingOrder);
    m_tree->scrollTo(m_tree->currentIndex());
}

void TensorNavigator::focusFilter() {
    m_filter->setFocus();
    m_filter->selectAll();
}

void TensorNavigator::setGrouped(bool grouped) {
    if (grouped == m_grouped) return;
    m_grouped = grouped;
    m_tree->setRootIsDecorated(grouped);
    rebuild();
}

QModelIndex TensorNavigator::leafFrom(QModelIndex index, int step) const {
    const auto isLeaf = [&](const QModelIndex& at) { return m_model.data(at, IndexRole).toLongLong() >= 0; };
    const auto neighbour = [&](QModelIndex at) -> QModelIndex {
        while (at.isValid() && !at.siblingAtRow(at.row() + step).isValid()) at = at.parent();
        return at.isValid() ? at.siblingAtRow(at.row() + step) : QModelIndex();
    };
    while (index.isValid() && !isLeaf(index)) {
        const int rows = m_model.rowCount(index);
        index = rows > 0 ? m_model.index(step > 0 ? 0 : rows - 1, 0, index) : neighbour(index);
    }
    return index;
}

void TensorNavigator::selectFirst() { selectIndex(leafFrom(m_model.index(0, 0), 1)); }

void TensorNavigator::selectNeighbour(int step) {
    QModelIndex at = m_model.indexOf(m_workspace.selection().tensor);
    if (!at.isValid()) return selectFirst();
    while (at.isValid() && !at.siblingAtRow(at.row() + step).isValid()) at = at.parent();
    if (at.isValid()) selectIndex(leafFrom(at.siblingAtRow(at.row() + step), step));
}

void TensorNavigator::selectIndex(const QModelIndex& index) {
    const auto tensor = m_model.data(index.siblingAtColumn(0), IndexRole).toLongLong();
    if (m_updating || !index.isValid() || tensor < 0 || tensor == m_workspace.selection().tensor) return;
    Selection selection = m_workspace.selection();
    selection.tensor = tensor;
    selection.row = selection.column = -1;
    m_workspace.select(selection);
}

void TensorNavigator::showSelection() {
    const QModelIndex index = m_model.indexOf(m_workspace.selection().tensor);
    if (index == m_tree->currentIndex().siblingAtColumn(0)) return;
    const QScopedValueRollback updating(m_updating, true);
    m_tree->setCurrentIndex(index);
    if (index.isValid()) m_tree->scrollTo(index);
}

void TensorNavigator::expandForReading() {
    if (m_model.visibleTensors() >= kExpandAllBelow) return m_tree->expandToDepth(0);
    m_tree->expandAll();
    const auto checkpoint = m_workspace.checkpoint();
    if (!checkpoint) return;
    for (const auto& tensor : checkpoint->tensors) // parts of weights are a detail
        if (tensor.partOf) m_tree->collapse(m_model.indexOf(*tensor.partOf));
}

void TensorNavigator::showColumnMenu(const QPoint& at) {
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    for (int column = 1; column < TensorTreeModel::ColumnCount; ++column) {
        auto* action = menu->addAction(m_model.headerData(column, Qt::Horizontal, Qt::DisplayRole).toString());
        action->setCheckable(true);
        action->setChecked(!m_tree->isColumnHidden(column));
        connect(action, &QAction::toggled, m_tree, [this, column](bool on) { m_tree->setColumnHidden(column, !on); });
    }
    menu->popup(m_tree->header()->mapToGlobal(at));
}

void TensorNavigator::showRowMenu(const QPoint& at) {
    const QModelIndex index = m_tree->indexAt(at).siblingAtColumn(0);
    if (!index.isValid() || m_model.data(index, IndexRole).toLongLong() < 0) return;
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    const QString name = m_model.data(index, PathRole).toString();
    menu->addAction(tr("Copy name"), this, [name] { QGuiApplication::clipboard()->setText(name); });
    menu->addAction(tr("Edit note…"), this, &TensorNavigator::editNote);
    menu->addAction(tr("Quantize only this tensor"), this, [this, name] {
        auto plan = m_workspace.document().plan();
        plan.selectors = {name.toStdString()};
        m_workspace.document().editPlan(std::move(plan), tr("Choose tensors"));
    });
    menu->popup(m_tree->viewport()->mapToGlobal(at));
}

void TensorNavigator::editNote() {
    const auto tensor = m_workspace.selection().tensor;
    if (tensor < 0) return;
    const QString name = QString::fromStdString(m_workspace.checkpoint()->tensors[static_cast<std::size_t>(tensor)].name);
    auto* dialog = new QInputDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Note"));
    dialog->setLabelText(tr("Note on %1").arg(name));
    dialog->setOkButtonText(tr("Save note"));
    const auto& notes = m_workspace.document().annotations();
    if (const auto note = notes.find(name); note != notes.end()) dialog->setTextValue(note->second);
    connect(dialog, &QInputDialog::textValueSelected, this, [this, name](const QString& text) {
        m_workspace.document().annotate(name, text);
        if (!text.isEmpty()) m_tree->setColumnHidden(TensorTreeModel::Note, false);
    });
    dialog->open();
}

} // namespace qscope
