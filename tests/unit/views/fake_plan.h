// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/plan_editing.h"
#include "tests/support/fake_context.h"

namespace qscope::test {

/// The window's plan as a test holds it; the names of edits are written down.
class FakePlan : public PlanEditing {
public:
    explicit FakePlan(FakeContext& context)
        : PlanEditing(&context) {}

    engine::Plan held;
    engine::Registries methods;
    std::vector<QString> edits;

    [[nodiscard]] const engine::Plan& plan() const override { return held; }
    void edit(engine::Plan plan, const QString& text) override {
        held = std::move(plan);
        edits.push_back(text);
        emit changed();
    }
    [[nodiscard]] const engine::Registries& registries() const override { return methods; }
};

} // namespace qscope::test
