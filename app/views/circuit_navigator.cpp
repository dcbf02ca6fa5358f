// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/circuit_navigator.h"

#include "plugins/sdk/widgets/panel.h"

#include <QFileInfo>
#include <QHeaderView>
#include <QLabel>
#include <QScopedValueRollback>
#include <QStackedWidget>
#include <QTreeView>
#include <QVBoxLayout>

namespace qscope {

namespace {
constexpr int kExpandBelow = 5000;
}

CircuitNavigator::CircuitNavigator(Workspace& workspace, QWidget* parent)
    : QWidget(parent), m_workspace(workspace), m_stack(new QStackedWidget(this)),
      m_empty(new EmptyState(workspace, this)), m_tree(new QTreeView(this)), m_summary(new QLabel(this)) {
    m_tree->setObjectName(QStringLiteral("circuitTree"));
    m_tree->setAccessibleName(tr("Circuit"));
    m_tree->setModel(&m_model);
    m_tree->setUniformRowHeights(true);
    m_tree->setHeaderHidden(true);
    m_tree->setIndentation(12);
    m_tree->setTextElideMode(Qt::ElideMiddle);
    m_tree->header()->setStretchLastSection(false);
    m_tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_tree->header()->setSectionResizeMode(1, QHeaderView::Fixed);
    m_tree->header()->resizeSection(1, 64);
    m_summary->setFont(Theme::caption());
    m_summary->setContentsMargins(8, 4, 8, 4);
    m_summary->setWordWrap(true);
    auto* body = new QWidget(this);
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_tree, 1);
    column->addWidget(m_summary);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(body);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    connect(m_tree->selectionModel(), &QItemSelectionModel::currentChanged, this, &CircuitNavigator::selectIndex);
    connect(&workspace, &ViewContext::circuitChanged, this, &CircuitNavigator::setCircuit);
    connect(&workspace, &ViewContext::selectionChanged, this, &CircuitNavigator::showSelection);
    setCircuit();
}

void CircuitNavigator::setCircuit() {
    const auto open = m_workspace.circuit();
    m_stack->setCurrentIndex(open && open->circuit ? 1 : 0);
    m_model.setCircuit(open ? open->circuit : nullptr);
    if (!open || !open->circuit) {
        m_empty->setContent(open ? tr("%1 has errors; the message list says where.").arg(QFileInfo(open->path).fileName())
                                 : tr("The registers, gates and operations of a circuit appear here."),
                            tr("Open a circuit…"), [this] { m_workspace.request(WindowRequest::OpenCircuit); });
        return;
    }
    m_summary->setText(tr("%1, %n qubit(s)", nullptr, open->circuit->qubits).arg(open->path.isEmpty() ? tr("untitled circuit") : QFileInfo(open->path).fileName()));
    m_summary->setToolTip(open->path);
    if (open->circuit->operations.size() < kExpandBelow) m_tree->expandAll();
    m_tree->collapse(m_model.index(CircuitTreeModel::Bits, 0));
    showSelection();
}

void CircuitNavigator::selectIndex(const QModelIndex& index) {
    if (m_updating || !index.isValid()) return;
    const auto which = m_model.data(index.siblingAtColumn(0), IndexRole).toLongLong();
    if (which == -1) return;
    Selection selection = m_workspace.selection();
    if (which >= 0) selection.step = which + 1;
    else selection.qubit = static_cast<int>(-2 - which);
    m_workspace.select(selection);
}

void CircuitNavigator::showSelection() {
    const QModelIndex index = m_model.operation(m_workspace.selection().step - 1);
    if (index == m_tree->currentIndex().siblingAtColumn(0)) return;
    const QScopedValueRollback updating(m_updating, true);
    m_tree->setCurrentIndex(index);
    if (index.isValid()) m_tree->scrollTo(index);
}

} // namespace qscope
