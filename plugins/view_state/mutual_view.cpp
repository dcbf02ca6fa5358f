// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/entanglement.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/state_canvas.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <QPainter>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace qscope {

namespace {

constexpr double kLeast = 0.005; ///< bits: weaker ties would only blur the picture; the note counts them
constexpr double kScale = 84;    ///< room for the colour bar on the right

/// Qubits around a circle, tied by what they know of each other; a click selects a qubit, whose ties then stand out.
class MutualGraph : public StateCanvas {
public:
    MutualGraph(ViewContext& viewContext, QWidget* parent)
        : StateCanvas(viewContext, tr("Mutual information"), parent) {
        connect(&viewContext, &ViewContext::selectionChanged, viewport(), [this] { viewport()->update(); });
    }

    void setInformation(std::vector<double> information, int qubits) {
        m_information = std::move(information);
        m_qubits = qubits;
        contentChanged();
    }

    [[nodiscard]] QString csv() const override {
        QString text = QStringLiteral("qubit a,qubit b,mutual information in bits\n");
        for (int a = 0; a < m_qubits; ++a)
            for (int b = a + 1; b < m_qubits; ++b)
                text += QStringLiteral("%1,%2,%3\n").arg(a).arg(b).arg(at(a, b), 0, 'g', 17);
        return text;
    }

    [[nodiscard]] QString itemText(QPointF point) const override {
        if (const int qubit = qubitAt(point); qubit >= 0) {
            std::vector<int> others;
            for (int other = 0; other < m_qubits; ++other)
                if (other != qubit) others.push_back(other);
            std::ranges::sort(others, [&](int a, int b) { return at(qubit, a) > at(qubit, b); });
            QString text = tr("Qubit %1\nentropy %2 bits").arg(qubit).arg(formatNumber(at(qubit, qubit) / 2, 5));
            for (std::size_t i = 0; i < std::min<std::size_t>(4, others.size()); ++i)
                if (at(qubit, others[i]) >= kLeast)
                    text += QStringLiteral("\n") +
                            tr("with qubit %1: %2 bits").arg(others[i]).arg(formatNumber(at(qubit, others[i]), 5));
            return text;
        }
        const auto tie = tieAt(point);
        if (!tie) return {};
        return tr("Qubits %1 and %2\n%3 of at most 2 bits")
            .arg(tie->first)
            .arg(tie->second)
            .arg(formatNumber(at(tie->first, tie->second), 6));
    }

protected:
    [[nodiscard]] double contentHeight(double) const override { return 0; }

    void paint(QPainter& painter, const QSizeF& size, const QRectF&) override {
        if (m_qubits < 2) return;
        const Theme& theme = context().theme();
        const int selected = context().selection().qubit;
        std::vector<std::pair<int, int>> ties;
        int weak = 0;
        for (int a = 0; a < m_qubits; ++a)
            for (int b = a + 1; b < m_qubits; ++b) {
                if (at(a, b) >= kLeast)
                    ties.emplace_back(a, b);
                else
                    weak += at(a, b) > 1e-6;
            }
        // The strongest on top, those of the selected qubit above all others.
        std::ranges::sort(ties, [&](const auto& x, const auto& y) {
            const auto key = [&](const auto& tie) {
                return std::pair(tie.first == selected || tie.second == selected, at(tie.first, tie.second));
            };
            return key(x) < key(y);
        });
        const auto hovered = hover() && qubitAt(*hover()) < 0 ? tieAt(*hover()) : std::nullopt;
        const bool chosen = selected >= 0 && selected < m_qubits;
        for (const auto& tie : ties) {
            const double bits = at(tie.first, tie.second);
            QColor color = colorOf(bits);
            if (chosen && tie.first != selected && tie.second != selected) color.setAlphaF(0.4F);
            painter.setPen(QPen(hovered == tie ? theme.color(Role::Text) : color, 1 + 5 * std::min(1.0, bits / 2),
                                Qt::SolidLine, Qt::RoundCap));
            painter.drawLine(placeOf(tie.first), placeOf(tie.second));
        }
        const double radius = nodeRadius();
        painter.setFont(radius < 10 ? Theme::ticks() : Theme::figures());
        for (int qubit = 0; qubit < m_qubits; ++qubit) {
            const QPointF place = placeOf(qubit);
            painter.setBrush(theme.color(Role::Raised));
            painter.setPen(qubit == selected ? QPen(theme.color(Role::Accent), 2.5)
                                             : QPen(theme.color(Role::Muted), 1));
            painter.drawEllipse(place, radius, radius);
            // How mixed the qubit is, as an arc from the top: a full turn is one bit.
            painter.setPen(QPen(theme.color(Role::Text), 2, Qt::SolidLine, Qt::FlatCap));
            painter.setBrush(Qt::NoBrush);
            painter.drawArc(QRectF(place.x() - radius - 3, place.y() - radius - 3, 2 * radius + 6, 2 * radius + 6),
                            90 * 16, -static_cast<int>(std::lround(std::min(1.0, at(qubit, qubit) / 2) * 360 * 16)));
            painter.setPen(theme.color(Role::Text));
            painter.drawText(QRectF(place.x() - 20, place.y() - 10, 40, 20), Qt::AlignCenter, QString::number(qubit));
        }
        paintScale(painter, size);
        painter.setFont(Theme::caption());
        painter.setPen(theme.color(Role::Muted));
        QString note = ties.empty() ? tr("No two qubits share information: every pair is independent.")
                                    : tr("Arc around a qubit: its entropy, a full turn is 1 bit.");
        if (weak > 0)
            note += QLatin1Char(' ') +
                    tr("%n tie(s) below %1 bits are not drawn.", nullptr, weak).arg(formatNumber(kLeast, 1));
        painter.drawText(QRectF(8, size.height() - 22, size.width() - 16, 20), Qt::AlignLeft | Qt::AlignVCenter,
                         QFontMetricsF(Theme::caption()).elidedText(note, Qt::ElideRight, size.width() - 16));
    }

