// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/workspace.h"

#include <QTimer>
#include <QWidget>

class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QSpinBox;
class QToolButton;

namespace qscope {

/// The calibration of the plan: its text, how much of it, the run that shows what it covers. Folds into one line. Every
/// edit goes through the document and can be undone.
class CalibrationPanel : public QWidget {
    Q_OBJECT
public:
    explicit CalibrationPanel(Workspace& workspace, QWidget* parent = nullptr);

    /// Runs the plan's calibration; without a text, asks for one first.
    void calibrate();
    /// Asks for a file; `then` once it is chosen.
    void chooseText(std::function<void()> then = {});
    void setText(const QString& path);

signals:
    void coverageRequested();

private:
    QWidget* makeHeader();
    QWidget* makeBody();
    void setOpen(bool open);
    void edit(const QString& what, int mergeKey, const std::function<void(engine::CalibrationSettings&)>& change);
    void refresh();
    void refreshTexts();
    void refreshRun();
    /// Why the last run failed, while the plan still asks for the same.
    [[nodiscard]] QString problem() const;
    [[nodiscard]] QString summary() const;

    Workspace& m_workspace;
    QToolButton* m_fold;
    QLabel* m_brief; ///< while folded
    QWidget* m_body;
    QComboBox* m_text;
    QSpinBox* m_sequences;
    QSpinBox* m_length;
    QPushButton* m_run;
    QPushButton* m_coverage;
    QProgressBar* m_progress;
    QLabel* m_state;
    QTimer m_poll;
    engine::CalibrationSettings m_tried; ///< of the last run
};

} // namespace qscope
