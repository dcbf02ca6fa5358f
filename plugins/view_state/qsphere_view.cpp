// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/bloch_sphere.h"
#include "plugins/view_state/phase_mark.h"
#include "plugins/view_state/qsphere.h"
#include "plugins/view_state/state_canvas.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <QPainterPath>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope {

namespace {

constexpr int kMostPoints = 128;
constexpr double kLegend = 104;     ///< side of the phase wheel's square
constexpr double kLargestDisc = 14; ///< radius of the most probable state
constexpr double kNothing = 1e-9;   ///< probabilities below are not drawn
constexpr std::size_t kMostLabels = 32;

class QSphereCanvas : public StateCanvas {
public:
    QSphereCanvas(ViewContext& viewContext, QWidget* parent)
        : StateCanvas(viewContext, tr("Q-sphere"), parent) {}

    void setStates(std::vector<engine::Amplitude> states, int qubits) {
        std::erase_if(states, [](const auto& state) { return std::norm(state.value) < kNothing; });
        m_shown = 0;
        m_largest = 1e-9;
        for (const auto& state : states) {
            m_shown += std::norm(state.value);
            m_largest = std::max(m_largest, std::abs(state.value));
        }
        m_states = std::move(states);
        m_qubits = qubits;
        m_places.clear();
        for (const auto& state : m_states) m_places.push_back(qspherePlace(state.index, qubits));
        contentChanged();
    }

    [[nodiscard]] QString csv() const override {
        QString text = QStringLiteral("state,real,imaginary,probability,phase,x,y,z\n");
        for (std::size_t i = 0; i < m_states.size(); ++i) {
            const auto& [index, value] = m_states[i];
            text += ket(index, m_qubits);
            for (const double number : {value.real(), value.imag(), std::norm(value), std::arg(value), m_places[i][0],
                                        m_places[i][1], m_places[i][2]})
                text += QLatin1Char(',') + QString::number(number, 'g', 17);
            text += QLatin1Char('\n');
        }
        return text;
    }

    [[nodiscard]] QString itemText(QPointF point) const override {
        const Sphere sphere = sphereOf(contentSize());
        int found = -1;
        double nearest = 0;
        for (std::size_t i = 0; i < m_places.size(); ++i) {
            const auto [position, depth] = projectBloch(m_places[i]);
            const QPointF away = point - sphere.center - position * sphere.radius;
            const double distance = std::hypot(away.x(), away.y());
            if (distance > discOf(m_states[i]) + 3) continue;
            if (found >= 0 && distance >= nearest) continue;
            found = static_cast<int>(i);
            nearest = distance;
        }
        if (found < 0) return {};
        const auto& [index, value] = m_states[static_cast<std::size_t>(found)];
        return tr("%1\nprobability %2\nphase %3\n%4 of %5 bits are 1")
            .arg(ket(index, m_qubits), formatNumber(std::norm(value), 8), formatAngle(std::arg(value)))
            .arg(std::popcount(index))
            .arg(m_qubits);
    }

protected:
    [[nodiscard]] double contentHeight(double) const override { return 0; }

    void paint(QPainter& painter, const QSizeF& size, const QRectF&) override {
        const Theme& theme = context().theme();
        const Sphere sphere = sphereOf(size);
        paintGlobe(painter, sphere);
        std::vector<std::size_t> order(m_states.size());
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
        std::ranges::sort(order, {}, [this](std::size_t i) { return projectBloch(m_places[i]).depth; });
        const std::vector<bool> labelled = placeLabels(sphere);
        for (const std::size_t i : order) {
            const auto [position, depth] = projectBloch(m_places[i]);
            const QPointF at = sphere.center + position * sphere.radius;
            const double radius = discOf(m_states[i]);
            painter.setPen(QPen(phaseColor(std::arg(m_states[i].value)), std::clamp(radius / 5, 0.75, 3.0),
                                depth < 0 ? Qt::DashLine : Qt::SolidLine, Qt::FlatCap));
            painter.drawLine(sphere.center, at);
            painter.setBrush(phaseColor(std::arg(m_states[i].value)));
            painter.setPen(QPen(theme.color(Role::Surface), 1));
            painter.drawEllipse(at, radius, radius);
            if (radius >= 6) { // the hand of the phase, where it can be seen
                const double angle = std::arg(m_states[i].value);
                painter.setPen(QPen(theme.color(Role::Surface), 1.5, Qt::SolidLine, Qt::RoundCap));
                painter.drawLine(at, at + QPointF(std::cos(angle), -std::sin(angle)) * radius);
            }
            if (!labelled[i]) continue;
            painter.setFont(Theme::ticks());
            painter.setPen(theme.color(depth < 0 ? Role::Muted : Role::Text));
            painter.drawText(labelBox(i, sphere), Qt::AlignCenter, ket(m_states[i].index, m_qubits));
        }
        paintPhaseWheel(painter, QRectF(size.width() - kLegend, 0, kLegend, kLegend), theme);
        painter.setFont(Theme::caption());
        painter.setPen(theme.color(Role::Muted));
        QString note = tr("North: all bits 0. South: all bits 1. Area of a disc: probability, the largest %1.")
                           .arg(formatNumber(m_largest * m_largest));
        if (m_shown < 1 - 1e-6)
            note += tr(" Shown: %1 states with %2 of the probability.")
                        .arg(formatInteger(static_cast<std::int64_t>(m_states.size())), formatNumber(m_shown));
        painter.drawText(QRectF(8, size.height() - 22, size.width() - 16, 20), Qt::AlignLeft | Qt::AlignVCenter,
                         QFontMetricsF(Theme::caption()).elidedText(note, Qt::ElideRight, size.width() - 16));
    }

private:
    struct Sphere {
        QPointF center;
        double radius = 1;
    };
    [[nodiscard]] Sphere sphereOf(const QSizeF& size) const {
        const double label = QFontMetricsF(Theme::ticks()).horizontalAdvance(ket(0, m_qubits)) + kLargestDisc + 10;
        const double room =
            std::min(size.width() / 2 - std::min(label, size.width() / 4), (size.height() - 24) / 2 - 20);
        return {QPointF(size.width() / 2, (size.height() - 24) / 2), std::max(20.0, room)};
    }
    [[nodiscard]] double discOf(const engine::Amplitude& state) const {
        return std::max(2.0, kLargestDisc * std::abs(state.value) / m_largest);
    }

