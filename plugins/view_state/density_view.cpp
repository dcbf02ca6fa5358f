// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/conventions.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/city_plot.h"
#include "plugins/view_state/hinton_plot.h"
#include "plugins/view_state/phase_mark.h"
#include "plugins/view_state/qubit_list.h"
#include "plugins/view_state/state_canvas.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <QLineEdit>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

using Matrix = std::vector<std::complex<double>>;

constexpr int kShown = 4; ///< qubits shown unless asked otherwise: 256 bars can still be told apart
constexpr int kMost = 5;

enum class Part { Magnitude, Real, Imaginary };
enum class Look { City, Hinton };

class DensityCity : public StateCanvas {
public:
    DensityCity(ViewContext& viewContext, QWidget* parent)
        : StateCanvas(viewContext, tr("Density matrix"), parent) {}

    void setMatrix(Matrix matrix, std::vector<int> qubits) {
        m_matrix = std::move(matrix);
        m_qubits = std::move(qubits);
        build();
    }
    void setLook(Look look) {
        m_look = look;
        contentChanged();
    }
    void setPart(Part part) {
        m_part = part;
        build();
    }

    [[nodiscard]] QString csv() const override {
        QString text = QStringLiteral("row,column,real,imaginary\n");
        for (std::size_t i = 0; i < m_matrix.size(); ++i)
            text += QStringLiteral("%1,%2,%3,%4\n")
                        .arg(m_plot.labels[static_cast<qsizetype>(i) / m_plot.size])
                        .arg(m_plot.labels[static_cast<qsizetype>(i) % m_plot.size])
                        .arg(m_matrix[i].real(), 0, 'g', 17)
                        .arg(m_matrix[i].imag(), 0, 'g', 17);
        return text;
    }

    [[nodiscard]] QString itemText(QPointF point) const override {
        const int bar = m_matrix.empty() ? -1 : entryAt(point, contentSize());
        if (bar < 0) return {};
        const auto value = m_matrix[static_cast<std::size_t>(bar)];
        return tr("⟨%1|ρ|%2⟩\nreal %3, imaginary %4\nmagnitude %5, phase %6")
            .arg(m_plot.labels[bar / m_plot.size], m_plot.labels[bar % m_plot.size], formatComponent(value.real(), 6),
                 formatComponent(value.imag(), 6), formatNumber(std::abs(value), 6),
                 std::abs(value) < 1e-9 ? QStringLiteral("–") : formatAngle(std::arg(value)));
    }

protected:
    [[nodiscard]] double contentHeight(double) const override { return 0; }

    void paint(QPainter& painter, const QSizeF& size, const QRectF&) override {
        if (m_matrix.empty()) return;
        const Theme& theme = context().theme();
        const double legend = size.width() < 480 ? 80 : 104;
        const QRectF area = cityArea(size);
        const int hovered = hover() ? entryAt(*hover(), size) : -1;
        (m_look == Look::City ? paintCity : paintHinton)(painter, area, m_plot, hovered, theme);
        if (m_part == Part::Magnitude)
            paintPhaseWheel(painter, QRectF(size.width() - legend, 0, legend, legend), theme);
        painter.setFont(Theme::caption());
        painter.setPen(theme.color(Role::Muted));
        static constexpr std::array kNames{QT_TR_NOOP("|ρ|, phase as hue"), QT_TR_NOOP("Re ρ"), QT_TR_NOOP("Im ρ")};
        painter.drawText(QRectF(8, 4, size.width() - legend, 18), Qt::AlignLeft | Qt::AlignVCenter,
                         tr(kNames[static_cast<std::size_t>(m_part)]));
        painter.drawText(QRectF(8, 22, size.width() - legend, 18), Qt::AlignLeft | Qt::AlignVCenter,
                         tr("purity tr ρ² = %1").arg(formatNumber(purity())));
    }

private:
    [[nodiscard]] static QRectF cityArea(const QSizeF& size) { return {0, 32, size.width(), size.height() - 32}; }

    [[nodiscard]] int entryAt(QPointF point, const QSizeF& size) const {
        return m_look == Look::City ? CityGeometry(m_plot, cityArea(size)).barAt(point)
                                    : hintonCellAt(m_plot, cityArea(size), point);
    }

    [[nodiscard]] double purity() const { // ρ is Hermitian: tr ρ² is the sum of all |ρij|²
        double sum = 0;
        for (const auto& value : m_matrix) sum += std::norm(value);
        return sum;
    }

