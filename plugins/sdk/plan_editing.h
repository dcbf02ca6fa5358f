// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/plan/plan.h"
#include "plugins/sdk/view_context.h"

#include <QObject>

namespace qscope {

/// The plan of the window behind a context, for views that edit it. Edits are steps of the window's undo, and a run or
/// a saved plan holds them. All calls on the window's thread.
class PlanEditing : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    /// Null where there is no plan.
    [[nodiscard]] static PlanEditing* of(const ViewContext& context) {
        return context.findChild<PlanEditing*>(QString(), Qt::FindDirectChildrenOnly);
    }

    [[nodiscard]] virtual const engine::Plan& plan() const = 0;
    /// One undo step called `text`.
    virtual void edit(engine::Plan plan, const QString& text) = 0;
    /// The methods with their tables of parameters.
    [[nodiscard]] virtual const engine::Registries& registries() const = 0;

signals:
    /// Also by undo, redo and other editors.
    void changed();
};

} // namespace qscope
