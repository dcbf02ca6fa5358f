// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/host/plugin_host.h"
#include "plugins/sdk/view_plugin.h"

#include <QMainWindow>

#include <vector>

class QDockWidget;

namespace qscope {

class TabOverflow;

/// A view that an enabled plugin offers.
struct OfferedView {
    ViewInfo info;
    ViewPlugin* plugin = nullptr;
};

/// The views of all view plugins that may be loaded, in the order of the plugins.
[[nodiscard]] std::vector<OfferedView> offeredViews(PluginHost& host);

/// In place of a dock's title where a tab has it: takes no room.
[[nodiscard]] QWidget* makeNoTitle(QWidget* dock);

/// The centre of the window: one dock per view, in tabs and splits. A view is made when it is first seen. Where there is no
/// room for all tabs, some give way (`TabOverflow`).
class ViewArea : public QMainWindow {
    Q_OBJECT
public:
    /// The views of `upper` share one group of tabs, those of `lower` another one below or beside it.
    ViewArea(const QString& name, std::vector<OfferedView> upper, std::vector<OfferedView> lower, ViewContext& context,
             QWidget* parent = nullptr);

    [[nodiscard]] const std::vector<OfferedView>& views() const { return m_views; }
    [[nodiscard]] QDockWidget* dock(const QString& viewId) const;
    /// Shows the view and brings its tab to the front.
    void raiseView(const QString& viewId);
    /// The next (1) or previous (-1) view gets to the front.
    void raiseNeighbour(int step);
    void resetLayout();
    /// Moves the view at the front into a split of its own.
    void splitCurrent(Qt::Orientation orientation);
    [[nodiscard]] QDockWidget* current() const;

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void addView(const OfferedView& view);
    void fill(QDockWidget& dock, const OfferedView& view);
    void refreshGrips();
    [[nodiscard]] std::vector<QDockWidget*> docks() const;

    ViewContext& m_context;
    std::vector<OfferedView> m_views;
    std::size_t m_upper = 0; ///< how many of `m_views` belong to the upper group
    std::vector<TabOverflow*> m_overflows; ///< of the two groups
    QString m_current;
    bool m_laidOut = false;
};

} // namespace qscope
