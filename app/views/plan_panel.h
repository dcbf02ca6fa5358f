// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/workspace.h"

#include "engine/plan/method_fit.h"

#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;
class QStackedWidget;
class QToolButton;

namespace qscope {

class CalibrationPanel;
class EmptyState;
class MethodBrowser;
class ParamForm;

/// What to do: the methods of the plan with their parameters, the tensors to treat, and the button that runs it. Every edit
/// goes through the document and can be undone.
class PlanPanel : public QWidget {
    Q_OBJECT
public:
    explicit PlanPanel(Workspace& workspace, QWidget* parent = nullptr);

    void addMethod(const QString& id);
    void removeCurrent();
    void duplicateCurrent();
    /// Opens the method browser.
    void browse();
    [[nodiscard]] int currentStep() const;
    [[nodiscard]] CalibrationPanel& calibration() { return *m_calibration; }

private:
    QWidget* makeEditor();
    QWidget* makeStepButtons();
    QWidget* makeTensorChoice();
    void refresh();
    void refreshSteps();
    void refreshForm();
    void refreshTensors();
    void refreshRunButton();
    void refreshWarnings();
    void editParameters(const QString& key);
    void chooseScope(int scope);
    [[nodiscard]] engine::MethodFit fitOf(const std::string& id) const;

    Workspace& m_workspace;
    QStackedWidget* m_stack;
    EmptyState* m_empty;
    MethodBrowser* m_browser;
    QPushButton* m_add;
    QListWidget* m_steps;
    QLabel* m_stepHint;
    QToolButton* m_duplicate;
    QToolButton* m_remove;
    QLabel* m_summary;
    ParamForm* m_form;
    QComboBox* m_scope;
    QLineEdit* m_pattern;
    QLabel* m_selected;
    CalibrationPanel* m_calibration;
    QLabel* m_warnings;
    QPushButton* m_run;
    std::vector<std::size_t> m_tensors; ///< that the plan treats
    int m_wantedStep = 0;
};

} // namespace qscope
