// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/registry.h"
#include "plugins/sdk/view_context.h"

#include <QObject>
#include <QString>

#include <vector>

namespace qscope {

/// One result that the user keeps: a method with its parameters on one tensor or on the whole model.
struct PinnedColumn {
    engine::MethodSpec spec;
    QString label;  ///< of its result in the report; there may be none yet, after a session was opened
    QString tensor; ///< name; empty: the whole model

    friend bool operator==(const PinnedColumn&, const PinnedColumn&) = default;
};

/// What the user keeps for comparison, and the runs that add to it. Pinned results stay in the report through new runs
/// of the plan and through sweeps; the list belongs to the session. All calls on the window's thread.
class ResultBoard : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    /// The board of the window behind a context; null where there is none.
    [[nodiscard]] static ResultBoard* of(const ViewContext& context) {
        return context.findChild<ResultBoard*>(QString(), Qt::FindDirectChildrenOnly);
    }

    [[nodiscard]] virtual const std::vector<PinnedColumn>& pinned() const = 0;
    /// Pins, unpins and orders; one undo step called `text`.
    virtual void setPinned(std::vector<PinnedColumn> columns, const QString& text) = 0;
    /// Label of the result that others are compared with; empty: none.
    [[nodiscard]] virtual QString baseline() const = 0;
    virtual void setBaseline(const QString& label) = 0;

    /// The methods with their tables of parameters.
    [[nodiscard]] virtual const engine::Registries& registries() const = 0;

    /// Runs the methods of pinned columns that have no result.
    virtual void runMissing() = 0;
    /// The window asks which parameters to sweep, or with which ones to run this result's method again. `tensor` as in
    /// a pinned column.
    virtual void askForSweep() = 0;
    virtual void askForRerun(int method, const QString& tensor) = 0;

    /// The sweep, rerun or making of codes under way.
    [[nodiscard]] virtual const Jobs& jobs() const = 0;
    virtual void cancel() = 0;
    /// Why the last one failed; empty when it did not.
    [[nodiscard]] virtual QString problem() const = 0;

signals:
    /// Pins, their order or the baseline.
    void changed();
    /// A run started or ended.
    void runChanged();
};

} // namespace qscope
