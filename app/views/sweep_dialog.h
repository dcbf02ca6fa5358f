// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/workspace.h"

#include <QDialog>

class QComboBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;

namespace qscope {

class SweepRows;

/// Which methods with which values of their parameters are run as one sweep. The rows come from the methods' own
/// tables; what is chosen becomes the plan's sweep, so that it is saved with the session and runs on the command line
/// too.
class SweepDialog : public QDialog {
    Q_OBJECT
public:
    explicit SweepDialog(Workspace& workspace, QWidget* parent = nullptr);

    /// The sweep as it stands; an error says which value is wrong.
    [[nodiscard]] Result<engine::Sweep> sweep() const;
    void setMethodChosen(const QString& id, bool on);
    void start();

private:
    QWidget* makeMethods();
    QWidget* makeParameters();
    QWidget* makeFooter();
    void fillMethods();
    void addMethod(const engine::MethodSpec& base, const QString& name, const QString& tooltip);
    [[nodiscard]] std::vector<engine::MethodSpec> chosen() const;
    void refreshCount();

    Workspace& m_workspace;
    QLineEdit* m_filter = nullptr;
    QListWidget* m_methods = nullptr;
    SweepRows* m_rows = nullptr;
    QComboBox* m_scope = nullptr;
    QLabel* m_count = nullptr;
    QPushButton* m_run = nullptr;
    std::vector<engine::MethodSpec> m_bases; ///< one per item of the list
};

} // namespace qscope