    void build() {
        m_plot = {};
        m_plot.size = 1 << m_qubits.size();
        double top = 0;
        for (const auto& value : m_matrix) {
            const double phase = std::arg(value);
            const double height = m_part == Part::Magnitude ? std::abs(value)
                                  : m_part == Part::Real    ? value.real()
                                                            : value.imag();
            top = std::max(top, std::abs(height));
            m_plot.heights.push_back(height);
            if (m_part == Part::Magnitude) {
                m_plot.colors.push_back(phaseColor(phase));
                m_plot.phases.push_back(phase);
            } else {
                m_plot.colors.push_back(QColor::fromRgb(colorMap(QStringLiteral("diverging"))[height < 0 ? 40 : 215]));
            }
        }
        m_plot.top = niceTop(top);
        for (int index = 0; index < m_plot.size; ++index)
            m_plot.labels.push_back(QString::fromStdString(
                engine::bitString(static_cast<std::uint64_t>(index), static_cast<int>(m_qubits.size()))));
        contentChanged();
    }

    /// The end of the scale: the next of 1, ½, ¼ ... that holds every bar, so that it stays put from step to step.
    static double niceTop(double largest) {
        double top = 1;
        while (top / 2 >= largest * (1 - 1e-9) && top > 1e-3) top /= 2;
        return top;
    }

    Matrix m_matrix;
    std::vector<int> m_qubits;
    Part m_part = Part::Magnitude;
    Look m_look = Look::City;
    CityPlot m_plot;
};

class DensityView : public StatePage {
public:
    DensityView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Density matrix"), tr("the density matrix of some of its qubits"), parent)
        , m_city(new DensityCity(viewContext, &body()))
        , m_asked(new QLineEdit(this)) {
        m_asked->setPlaceholderText(tr("Qubits: 0-3"));
        m_asked->setAccessibleName(tr("Qubits of the density matrix"));
        m_asked->setToolTip(
            tr("Up to %1 qubits, as \"0, 2, 5\" or \"0-3\"; empty: those around the selected one").arg(kMost));
        m_asked->setFixedWidth(96);
        header().addWidget(m_asked);
        header().addChoice({tr("|ρ|"), tr("Re ρ"), tr("Im ρ")}, 0,
                           [this](int part) { m_city->setPart(static_cast<Part>(part)); },
                           {tr("Magnitudes of the entries"), tr("Real parts"), tr("Imaginary parts")});
        header().addChoice({tr("City"), tr("Hinton")}, 0,
                           [this](int look) { m_city->setLook(static_cast<Look>(look)); },
                           {tr("Columns on a floor"), tr("Squares whose area is the magnitude")});
        addHelp(header(),
                 tr("The reduced density matrix ρ of the named qubits: the partial trace of |ψ⟩⟨ψ| over all others; "
                    "qubit 0 rightmost in the labels. Diagonal entries are probabilities, the others coherences; "
                    "the purity tr ρ² is 1 for a pure state and 2⁻ᵏ for the full mixture of k qubits.\n\n"
                    "City: one bar per entry, its height |ρij|, Re ρij or Im ρij. Hinton: one square per entry "
                    "whose area is that size (after Hinton's diagrams of weights); a full cell is the end of the "
                    "scale. Phases wear a hue with a hand, parts orange above and blue below zero."));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_city);
        connect(m_asked, &QLineEdit::editingFinished, this, [this] { invalidate(); });
        connect(&viewContext, &ViewContext::selectionChanged, this, [this](const Selection& before) {
            if (before.qubit != context().selection().qubit && m_asked->text().isEmpty()) invalidate();
        });
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        auto qubits = defaultQubits(simulation.qubits, context().selection().qubit, kShown);
        if (!m_asked->text().isEmpty()) {
            auto asked = parseQubits(m_asked->text(), simulation.qubits, kMost);
            if (!asked) return showEmpty(QString::fromStdString(asked.error().message));
            qubits = *std::move(asked);
        }
        compute(
            simulation.state,
            [qubits](const engine::StateSnapshot& state, const RunContext& run) {
                return engine::reducedDensity(state, qubits, run);
            },
            [this, qubits](Matrix matrix) {
                QStringList names;
                for (auto qubit = qubits.rbegin(); qubit != qubits.rend(); ++qubit) names << QString::number(*qubit);
                header().setSubject(tr("qubits |%1⟩").arg(names.join(QLatin1Char(' '))));
                m_city->setMatrix(std::move(matrix), qubits);
            });
    }

private:
    DensityCity* m_city;
    QLineEdit* m_asked;
};

} // namespace

QWidget* makeDensityView(ViewContext& context, QWidget* parent) { return new DensityView(context, parent); }

} // namespace qscope
