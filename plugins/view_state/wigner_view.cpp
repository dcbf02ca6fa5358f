// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/readings.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/bloch_sphere.h"
#include "plugins/view_state/mollweide.h"
#include "plugins/view_state/state_canvas.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <QPainterPath>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope {

namespace {

const double kLimit = (1 + std::numbers::sqrt3) / 2; ///< the largest |W| of any state: one scale for all
constexpr double kLeastCell = 220;
constexpr double kMostCell = 560;
constexpr double kCaption = 40;
constexpr double kPad = 12;
constexpr double kScale = 74; ///< room for the colour bar on the right

QRgb colorOf(double value) {
    const auto at = std::clamp((value / kLimit + 1) / 2 * 255, 0.0, 255.0);
    return colorMap(QStringLiteral("diverging"))[static_cast<std::size_t>(std::lround(at))];
}

/// One map of the sphere per qubit; a click selects the qubit.
class WignerGrid : public StateCanvas {
public:
    WignerGrid(ViewContext& viewContext, QWidget* parent)
        : StateCanvas(viewContext, tr("Wigner functions"), parent) {
        connect(&viewContext, &ViewContext::selectionChanged, viewport(), [this] { viewport()->update(); });
    }

    void setVectors(std::vector<engine::BlochVector> vectors) {
        m_vectors = std::move(vectors);
        contentChanged();
    }

    [[nodiscard]] QString csv() const override {
        QString text = QStringLiteral("qubit,theta,phi,wigner\n");
        for (std::size_t qubit = 0; qubit < m_vectors.size(); ++qubit)
            for (int theta = 0; theta <= 180; theta += 15)
                for (int phi = 0; phi < 360; phi += 15)
                    text += QStringLiteral("%1,%2,%3,%4\n")
                                .arg(qubit)
                                .arg(theta * std::numbers::pi / 180, 0, 'g', 17)
                                .arg(phi * std::numbers::pi / 180, 0, 'g', 17)
                                .arg(engine::wignerOf(m_vectors[qubit], theta * std::numbers::pi / 180,
                                                      phi * std::numbers::pi / 180),
                                     0, 'g', 17);
        return text;
    }

    [[nodiscard]] QString itemText(QPointF point) const override {
        const int qubit = qubitAt(point);
        if (qubit < 0) return {};
        const QRectF map = mapOf(cellOf(qubit));
        const auto direction = mollweideDirection((point.x() - map.center().x()) / (map.width() / 2),
                                                  (map.center().y() - point.y()) / (map.height() / 2));
        if (!direction) return {};
        const auto [theta, phi] = *direction;
        return tr("Qubit %1\nθ %2, φ %3\nW = %4")
            .arg(qubit)
            .arg(formatNumber(theta, 3), formatNumber(phi, 3))
            .arg(formatNumber(engine::wignerOf(m_vectors[static_cast<std::size_t>(qubit)], theta, phi), 5));
    }

protected:
    [[nodiscard]] double contentHeight(double width) const override {
        const Grid grid = gridFor(width);
        return grid.rows * grid.height;
    }

    void paint(QPainter& painter, const QSizeF& size, const QRectF& sight) override {
        const Theme& theme = context().theme();
        for (int qubit = 0; qubit < static_cast<int>(m_vectors.size()); ++qubit)
            if (const QRectF cell = cellOf(qubit); cell.intersects(sight)) paintCell(painter, cell, qubit);
        // The one scale of all maps.
        const QRectF bar(size.width() - kScale + 16, sight.top() + 28, 12, std::min(180.0, sight.height() - 56));
        for (int y = 0; y < static_cast<int>(bar.height()); ++y)
            painter.fillRect(QRectF(bar.left(), bar.top() + y, bar.width(), 1.5),
                             QColor::fromRgb(colorOf(kLimit * (1 - 2.0 * y / bar.height()))));
        painter.setFont(Theme::ticks());
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QRectF(bar.left() - 8, bar.top() - 22, 60, 18), Qt::AlignLeft | Qt::AlignVCenter, tr("W"));
        for (const double value : {kLimit, 1.0, 0.5, 0.0, (1 - std::numbers::sqrt3) / 2, -1.0, -kLimit}) {
            const double y = bar.center().y() - value / kLimit * bar.height() / 2;
            painter.drawText(QRectF(bar.right() + 4, y - 9, 40, 18), Qt::AlignLeft | Qt::AlignVCenter,
                             formatNumber(value, 3));
        }
    }

