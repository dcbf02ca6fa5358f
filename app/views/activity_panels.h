// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/models/list_models.h"
#include "app/models/report_models.h"
#include "app/workspace/workspace.h"

#include <QWidget>

class QLabel;
class QProgressBar;
class QSortFilterProxyModel;
class QStackedWidget;
class QTableView;
class QToolButton;

namespace qscope {

class EmptyState;

/// The running jobs with progress, time left and a button that cancels.
class JobsPanel : public QWidget {
    Q_OBJECT
public:
    JobsPanel(Workspace& workspace, JobsModel& model, QWidget* parent = nullptr);

private:
    void refreshEmpty();

    JobsModel& m_model;
    QStackedWidget* m_stack;
    QTableView* m_table;
};

/// What the program had to say, newest in sight; copies as text.
class MessagesPanel : public QWidget {
    Q_OBJECT
public:
    explicit MessagesPanel(Workspace& workspace, QWidget* parent = nullptr);

private:
    void copySelected();

    MessagesModel m_model;
    QStackedWidget* m_stack;
    QTableView* m_table;
};

/// The tensors of the selected result; a click selects the tensor everywhere.
class ResultsPanel : public QWidget {
    Q_OBJECT
public:
    explicit ResultsPanel(Workspace& workspace, QWidget* parent = nullptr);

private:
    void refresh();

    Workspace& m_workspace;
    TensorResultsModel m_model;
    QSortFilterProxyModel* m_sorted;
    QStackedWidget* m_stack;
    QLabel* m_title;
    QTableView* m_table;
    bool m_updating = false;
};

/// The first running job in the status bar, so that it can be seen and cancelled while the job list is hidden.
class JobStrip : public QWidget {
    Q_OBJECT
public:
    JobStrip(JobsModel& model, QWidget* parent = nullptr);
    [[nodiscard]] QToolButton* cancelButton() const { return m_cancel; }

private:
    void refresh();

    JobsModel& m_model;
    QLabel* m_title;
    QProgressBar* m_progress;
    QLabel* m_left;
    QToolButton* m_cancel;
};

} // namespace qscope
