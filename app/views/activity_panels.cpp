// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/activity_panels.h"

#include "plugins/sdk/widgets/panel.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPainter>
#include <QProgressBar>
#include <QScopedValueRollback>
#include <QSortFilterProxyModel>
#include <QStackedWidget>
#include <QStyledItemDelegate>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

namespace qscope {

namespace {

QTableView* makeTable(QAbstractItemModel& model, const QString& name, QWidget* parent) {
    auto* table = new QTableView(parent);
    table->setModel(&model);
    table->setAccessibleName(name);
    table->setShowGrid(false);
    table->setSelectionBehavior(QAbstractItemView::SelectRows);
    table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    table->setWordWrap(false);
    table->setFont(Theme::figures());
    table->setTabKeyNavigation(false);
    table->verticalHeader()->hide();
    table->verticalHeader()->setDefaultSectionSize(24);
    table->horizontalHeader()->setHighlightSections(false);
    return table;
}

QStackedWidget* makeStack(QWidget& panel, EmptyState& empty, QWidget& filled) {
    auto* stack = new QStackedWidget(&panel);
    stack->addWidget(&empty);
    stack->addWidget(&filled);
    auto* layout = new QVBoxLayout(&panel);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(stack);
    return stack;
}

/// Draws the fraction done as a bar, a travelling piece while the total is unknown.
class ProgressDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
        QStyleOptionProgressBar bar;
        bar.rect = option.rect.adjusted(4, 6, -4, -6);
        bar.palette = option.palette;
        bar.state = option.state | QStyle::State_Horizontal;
        bar.minimum = 0;
        const QVariant fraction = index.data(FractionRole);
        bar.maximum = fraction.isValid() ? 1000 : 0;
        bar.progress = fraction.isValid() ? static_cast<int>(fraction.toDouble() * 1000) : 0;
        option.widget->style()->drawControl(QStyle::CE_ProgressBar, &bar, painter, option.widget);
    }
};

/// Colours the kind of a message; the word itself says the same.
class KindDelegate : public QStyledItemDelegate {
public:
    KindDelegate(ViewContext& context, QObject* parent) : QStyledItemDelegate(parent), m_context(context) {}

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
        QStyledItemDelegate::initStyleOption(option, index);
        const auto severity = static_cast<Severity>(index.data(SortRole).toInt());
        const Role role = severity == Severity::Error ? Role::Bad : severity == Severity::Warning ? Role::Warn : Role::Muted;
        option->palette.setColor(QPalette::Text, m_context.theme().color(role));
    }

private:
    ViewContext& m_context;
};

} // namespace

JobsPanel::JobsPanel(Workspace& workspace, JobsModel& model, QWidget* parent)
    : QWidget(parent), m_model(model), m_table(makeTable(model, tr("Jobs"), this)) {
    auto* empty = new EmptyState(workspace, this);
    empty->setContent(tr("Nothing is running. Opening, statistics, quantizing, export and simulation show their progress here."));
    m_stack = makeStack(*this, *empty, *m_table);
    m_table->setItemDelegateForColumn(JobsModel::Done, new ProgressDelegate(m_table));
    m_table->horizontalHeader()->hide();
    m_table->horizontalHeader()->setSectionResizeMode(JobsModel::Title, QHeaderView::Stretch);
    m_table->setColumnWidth(JobsModel::Done, 240);
    m_table->setColumnWidth(JobsModel::TimeLeft, 120);
    auto* cancel = new QAction(tr("Cancel job"), m_table);
    cancel->setShortcut(QKeySequence::Delete);
    cancel->setShortcutContext(Qt::WidgetShortcut);
    connect(cancel, &QAction::triggered, this, [this] {
        if (m_table->currentIndex().isValid()) m_model.cancel(m_table->currentIndex().row());
    });
    m_table->addAction(cancel);
    m_table->setContextMenuPolicy(Qt::ActionsContextMenu);
    connect(m_table, &QTableView::clicked, this, [this](const QModelIndex& index) {
        if (index.column() == JobsModel::Cancel) m_model.cancel(index.row());
    });
    connect(&model, &QAbstractItemModel::rowsInserted, this, &JobsPanel::refreshEmpty);
    connect(&model, &QAbstractItemModel::rowsRemoved, this, &JobsPanel::refreshEmpty);
    refreshEmpty();
}

void JobsPanel::refreshEmpty() { m_stack->setCurrentIndex(m_model.rowCount() > 0 ? 1 : 0); }

MessagesPanel::MessagesPanel(Workspace& workspace, QWidget* parent)
    : QWidget(parent), m_model(workspace.messages()), m_table(makeTable(m_model, tr("Messages"), this)) {
    auto* empty = new EmptyState(workspace, this);
    empty->setContent(tr("No messages. Warnings about files and methods, and what went wrong, are kept here."));
    m_stack = makeStack(*this, *empty, *m_table);
    m_table->setItemDelegateForColumn(MessagesModel::Kind, new KindDelegate(workspace, m_table));
    m_table->horizontalHeader()->hide();
    m_table->horizontalHeader()->setSectionResizeMode(MessagesModel::Text, QHeaderView::Stretch);
    m_table->setColumnWidth(MessagesModel::Time, 72);
    m_table->setColumnWidth(MessagesModel::Kind, 72);
    auto* copy = new QAction(tr("Copy messages"), m_table);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetShortcut);
    connect(copy, &QAction::triggered, this, &MessagesPanel::copySelected);
    auto* clear = new QAction(tr("Clear messages"), m_table);
    connect(clear, &QAction::triggered, &workspace.messages(), &Messages::clear);
    m_table->addActions({copy, clear});
    m_table->setContextMenuPolicy(Qt::ActionsContextMenu);
    const auto refresh = [this] { m_stack->setCurrentIndex(m_model.rowCount() > 0 ? 1 : 0); };
    connect(&m_model, &QAbstractItemModel::rowsInserted, this, [this, refresh] {
        refresh();
        m_table->scrollToBottom();
    });
    connect(&m_model, &QAbstractItemModel::modelReset, this, refresh);
    refresh();
}