    void click(QPointF point) override {
        const int qubit = qubitAt(point);
        if (qubit < 0) return;
        Selection selection = context().selection();
        selection.qubit = qubit;
        context().select(selection);
    }

private:
    struct Grid {
        int columns = 1, rows = 1;
        double width = kLeastCell, height = kLeastCell / 2 + kCaption;
    };
    [[nodiscard]] Grid gridFor(double full) const {
        const double room = std::max(120.0, full - kScale);
        const int count = std::max(1, static_cast<int>(m_vectors.size()));
        const auto rowsOf = [&](int columns) { return (count + columns - 1) / columns; };
        // As few columns as let everything be seen at once, else as many as fit.
        int columns = std::clamp(static_cast<int>(room / kLeastCell), 1, count);
        for (int fewer = 1; fewer <= columns; ++fewer) {
            const double cell = std::min(room / fewer, kMostCell);
            if (rowsOf(fewer) * (cell / 2 + kCaption) <= viewport()->height()) {
                columns = fewer;
                break;
            }
        }
        const double width = std::min(room / columns, kMostCell);
        return {columns, rowsOf(columns), width, width / 2 + kCaption};
    }
    [[nodiscard]] QRectF cellOf(int qubit) const {
        const double full = contentSize().width();
        const Grid grid = gridFor(full);
        const double left = std::max(0.0, (full - kScale - grid.columns * grid.width) / 2);
        const double top = std::max(0.0, (viewport()->height() - grid.rows * grid.height) / 2);
        return {left + qubit % grid.columns * grid.width, top + qubit / grid.columns * grid.height, grid.width,
                grid.height};
    }
    /// Twice as wide as high.
    [[nodiscard]] static QRectF mapOf(const QRectF& cell) {
        const double width = cell.width() - 2 * kPad;
        return {cell.left() + kPad, cell.top() + 8, width, width / 2};
    }
    [[nodiscard]] int qubitAt(QPointF point) const {
        for (int qubit = 0; qubit < static_cast<int>(m_vectors.size()); ++qubit)
            if (cellOf(qubit).contains(point)) return qubit;
        return -1;
    }

    void paintCell(QPainter& painter, const QRectF& cell, int qubit) const {
        const Theme& theme = context().theme();
        const auto& vector = m_vectors[static_cast<std::size_t>(qubit)];
        if (qubit == context().selection().qubit) {
            painter.setPen(QPen(theme.color(Role::Accent), 1.5));
            painter.setBrush(theme.color(Role::Raised));
            painter.drawRoundedRect(cell.adjusted(3, 3, -3, -3), 4, 4);
        }
        const QRectF map = mapOf(cell);
        const double scale = painter.device()->devicePixelRatioF();
        QImage image((map.size() * scale).toSize(), QImage::Format_ARGB32);
        image.fill(Qt::transparent);
        for (int y = 0; y < image.height(); ++y) {
            auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
            for (int x = 0; x < image.width(); ++x)
                if (const auto direction =
                        mollweideDirection(2 * (x + 0.5) / image.width() - 1, 1 - 2 * (y + 0.5) / image.height()))
                    line[x] = colorOf(engine::wignerOf(vector, direction->theta, direction->phi));
        }
        painter.drawImage(map, image);
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(theme.color(Role::Faint), 1));
        painter.drawEllipse(map);
        painter.setPen(QPen(theme.color(Role::Faint), 0.5, Qt::DotLine));
        painter.drawLine(QPointF(map.left(), map.center().y()), QPointF(map.right(), map.center().y()));
        painter.setFont(Theme::figures());
        painter.setPen(theme.color(Role::Text));
        const double size = length(vector);
        const double least = (1 - std::numbers::sqrt3 * size) / 2, most = (1 + std::numbers::sqrt3 * size) / 2;
        painter.drawText(QRectF(cell.left() + 8, map.bottom() + 2, cell.width() - 16, 20), Qt::AlignCenter,
                         tr("Qubit %1   W %2 to %3").arg(qubit).arg(formatNumber(least, 3), formatNumber(most, 3)));
    }

    std::vector<engine::BlochVector> m_vectors;
};

class WignerView : public StatePage {
public:
    WignerView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Wigner function"), tr("the Wigner function of each qubit"), parent)
        , m_grid(new WignerGrid(viewContext, &body())) {
        addHelp(header(),
                tr("The spherical Wigner function of each qubit's reduced state: W(θ, φ) = tr(ρ Δ) with the "
                   "Stratonovich–Weyl kernel Δ = ½ (1 + √3 n·σ), n the direction (θ, φ). For a Bloch vector r, W = "
                   "½ (1 + √3 r·n): between −0.366 and 1.366, and negative somewhere when |r| > 1/√3. Its integral "
                   "over the sphere is 2π.\n\n"
                   "The map is Mollweide's, which keeps areas: top θ = 0 (|0⟩), bottom θ = π (|1⟩), middle φ = 0 "
                   "(+x), to the right growing φ (+y at half the way).\n\n"
                   "Source: T. Tilma, M. J. Everitt, J. H. Samson, W. J. Munro, K. Nemoto, Phys. Rev. Lett. 117, "
                   "180401 (2016)."));
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
    WignerGrid* m_grid;
};

} // namespace

QWidget* makeWignerView(ViewContext& context, QWidget* parent) { return new WignerView(context, parent); }

} // namespace qscope
