// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/views/view_area.h"

#include <QObject>

#include <vector>

class QDockWidget;
class QTabBar;
class QToolButton;

namespace qscope {

/// Keeps a row of tabs as long as there is room for: the views used least recently give way, and a button at the end of
/// the row lists all by section. Without it tabs beyond the edge could be reached by scrolling alone. For the views of
/// one part of an area; what the user split off or floated is left alone.
class TabOverflow : public QObject {
    Q_OBJECT
public:
    TabOverflow(ViewArea& area, std::vector<OfferedView> views);

    /// Hides and shows tabs as the room allows. While it does, docks come and go that the user did not choose.
    void fit();
    [[nodiscard]] bool fitting() const { return m_fitting; }
    /// The user looks at this view.
    void use(const QString& viewId);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    [[nodiscard]] QTabBar* bar() const;
    [[nodiscard]] QDockWidget* dockOf(const QString& title) const;
    [[nodiscard]] int buttonWidth() const;
    void placeButton(const QTabBar& row, int hidden);
    void showList();

    ViewArea& m_area;
    std::vector<OfferedView> m_views;
    std::vector<QString> m_recent; ///< ids, the latest first
    QToolButton* m_button;
    QTabBar* m_bar = nullptr; ///< whose size is watched
    bool m_fitting = false;
};

} // namespace qscope
