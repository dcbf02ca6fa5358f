// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/number_table.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QMenu>
#include <QPainter>
#include <QPixmap>
#include <QScrollBar>
#include <QSortFilterProxyModel>
#include <QStandardItemModel>

namespace qscope {

namespace {

constexpr int kSortRole = Qt::UserRole;
constexpr int kIdRole = Qt::UserRole + 1;
constexpr int kColumnGap = 12;

} // namespace

NumberTable::NumberTable(ViewContext& context, QWidget* parent)
    : QTableView(parent)
    , m_context(context)
    , m_model(new QStandardItemModel(this))
    , m_sorted(new QSortFilterProxyModel(this)) {
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(kSortRole);
    setModel(m_sorted);
    setSortingEnabled(true);
    sortByColumn(-1, Qt::AscendingOrder);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setShowGrid(false);
    setWordWrap(false);
    setFrameShape(QFrame::NoFrame);
    setFont(Theme::figures());
    verticalHeader()->hide();
    verticalHeader()->setDefaultSectionSize(24);
    horizontalHeader()->setFont(Theme::caption());
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setMinimumSectionSize(32);
    setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    adoptTheme();
    connect(&context, &ViewContext::themeChanged, this, &NumberTable::adoptTheme);
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& now) {
        if (!m_updating && now.isValid()) emit rowChosen(now.siblingAtColumn(0).data(kIdRole).toInt());
    });
    connect(this, &QAbstractItemView::activated, this,
            [this](const QModelIndex& index) { emit rowActivated(index.siblingAtColumn(0).data(kIdRole).toInt()); });
    connect(this, &QAbstractItemView::clicked, this, [this](const QModelIndex& index) {
        // Choosing the current row again must work too, after the selection moved away elsewhere.
        emit rowChosen(index.siblingAtColumn(0).data(kIdRole).toInt());
    });
}

void NumberTable::setColumns(const std::vector<NumberColumn>& columns) {
    m_model->setColumnCount(static_cast<int>(columns.size()));
    for (std::size_t i = 0; i < columns.size(); ++i) {
        auto* item = new QStandardItem(columns[i].title);
        item->setToolTip(columns[i].tooltip);
        item->setTextAlignment((columns[i].isText ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
        item->setData(columns[i].isText, kIdRole);
        m_model->setHorizontalHeaderItem(static_cast<int>(i), item);
    }
}

void NumberTable::setRows(const std::vector<NumberRow>& rows) {
    const auto selected = selectedId();
    m_updating = true;
    m_rows = rows;
    m_model->setRowCount(static_cast<int>(rows.size()));
    for (std::size_t row = 0; row < rows.size(); ++row)
        for (std::size_t column = 0; column < rows[row].cells.size(); ++column) {
            const NumberCell& cell = rows[row].cells[column];
            const bool isText = m_model->headerData(static_cast<int>(column), Qt::Horizontal, kIdRole).toBool();
            auto* item = new QStandardItem(cell.best ? QStringLiteral("★ ") + cell.text : cell.text);
            item->setTextAlignment((isText ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
            item->setData(isText ? QVariant(cell.text) : QVariant(cell.value), kSortRole);
            item->setData(rows[row].id, kIdRole);
            item->setToolTip(cell.tooltip.isEmpty() ? (isText ? cell.text : QString::number(cell.value, 'g', 10))
                                                    : cell.tooltip);
            if (cell.best) {
                QFont font = Theme::figures();
                font.setBold(true);
                item->setFont(font);
            }
            m_model->setItem(static_cast<int>(row), static_cast<int>(column), item);
        }
    adoptTheme();
    resizeColumnsToContents();
    for (int column = 0; column < m_model->columnCount(); ++column)
        setColumnWidth(column, columnWidth(column) + kColumnGap);
    m_updating = false;
    setSelectedId(selected);
}

int NumberTable::contentWidth() const {
    return horizontalHeader()->length() + verticalScrollBar()->sizeHint().width() + 4;
}

void NumberTable::adoptTheme() {
    // A flat header: the table is part of its panel, not a box in it.
    QPalette flat = horizontalHeader()->palette();
    flat.setColor(QPalette::Button, m_context.theme().color(Role::Surface));
    flat.setColor(QPalette::ButtonText, m_context.theme().color(Role::Muted));
    horizontalHeader()->setPalette(flat);
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        if (!m_rows[row].swatch) continue;
        QPixmap pixmap(12, 12);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        painter.fillRect(1, 1, 10, 10, m_rows[row].swatch->color(m_context.theme()));
        painter.end();
        QIcon icon(pixmap);
        icon.addPixmap(pixmap, QIcon::Selected); // the same colour when selected: it is a name, not decoration
        m_model->item(static_cast<int>(row), 0)->setIcon(icon);
    }
}

void NumberTable::setSelectedId(std::optional<int> id) {
    m_updating = true;
    QModelIndex found;
    for (int row = 0; id && row < m_sorted->rowCount(); ++row)
        if (m_sorted->index(row, 0).data(kIdRole).toInt() == *id) found = m_sorted->index(row, 0);
    if (found.isValid()) {
        if (currentIndex().row() != found.row()) setCurrentIndex(found);
        selectRow(found.row());
    } else {
        clearSelection();
        setCurrentIndex({});
    }
    m_updating = false;
}

std::optional<int> NumberTable::selectedId() const {
    const auto rows = selectionModel()->selectedRows();
    if (rows.isEmpty()) return std::nullopt;
    return rows.front().data(kIdRole).toInt();
}

void NumberTable::setMenuHook(std::function<void(QMenu&, int)> hook) { m_menuHook = std::move(hook); }

QString NumberTable::asText() const {
    QString text;
    const auto line = [&](const auto& cell) {
        for (int column = 0; column < m_sorted->columnCount(); ++column)
            text += (column > 0 ? QStringLiteral("\t") : QString()) + cell(column);
        text += QLatin1Char('\n');
    };
    line([&](int column) { return m_sorted->headerData(column, Qt::Horizontal).toString(); });
    for (int row = 0; row < m_sorted->rowCount(); ++row)
        line([&](int column) {
            const QVariant value = m_sorted->index(row, column).data(kSortRole);
            return value.userType() == QMetaType::Double ? QString::number(value.toDouble(), 'g', 17)
                                                         : value.toString();
        });
    return text;
}

void NumberTable::contextMenuEvent(QContextMenuEvent* event) {
    QMenu menu(this);
    const QModelIndex index = indexAt(viewport()->mapFrom(this, event->pos()));
    if (index.isValid() && m_menuHook) m_menuHook(menu, index.siblingAtColumn(0).data(kIdRole).toInt());
    if (!menu.isEmpty()) menu.addSeparator();
    if (index.isValid()) {
        const QVariant value = index.data(kSortRole);
        menu.addAction(tr("Copy value"), this, [value] {
            QGuiApplication::clipboard()->setText(
                value.userType() == QMetaType::Double ? QString::number(value.toDouble(), 'g', 17) : value.toString());
        });
    }
    menu.addAction(tr("Copy table"), this, [this] { QGuiApplication::clipboard()->setText(asText()); });
    menu.exec(event->globalPos());
}

void NumberTable::keyPressEvent(QKeyEvent* event) {
    if (event->matches(QKeySequence::Copy)) {
        QGuiApplication::clipboard()->setText(asText());
        return;
    }
    QTableView::keyPressEvent(event);
}

} // namespace qscope
