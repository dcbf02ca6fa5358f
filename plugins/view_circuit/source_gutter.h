// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QWidget>

namespace qscope {

class SourceEditor;

/// Left of the source: line numbers, a dot on lines that the parser remarks on, a triangle that folds.
class SourceGutter : public QWidget {
    Q_OBJECT
public:
    SourceGutter(ViewContext& context, SourceEditor& editor);
    /// As wide as the last line's number asks for.
    void refresh();

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;

private:
    ViewContext& m_context;
    SourceEditor& m_editor;
};

} // namespace qscope
