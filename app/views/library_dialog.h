// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/views/param_form.h"
#include "app/workspace/workspace.h"
#include "engine/quantum/library/library.h"

#include <QDialog>

class QLabel;
class QPushButton;
class QTreeWidget;

namespace qscope {

class CircuitPreview;

/// The library of ready circuits: choose one, set its parameters, see it, open it.
class LibraryDialog : public QDialog {
    Q_OBJECT
public:
    explicit LibraryDialog(Workspace& workspace, QWidget* parent = nullptr);
    void choose(const QString& id);

signals:
    /// The user opens this program.
    void accepted(const QString& program);
    void previewed();

private:
    void fillTree(const QString& filter);
    void show(const engine::LibraryCircuit& circuit);
    void preview();

    Workspace& m_workspace;
    std::unique_ptr<Jobs> m_jobs;
    QTreeWidget* m_tree;
    QLabel* m_name;
    QLabel* m_summary;
    ParamForm* m_form;
    QLabel* m_facts;
    CircuitPreview* m_preview;
    QPushButton* m_open;
    const engine::LibraryCircuit* m_circuit = nullptr;
    QString m_program; ///< of the form as it stands; empty while it is being made or cannot be
};

} // namespace qscope
