// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/views/tour.h"
#include "app/workspace/workspace.h"

#include <QWidget>

class QVBoxLayout;

namespace qscope {

/// Where a new user starts: the samples, files opened before, three short tours.
class WelcomePage : public QWidget {
    Q_OBJECT
public:
    WelcomePage(Workspace& workspace, const std::vector<Tour>& tours, QWidget* parent = nullptr);

    /// Path of the session of the last run, or empty.
    void setLastSession(const QString& path);

signals:
    void openRequested(const QString& path);
    void tourRequested(int index);

private:
    QWidget* makeStart();
    QWidget* makeTours(const std::vector<Tour>& tours);
    void refreshRecent();
    void recolor();

    Workspace& m_workspace;
    QWidget* m_recentCard = nullptr;
    QVBoxLayout* m_recent = nullptr;
    QString m_lastSession;
};

} // namespace qscope
