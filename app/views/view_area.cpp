// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/view_area.h"

#include "app/views/tab_overflow.h"

#include <QDockWidget>
#include <QPainter>
#include <QTabBar>
#include <QTimer>
#include <QVBoxLayout>

#include <algorithm>

namespace qscope {

namespace {

/// What one drags a view by when it has no tab. Its title is in the view's own header, so this is a handle only.
class Grip : public QWidget {
public:
    Grip(ViewContext& context, QWidget* parent) : QWidget(parent), m_context(context) {
        setToolTip(ViewArea::tr("Drag to move the view, double click to float it"));
        setCursor(Qt::SizeAllCursor);
    }
    [[nodiscard]] QSize sizeHint() const override { return {48, 8}; }
    [[nodiscard]] QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent*) override {
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(m_context.theme().color(Role::Faint));
        for (int dot = -2; dot <= 2; ++dot)
            painter.drawEllipse(QPointF(width() / 2.0 + dot * 8, height() / 2.0), 1.2, 1.2);
    }

private:
    ViewContext& m_context;
};

} // namespace

QWidget* makeNoTitle(QWidget* dock) {
    auto* title = new QWidget(dock);
    // Without a layout its hint is (-1, -1), which QDockWidget subtracts from the room of its content.
    auto* layout = new QVBoxLayout(title);
    layout->setContentsMargins(0, 0, 0, 0);
    return title;
}

std::vector<OfferedView> offeredViews(PluginHost& host) {
    std::vector<OfferedView> offered;
    for (const auto& record : host.records()) {
        if (!record.isView || record.state == PluginState::Disabled || record.state == PluginState::Failed) continue;
        auto* plugin = qobject_cast<ViewPlugin*>(host.viewPlugin(record.id));
        if (!plugin) continue; // its record says why
        for (const auto& info : plugin->views()) offered.push_back({info, plugin});
    }
    return offered;
}

ViewArea::ViewArea(const QString& name, std::vector<OfferedView> upper, std::vector<OfferedView> lower,
                   ViewContext& context, QWidget* parent)
    : QMainWindow(parent), m_context(context), m_views(std::move(upper)), m_upper(m_views.size()) {
    setObjectName(name);
    setWindowFlags(Qt::Widget);
    setDockOptions(AllowNestedDocks | AllowTabbedDocks | GroupedDragging);
    setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
    setDocumentMode(true);
    m_overflows = {new TabOverflow(*this, m_views), new TabOverflow(*this, lower)};
    m_views.insert(m_views.end(), lower.begin(), lower.end());
    for (const auto& view : m_views) addView(view);
    resetLayout();
}

void ViewArea::addView(const OfferedView& view) {
    auto* dock = new QDockWidget(view.info.title, this);
    dock->setObjectName(view.info.id);
    dock->setToolTip(view.info.summary);
    connect(dock, &QDockWidget::visibilityChanged, this, [this, dock, view](bool visible) {
        if (!visible || std::ranges::any_of(m_overflows, &TabOverflow::fitting)) return;
        for (auto* tabs : m_overflows) tabs->use(view.info.id);
        m_current = view.info.id;
        fill(*dock, view);
    });
    const auto later = [this] { QTimer::singleShot(0, this, &ViewArea::refreshGrips); };
    connect(dock, &QDockWidget::dockLocationChanged, this, later);
    connect(dock, &QDockWidget::topLevelChanged, this, later);
    connect(dock, &QDockWidget::visibilityChanged, this, later);
    addDockWidget(Qt::TopDockWidgetArea, dock);
}

void ViewArea::fill(QDockWidget& dock, const OfferedView& view) {
    if (dock.widget()) return;
    auto* content = view.plugin->create(view.info.id, m_context, &dock);
    if (!content) {
        m_context.showMessage(tr("The plugin made no view '%1'").arg(view.info.id), Severity::Error);
        content = new QWidget(&dock);
    }
    content->setAccessibleName(view.info.title);
    content->setAutoFillBackground(true);
    content->setBackgroundRole(QPalette::Base);
    dock.setWidget(content);
}

std::vector<QDockWidget*> ViewArea::docks() const {
    std::vector<QDockWidget*> docks;
    for (const auto& view : m_views) docks.push_back(dock(view.info.id));
    return docks;
}

QDockWidget* ViewArea::dock(const QString& viewId) const {
    return findChild<QDockWidget*>(viewId, Qt::FindDirectChildrenOnly);
}

QDockWidget* ViewArea::current() const { return dock(m_current); }

void ViewArea::raiseView(const QString& viewId) {
    if (auto* found = dock(viewId)) {
        found->show();
        found->raise();
    }
}

void ViewArea::raiseNeighbour(int step) {
    const auto all = docks();
    if (all.empty()) return;
    const auto at = std::find(all.begin(), all.end(), current());
    const auto count = static_cast<std::ptrdiff_t>(all.size());
    const auto from = at == all.end() ? 0 : at - all.begin();
    raiseView(all[static_cast<std::size_t>((from + step + count) % count)]->objectName());
}

void ViewArea::splitCurrent(Qt::Orientation orientation) {
    auto* moved = current();
    if (!moved) return;
    for (auto* other : docks())
        if (other != moved && other->isVisible() && !other->isFloating()) return splitDockWidget(other, moved, orientation);
    const auto tabs = tabifiedDockWidgets(moved);
    if (!tabs.isEmpty()) splitDockWidget(tabs.front(), moved, orientation);
}

void ViewArea::resetLayout() {
    const auto all = docks();
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i]->setFloating(false);
        addDockWidget(i < m_upper ? Qt::TopDockWidgetArea : Qt::BottomDockWidgetArea, all[i]);
        if (i > 0 && i != m_upper) tabifyDockWidget(all[i < m_upper ? 0 : m_upper], all[i]);
        all[i]->show();
    }
    if (m_upper < all.size()) all[m_upper]->raise();
    if (!all.empty()) all.front()->raise();
    m_laidOut = false;
}

void ViewArea::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    // Sizes of docks can be set only once the area has its own.
    if (m_laidOut || !isVisible() || m_upper == 0 || m_upper >= m_views.size()) return;
    m_laidOut = true;
    resizeDocks({docks()[0], docks()[m_upper]}, {height() * 11 / 20, height() * 9 / 20}, Qt::Vertical);
}

void ViewArea::refreshGrips() {
    for (auto* dock : docks()) {
        const bool hasTab = !tabifiedDockWidgets(dock).isEmpty();
        auto* bar = dock->titleBarWidget();
        const bool isGrip = dynamic_cast<Grip*>(bar);
        if (dock->isFloating()) {
            if (bar) dock->setTitleBarWidget(nullptr);
        } else if (hasTab ? (!bar || isGrip) : !isGrip) {
            dock->setTitleBarWidget(hasTab ? makeNoTitle(dock) : new Grip(m_context, dock));
        } else {
            continue;
        }
        delete bar;
    }
    for (auto* tabs : findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly)) {
        tabs->setAccessibleName(tr("Views"));
        tabs->setExpanding(false);
        tabs->setUsesScrollButtons(true);
        tabs->setElideMode(Qt::ElideNone);
    }
    for (auto* tabs : m_overflows) tabs->fit();
}

} // namespace qscope
