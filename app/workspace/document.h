// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan.h"
#include "plugins/sdk/view_context.h"

#include <QObject>
#include <QUndoStack>

#include <map>
#include <memory>
#include <vector>

namespace qscope {

/// Notes of the user, by tensor name.
using Annotations = std::map<QString, QString>;

/// What is open and what the user decided about it: checkpoint, plan, results, circuit, notes. Undo covers the plan and
/// the notes; results are never undone.
class Document : public QObject {
    Q_OBJECT
public:
    enum class Change { Checkpoint, Plan, Report, Circuit, Notes };

    using QObject::QObject;

    [[nodiscard]] const std::shared_ptr<const engine::Checkpoint>& checkpoint() const { return m_checkpoint; }
    /// Methods and selectors of the plan stay, so that the same plan can run on another model; results go.
    void setCheckpoint(std::shared_ptr<const engine::Checkpoint> checkpoint);

    [[nodiscard]] const engine::Plan& plan() const { return m_plan; }
    /// One undo step called `text`; edits with the same merge key in a row become one step.
    void editPlan(engine::Plan plan, const QString& text, int mergeKey = -1);
    /// Without an undo step: from a session file.
    void restorePlan(engine::Plan plan);

    /// The last few results, oldest first; `report()` is the one shown.
    [[nodiscard]] const std::vector<std::shared_ptr<const engine::CompareReport>>& reports() const { return m_reports; }
    [[nodiscard]] std::shared_ptr<const engine::CompareReport> report() const;
    [[nodiscard]] int currentReport() const { return m_currentReport; }
    void addReport(std::shared_ptr<const engine::CompareReport> report);
    /// In place of the report on show.
    void updateReport(std::shared_ptr<const engine::CompareReport> report);
    void showReport(int index);

    [[nodiscard]] const std::shared_ptr<const OpenCircuit>& circuit() const { return m_circuit; }
    void setCircuit(std::shared_ptr<const OpenCircuit> circuit);

    [[nodiscard]] const Annotations& annotations() const { return m_annotations; }
    /// Empty text removes the note.
    void annotate(const QString& tensor, const QString& text);
    void restoreAnnotations(Annotations annotations);

    [[nodiscard]] QUndoStack& undoStack() { return m_undoStack; }

signals:
    void changed(qscope::Document::Change change);

private:
    std::shared_ptr<const engine::Checkpoint> m_checkpoint;
    engine::Plan m_plan;
    std::vector<std::shared_ptr<const engine::CompareReport>> m_reports;
    int m_currentReport = -1;
    std::shared_ptr<const OpenCircuit> m_circuit;
    Annotations m_annotations;
    QUndoStack m_undoStack;
};

} // namespace qscope
