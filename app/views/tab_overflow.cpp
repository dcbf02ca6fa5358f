// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/tab_overflow.h"

#include "app/views/view_sections.h"

#include <QDockWidget>
#include <QEvent>
#include <QMenu>
#include <QScopedValueRollback>
#include <QTabBar>
#include <QTimer>
#include <QToolButton>

#include <algorithm>

namespace qscope {

namespace {
constexpr int kSlack = 4; ///< a tab whose width is only expected must not come and go
} // namespace

TabOverflow::TabOverflow(ViewArea& area, std::vector<OfferedView> views)
    : QObject(&area)
    , m_area(area)
    , m_views(std::move(views))
    , m_button(new QToolButton(&area)) {
    for (const auto& view : m_views) m_recent.push_back(view.info.id);
    m_button->setObjectName(QStringLiteral("moreViews"));
    m_button->setAutoRaise(true);
    m_button->setFocusPolicy(Qt::TabFocus);
    m_button->setToolTip(tr("All views by what they are about"));
    m_button->hide();
    connect(m_button, &QToolButton::clicked, this, &TabOverflow::showList);
}

void TabOverflow::use(const QString& viewId) {
    const auto found = std::ranges::find(m_recent, viewId);
    if (found != m_recent.end()) std::rotate(m_recent.begin(), found, found + 1);
}

QDockWidget* TabOverflow::dockOf(const QString& title) const {
    const auto found = std::ranges::find_if(m_views, [&](const OfferedView& view) { return view.info.title == title; });
    return found == m_views.end() ? nullptr : m_area.dock(found->info.id);
}

QTabBar* TabOverflow::bar() const {
    QTabBar* best = nullptr;
    int most = 0;
    for (auto* row : m_area.findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly)) {
        if (!row->isVisible()) continue;
        int mine = 0;
        for (int i = 0; i < row->count(); ++i) mine += dockOf(row->tabText(i)) != nullptr;
        if (mine > most) most = mine, best = row;
    }
    return best;
}

void TabOverflow::fit() {
    QTabBar* row = bar();
    if (row != m_bar) {
        if (m_bar) m_bar->removeEventFilter(this);
        m_bar = row;
        if (row) row->installEventFilter(this);
    }
    if (!row || row->count() == 0 || row->currentIndex() < 0) return m_button->hide();

    const QFontMetrics metrics(row->font());
    const int padding = row->tabRect(0).width() - metrics.horizontalAdvance(row->tabText(0));
    const auto widthOf = [&](const QDockWidget& dock) {
        return metrics.horizontalAdvance(dock.windowTitle()) + padding;
    };
    const QString front = row->tabText(row->currentIndex());
    int used = 0;
    std::vector<QDockWidget*> hidden, leaving, coming;
    for (int i = 0; i < row->count(); ++i) used += row->tabRect(i).width();
    for (const QString& id : m_recent)
        if (auto* dock = m_area.dock(id); dock->isHidden() && !dock->isFloating()) hidden.push_back(dock);
    const auto room = [&](std::size_t away) { return row->width() - (away > 0 ? buttonWidth() : 0); };

    for (auto id = m_recent.rbegin(); id != m_recent.rend() && used > room(hidden.size() + leaving.size()); ++id) {
        auto* dock = m_area.dock(*id);
        bool isHere = false;
        for (int i = 0; i < row->count(); ++i)
            isHere = isHere || (row->tabText(i) == dock->windowTitle() && dock->windowTitle() != front);
        if (!isHere) continue;
        used -= widthOf(*dock);
        leaving.push_back(dock);
    }
    std::size_t away = hidden.size() + leaving.size();
    for (auto* dock : hidden) {
        if (!leaving.empty() || used + widthOf(*dock) + kSlack > room(away - 1)) break;
        used += widthOf(*dock);
        coming.push_back(dock);
        --away;
    }
    if (!leaving.empty() || !coming.empty()) {
        const QScopedValueRollback fitting(m_fitting, true);
        for (auto* dock : leaving) dock->hide();
        for (auto* dock : coming) dock->show();
        if (auto* dock = dockOf(front)) dock->raise();
    }
    placeButton(*row, static_cast<int>(away));
}

int TabOverflow::buttonWidth() const {
    return m_button->fontMetrics().horizontalAdvance(tr("%n more", nullptr, 88) + QStringLiteral(" ▾")) + 20;
}

void TabOverflow::placeButton(const QTabBar& row, int hidden) {
    m_button->setVisible(hidden > 0);
    m_button->setText(tr("%n more", nullptr, hidden) + QStringLiteral(" ▾"));
    m_button->setAccessibleName(tr("All views, %n not among the tabs", nullptr, hidden));
    const QSize size(buttonWidth(), row.height());
    m_button->setGeometry(QRect(QPoint(row.geometry().right() + 1 - size.width(), row.y()), size));
    m_button->raise();
}

void TabOverflow::showList() {
    auto* menu = new QMenu(m_button);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->setToolTipsVisible(true);
    auto views = m_views;
    sortBySection(views);
    for (std::size_t i = 0; i < views.size(); ++i) {
        addSection(*menu, views[i], i > 0 ? &views[i - 1] : nullptr);
        auto* action =
            menu->addAction(views[i].info.title, &m_area, [this, id = views[i].info.id] { m_area.raiseView(id); });
        action->setToolTip(views[i].info.summary);
        action->setCheckable(true);
        action->setChecked(m_area.current() == m_area.dock(views[i].info.id));
    }
    menu->popup(m_button->mapToGlobal(QPoint(0, m_button->height())));
}

bool TabOverflow::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::Resize || event->type() == QEvent::Move)
        QTimer::singleShot(0, this, &TabOverflow::fit);
    return QObject::eventFilter(watched, event);
}

} // namespace qscope