void MessagesPanel::copySelected() {
    QStringList lines;
    for (const auto& row : m_table->selectionModel()->selectedRows())
        lines << QStringLiteral("%1\t%2\t%3").arg(row.data().toString(), row.siblingAtColumn(MessagesModel::Kind).data().toString(),
                                                  row.siblingAtColumn(MessagesModel::Text).data().toString());
    QApplication::clipboard()->setText(lines.join(QLatin1Char('\n')));
}

ResultsPanel::ResultsPanel(Workspace& workspace, QWidget* parent)
    : QWidget(parent), m_workspace(workspace), m_sorted(new QSortFilterProxyModel(this)) {
    m_sorted->setSourceModel(&m_model);
    m_sorted->setSortRole(SortRole);
    auto* body = new QWidget(this);
    m_title = new QLabel(body);
    m_title->setContentsMargins(8, 4, 8, 4);
    m_title->setFont(Theme::caption());
    m_table = makeTable(*m_sorted, tr("Tensors of the result"), body);
    m_table->setObjectName(QStringLiteral("tensorResults"));
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setSortingEnabled(true);
    m_table->sortByColumn(TensorResultsModel::Sqnr, Qt::AscendingOrder);
    m_table->horizontalHeader()->setSectionResizeMode(TensorResultsModel::Name, QHeaderView::Stretch);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_title);
    column->addWidget(m_table, 1);
    auto* empty = new EmptyState(workspace, this);
    empty->setContent(tr("Bits and errors of every tensor appear here when a method has run."), tr("Choose a method…"),
                      [&workspace] { workspace.request(WindowRequest::Quantize); });
    m_stack = makeStack(*this, *empty, *body);
    connect(m_table->selectionModel(), &QItemSelectionModel::currentChanged, this, [this](const QModelIndex& index) {
        if (m_updating || !index.isValid()) return;
        Selection selection = m_workspace.selection();
        selection.tensor = index.siblingAtColumn(0).data(IndexRole).toLongLong();
        selection.row = selection.column = -1;
        m_workspace.select(selection);
    });
    connect(&workspace, &ViewContext::reportChanged, this, &ResultsPanel::refresh);
    connect(&workspace, &ViewContext::selectionChanged, this, &ResultsPanel::refresh);
    refresh();
}

void ResultsPanel::refresh() {
    const QScopedValueRollback updating(m_updating, true);
    const auto report = m_workspace.report();
    const int method = m_workspace.selection().method;
    m_model.setResult(report, method);
    m_stack->setCurrentIndex(m_model.rowCount() > 0 ? 1 : 0);
    if (report && method >= 0)
        m_title->setText(QString::fromStdString(report->methods[static_cast<std::size_t>(method)].label));
    const QModelIndex index = m_sorted->mapFromSource(m_model.indexOf(m_workspace.selection().tensor));
    if (index.isValid() && index.row() == m_table->currentIndex().row()) return;
    m_table->setCurrentIndex(index);
}

JobStrip::JobStrip(JobsModel& model, QWidget* parent)
    : QWidget(parent), m_model(model), m_title(new QLabel(this)), m_progress(new QProgressBar(this)),
      m_left(new QLabel(this)), m_cancel(new QToolButton(this)) {
    m_progress->setRange(0, 1000);
    m_progress->setTextVisible(false);
    m_progress->setFixedSize(160, 8);
    m_progress->setAccessibleName(tr("Progress of the job"));
    m_left->setMinimumWidth(88);
    m_cancel->setText(tr("Cancel"));
    m_cancel->setAutoRaise(true);
    m_cancel->setAccessibleName(tr("Cancel job"));
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(8, 0, 8, 0);
    layout->setSpacing(8);
    for (QWidget* part : {static_cast<QWidget*>(m_title), static_cast<QWidget*>(m_progress),
                          static_cast<QWidget*>(m_left), static_cast<QWidget*>(m_cancel)})
        layout->addWidget(part);
    connect(m_cancel, &QToolButton::clicked, this, [this] {
        if (m_model.rowCount() > 0) m_model.cancel(0);
    });
    connect(&model, &QAbstractItemModel::rowsInserted, this, &JobStrip::refresh);
    connect(&model, &QAbstractItemModel::rowsRemoved, this, &JobStrip::refresh);
    connect(&model, &QAbstractItemModel::dataChanged, this, &JobStrip::refresh);
    refresh();
}

void JobStrip::refresh() {
    const int count = m_model.rowCount();
    for (QWidget* part : {static_cast<QWidget*>(m_progress), static_cast<QWidget*>(m_left), static_cast<QWidget*>(m_cancel)})
        part->setVisible(count > 0);
    if (count == 0) return m_title->setText(tr("Ready"));
    const QString title = m_model.index(0, JobsModel::Title).data().toString();
    m_title->setText(count == 1 ? title : tr("%1 and %n more", nullptr, count - 1).arg(title));
    const QVariant fraction = m_model.index(0, JobsModel::Title).data(FractionRole);
    m_progress->setRange(0, fraction.isValid() ? 1000 : 0);
    if (fraction.isValid()) m_progress->setValue(static_cast<int>(fraction.toDouble() * 1000));
    m_left->setText(m_model.index(0, JobsModel::TimeLeft).data().toString());
}

} // namespace qscope
