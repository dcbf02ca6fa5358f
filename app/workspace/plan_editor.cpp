// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/workspace/plan_editor.h"

namespace qscope {

PlanEditor::PlanEditor(Document& document, const engine::Registries& registries, ViewContext& context)
    : PlanEditing(&context)
    , m_document(document)
    , m_registries(registries) {
    connect(&document, &Document::changed, this, [this](Document::Change change) {
        if (change == Document::Change::Plan) emit changed();
    });
}

} // namespace qscope
