// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/workspace/document.h"
#include "plugins/sdk/plan_editing.h"

namespace qscope {

/// The document's plan as views see it.
class PlanEditor final : public PlanEditing {
    Q_OBJECT
public:
    /// All outlive it; `context` becomes its parent, where views find it.
    PlanEditor(Document& document, const engine::Registries& registries, ViewContext& context);

    [[nodiscard]] const engine::Plan& plan() const override { return m_document.plan(); }
    void edit(engine::Plan plan, const QString& text) override { m_document.editPlan(std::move(plan), text); }
    [[nodiscard]] const engine::Registries& registries() const override { return m_registries; }

private:
    Document& m_document;
    const engine::Registries& m_registries;
};

} // namespace qscope
