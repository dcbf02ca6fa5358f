// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "plugins/sdk/view_context.h"

#include <QObject>
#include <QPointF>

#include <optional>

class QMouseEvent;

namespace qscope {

class CircuitCanvas;

/// Edits the circuit by its drawing: takes gates from the palette, moves gates and their controls by dragging, deletes
/// the selected one. Watches the canvas, which needs to know nothing of it but the mark of where something will go.
class CanvasEditing : public QObject {
    Q_OBJECT
public:
    CanvasEditing(ViewContext& context, CircuitCanvas& canvas);

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    struct Place {
        int qubit = 0;
        std::size_t before = 0;
    };
    [[nodiscard]] std::optional<Place> placeAt(QPointF point, std::optional<std::size_t> moved) const;
    void showMark(QPointF point, std::optional<std::size_t> moved);
    bool drag(QEvent* event);
    bool mouse(QMouseEvent* event);
    void endMove();

    ViewContext& m_context;
    CircuitCanvas& m_canvas;
    std::int64_t m_grabbed = -1; ///< operation under the button that went down
    int m_grabbedQubit = -1;
    QPointF m_pressed;
    bool m_moving = false;
};

} // namespace qscope
