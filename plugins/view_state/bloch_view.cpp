// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/bloch_sphere.h"
#include "plugins/view_state/state_canvas.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <QKeyEvent>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kLeastCell = 168;
constexpr double kMostCell = 300;
constexpr double kCaption = 22;

/// One sphere per qubit; the qubit of the shared selection is framed, a click selects.
class BlochGrid : public StateCanvas {
public:
    BlochGrid(ViewContext& viewContext, QWidget* parent)
        : StateCanvas(viewContext, tr("Bloch spheres"), parent) {
        connect(&viewContext, &ViewContext::selectionChanged, viewport(), [this] { viewport()->update(); });
    }

    void setVectors(std::vector<engine::BlochVector> vectors) {
        m_vectors = std::move(vectors);
        contentChanged();
    }

    [[nodiscard]] QString csv() const override {
        QString text = QStringLiteral("qubit,x,y,z,length\n");
        for (std::size_t qubit = 0; qubit < m_vectors.size(); ++qubit) {
            const auto& v = m_vectors[qubit];
            text += QStringLiteral("%1,%2,%3,%4,%5\n")
                        .arg(qubit)
                        .arg(v[0], 0, 'g', 17)
                        .arg(v[1], 0, 'g', 17)
                        .arg(v[2], 0, 'g', 17)
                        .arg(length(v), 0, 'g', 17);
        }
        return text;
    }

    [[nodiscard]] QString itemText(QPointF point) const override {
        const int qubit = qubitAt(point);
        if (qubit < 0) return {};
        const auto& v = m_vectors[static_cast<std::size_t>(qubit)];
        return tr("Qubit %1\nx %2, y %3, z %4\nlength %5")
            .arg(qubit)
            .arg(formatComponent(v[0], 6), formatComponent(v[1], 6), formatComponent(v[2], 6),
                 formatNumber(length(v), 6));
    }

protected:
    [[nodiscard]] double contentHeight(double width) const override {
        const Grid grid = gridFor(width);
        return grid.rows * (grid.cell + kCaption);
    }

    void paint(QPainter& painter, const QSizeF& size, const QRectF& sight) override {
        const Grid grid = gridFor(size.width());
        for (std::size_t qubit = 0; qubit < m_vectors.size(); ++qubit) {
            const QRectF cell = cellOf(grid, static_cast<int>(qubit));
            if (cell.intersects(sight)) paintCell(painter, cell, static_cast<int>(qubit));
        }
    }

    void click(QPointF point) override { select(qubitAt(point)); }

    void keyPressEvent(QKeyEvent* event) override {
        const int qubit = context().selection().qubit;
        const int columns = gridFor(contentSize().width()).columns;
        switch (event->key()) {
        case Qt::Key_Left: return select(qubit - 1);
        case Qt::Key_Right: return select(qubit + 1);
        case Qt::Key_Up: return select(qubit - columns);
        case Qt::Key_Down: return select(qubit < 0 ? 0 : qubit + columns);
        default: StateCanvas::keyPressEvent(event);
        }
    }

private:
    struct Grid {
        int columns = 1, rows = 0;
        double cell = kLeastCell; ///< side of the square that holds a sphere
        double left = 0;
    };

    [[nodiscard]] Grid gridFor(double width) const {
        // The number of columns with the largest spheres that fit; where none fit, as many columns as the width holds.
        const int count = std::max(1, static_cast<int>(m_vectors.size()));
        const double height = viewport()->height();
        Grid grid;
        grid.columns = std::clamp(static_cast<int>(width / kLeastCell), 1, count);
        grid.cell = std::min(kLeastCell, width);
        for (int columns = 1; columns <= count; ++columns) {
            const int rows = (count + columns - 1) / columns;
            const double cell = std::min({width / columns, height / rows - kCaption, kMostCell});
            if (cell > grid.cell) {
                grid.columns = columns;
                grid.cell = cell;
            }
        }
        grid.rows = (count + grid.columns - 1) / grid.columns;
        grid.left = std::max(0.0, (width - grid.columns * grid.cell) / 2);
        return grid;
    }

    [[nodiscard]] static QRectF cellOf(const Grid& grid, int qubit) {
        return {grid.left + qubit % grid.columns * grid.cell, qubit / grid.columns * (grid.cell + kCaption), grid.cell,
                grid.cell + kCaption};
    }

    [[nodiscard]] int qubitAt(QPointF point) const {
        const Grid grid = gridFor(contentSize().width());
        for (int qubit = 0; qubit < static_cast<int>(m_vectors.size()); ++qubit)
            if (cellOf(grid, qubit).contains(point)) return qubit;
        return -1;
    }

    void select(int qubit) {
        if (qubit < 0 || qubit >= static_cast<int>(m_vectors.size())) return;
        Selection selection = context().selection();
        selection.qubit = qubit;
        context().select(selection);
    }

    void paintCell(QPainter& painter, const QRectF& cell, int qubit) const {
        const Theme& theme = context().theme();
        const auto& vector = m_vectors[static_cast<std::size_t>(qubit)];
        if (qubit == context().selection().qubit) {
            painter.setPen(QPen(theme.color(Role::Accent), 1.5));
            painter.setBrush(theme.color(Role::Raised));
            painter.drawRoundedRect(cell.adjusted(3, 3, -3, -3), 4, 4);
        }
        const QRectF square(cell.left(), cell.top() + 4, cell.width(), cell.width());
        paintBlochSphere(painter, square.adjusted(6, 0, -6, -12), vector, theme.category(qubit), theme);
        painter.setFont(Theme::figures());
        painter.setPen(theme.color(Role::Text));
        const QRectF caption(cell.left() + 8, cell.bottom() - kCaption - 8, cell.width() - 16, kCaption);
        const double size = length(vector);
        painter.drawText(caption, Qt::AlignCenter,
                         tr("Qubit %1   |r| = %2").arg(qubit).arg(size < 5e-5 ? 0.0 : size, 0, 'f', 3));
    }

    std::vector<engine::BlochVector> m_vectors;
};

class BlochView : public StatePage {
public:
    BlochView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Bloch spheres"), tr("the Bloch vector of each qubit"), parent)
        , m_grid(new BlochGrid(viewContext, &body())) {
        addHelp(header(),
                 tr("Each qubit's Bloch vector (⟨X⟩, ⟨Y⟩, ⟨Z⟩), from the reduced state of that qubit alone: ρ "
                    "= (I + xX + yY + zZ) / 2 (Nielsen and Chuang, section 2.4.2). |0⟩ is the north pole. "
                    "Length 1: the qubit is pure; shorter: it is entangled with others or mixed by noise, and "
                    "at 0 nothing is known of it alone.\n\n"
                    "A click selects the qubit in all views."));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_grid);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        compute(
            simulation.state,
            [](const engine::StateSnapshot& state, const RunContext& run) { return engine::blochVectors(state, run); },
            [this](std::vector<engine::BlochVector> vectors) { m_grid->setVectors(std::move(vectors)); });
    }

private:
    BlochGrid* m_grid;
};

} // namespace

QWidget* makeBlochView(ViewContext& context, QWidget* parent) { return new BlochView(context, parent); }

} // namespace qscope