    void click(QPointF point) override {
        Selection selection = context().selection();
        const int qubit = qubitAt(point);
        if (qubit < 0) return;
        selection.qubit = qubit;
        context().select(selection);
    }

private:
    [[nodiscard]] double at(int a, int b) const { return m_information[static_cast<std::size_t>(a * m_qubits + b)]; }
    [[nodiscard]] QColor colorOf(double bits) const {
        // Dark ends of the map vanish on dark surfaces, light ones on light: the middle four fifths.
        const double share = std::clamp(bits / 2, 0.0, 1.0);
        const bool dark = context().theme().isDark();
        const double row = dark ? 70 + share * 185 : 170 - share * 160;
        return QColor::fromRgb(colorMap(QStringLiteral("viridis"))[static_cast<std::size_t>(std::lround(row))]);
    }
    [[nodiscard]] double nodeRadius() const { return m_qubits > 20 ? 9 : 13; }
    [[nodiscard]] QPointF placeOf(int qubit) const {
        const QSizeF size = contentSize();
        const double radius =
            std::max(30.0, std::min(size.width() - kScale, size.height() - 24) / 2 - nodeRadius() - 10);
        const double angle =
            2 * std::numbers::pi * qubit / m_qubits - std::numbers::pi / 2; // qubit 0 at the top, clockwise
        return QPointF((size.width() - kScale) / 2, (size.height() - 24) / 2) +
               QPointF(std::cos(angle), std::sin(angle)) * radius;
    }
    [[nodiscard]] int qubitAt(QPointF point) const {
        for (int qubit = 0; qubit < m_qubits; ++qubit) {
            const QPointF away = point - placeOf(qubit);
            if (std::hypot(away.x(), away.y()) <= nodeRadius() + 4) return qubit;
        }
        return -1;
    }
    /// The strongest tie within a few pixels.
    [[nodiscard]] std::optional<std::pair<int, int>> tieAt(QPointF point) const {
        std::optional<std::pair<int, int>> found;
        for (int a = 0; a < m_qubits; ++a)
            for (int b = a + 1; b < m_qubits; ++b) {
                if (at(a, b) < kLeast) continue;
                const QPointF from = placeOf(a), along = placeOf(b) - from, to = point - from;
                const double length = QPointF::dotProduct(along, along);
                const double share = std::clamp(QPointF::dotProduct(to, along) / length, 0.0, 1.0);
                const QPointF away = to - along * share;
                if (std::hypot(away.x(), away.y()) <= 5 && (!found || at(a, b) > at(found->first, found->second)))
                    found = std::pair(a, b);
            }
        return found;
    }

    void paintScale(QPainter& painter, const QSizeF& size) const {
        const Theme& theme = context().theme();
        const QRectF bar(size.width() - kScale + 16, 32, 12, std::min(180.0, size.height() - 80));
        for (int y = 0; y < static_cast<int>(bar.height()); ++y)
            painter.fillRect(QRectF(bar.left(), bar.top() + y, bar.width(), 1.5), colorOf(2 * (1 - y / bar.height())));
        painter.setFont(Theme::ticks());
        painter.setPen(theme.color(Role::Muted));
        painter.drawText(QRectF(bar.left() - 8, bar.top() - 24, 76, 18), Qt::AlignLeft | Qt::AlignVCenter,
                         tr("I in bits"));
        for (const double value : {0.0, 0.5, 1.0, 1.5, 2.0})
            painter.drawText(QRectF(bar.right() + 4, bar.bottom() - value / 2 * bar.height() - 9, 40, 18),
                             Qt::AlignLeft | Qt::AlignVCenter, formatNumber(value, 2));
    }

    std::vector<double> m_information; ///< row-major
    int m_qubits = 0;
};

class MutualView : public StatePage {
public:
    MutualView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Mutual information"), tr("what its qubits know of each other"), parent)
        , m_graph(new MutualGraph(viewContext, &body())) {
        addHelp(header(),
                tr("The quantum mutual information of two qubits, I(a:b) = S(a) + S(b) − S(ab) in bits, with the von "
                   "Neumann entropies S(ρ) = −tr ρ log₂ ρ of the reduced states. 0: independent; 1: as much as a "
                   "coin toss that both have seen; 2: a Bell pair.\n\n"
                   "It counts classical and quantum correlations alike. Qubits that are entangled only as a whole, "
                   "such as the ends of a cluster state, may share nothing in pairs.\n\n"
                   "Source: Nielsen and Chuang, section 11.3.4."));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_graph);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        if (simulation.qubits < 2) return showEmpty(tr("One qubit alone shares information with nobody."));
        compute(
            simulation.state,
            [](const engine::StateSnapshot& state, const RunContext& run) {
                return engine::mutualInformation(state, run);
            },
            [this, qubits = simulation.qubits](std::vector<double> information) {
                m_graph->setInformation(std::move(information), qubits);
            });
    }

private:
    MutualGraph* m_graph;
};

} // namespace

QWidget* makeMutualView(ViewContext& context, QWidget* parent) { return new MutualView(context, parent); }

} // namespace qscope