    [[nodiscard]] QRectF labelBox(std::size_t i, const Sphere& sphere) const {
        const QPointF position = projectBloch(m_places[i]).position;
        const double width = QFontMetricsF(Theme::ticks()).horizontalAdvance(ket(m_states[i].index, m_qubits)) + 2;
        const double away = discOf(m_states[i]) + 4;
        const QPointF at = sphere.center + position * sphere.radius;
        return {position.x() < -0.05 ? at.x() - away - width : at.x() + away, at.y() - 9, width, 18};
    }
    /// Which states are named: the most probable ones whose names do not run into one another.
    [[nodiscard]] std::vector<bool> placeLabels(const Sphere& sphere) const {
        std::vector<bool> placed(m_states.size());
        std::vector<QRectF> taken;
        for (std::size_t i = 0; i < m_states.size() && taken.size() < kMostLabels; ++i) {
            const QRectF box = labelBox(i, sphere);
            placed[i] = std::ranges::none_of(taken, [&](const QRectF& other) { return other.intersects(box); });
            if (placed[i]) taken.push_back(box);
        }
        return placed;
    }

    void paintGlobe(QPainter& painter, const Sphere& sphere) const {
        const Theme& theme = context().theme();
        painter.setPen(QPen(theme.color(Role::Faint), 1));
        painter.setBrush(theme.color(Role::Raised));
        painter.drawEllipse(sphere.center, sphere.radius, sphere.radius);
        painter.setBrush(Qt::NoBrush);
        // Circles of equal weight: all of them while they can be told apart, else the equator.
        const bool all = m_qubits <= 12;
        for (int weight = 1; weight < std::max(2, m_qubits); ++weight) {
            if (!all && 2 * weight != m_qubits) continue;
            const double z = 1 - 2.0 * weight / std::max(2, m_qubits), across = std::sqrt(1 - z * z);
            for (const bool front : {false, true}) {
                QPainterPath path;
                bool drawing = false;
                for (int step = 0; step <= 96; ++step) {
                    const double t = 2 * std::numbers::pi * step / 96;
                    const auto [position, depth] = projectBloch({across * std::cos(t), across * std::sin(t), z});
                    const QPointF at = sphere.center + position * sphere.radius;
                    const bool mine = (depth >= 0) == front;
                    if (mine && drawing) path.lineTo(at);
                    if (mine && !drawing) path.moveTo(at);
                    drawing = mine;
                }
                painter.setPen(QPen(theme.color(Role::Faint), front ? 0.75 : 0.5, front ? Qt::SolidLine : Qt::DotLine));
                painter.drawPath(path);
            }
        }
    }

    std::vector<engine::Amplitude> m_states;
    std::vector<engine::BlochVector> m_places; ///< on the unit sphere, one per state
    int m_qubits = 1;
    double m_shown = 0;
    double m_largest = 1; ///< magnitude of the largest disc
};

class QSphereView : public StatePage {
public:
    QSphereView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Q-sphere"), tr("all amplitudes on one sphere"), parent)
        , m_canvas(new QSphereCanvas(viewContext, &body())) {
        addHelp(header(),
                tr("Each basis state is a point of one sphere: its latitude is its Hamming weight w (the number of "
                   "1s), z = 1 − 2w/n, and the C(n, w) states of equal weight stand evenly around, in the order "
                   "of their indices. The disc's area is the probability |a|², its hue and hand the phase arg a.\n\n"
                   "Not a Bloch sphere: for more than one qubit its points are no directions in space. At most %1 "
                   "states are drawn, the most probable.\n\n"
                   "The picture goes back to IBM's Q Experience; Qiskit calls it plot_state_qsphere.")
                    .arg(kMostPoints));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_canvas);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        compute(
            simulation.state,
            [](const engine::StateSnapshot& state, const RunContext& run) {
                return engine::largestAmplitudes(state, kMostPoints, run);
            },
            [this, qubits = simulation.qubits](std::vector<engine::Amplitude> states) {
                m_canvas->setStates(std::move(states), qubits);
            });
    }

private:
    QSphereCanvas* m_canvas;
};

} // namespace

QWidget* makeQSphereView(ViewContext& context, QWidget* parent) { return new QSphereView(context, parent); }

} // namespace qscope
