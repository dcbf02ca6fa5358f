// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/view_state/phase_mark.h"
#include "plugins/view_state/state_canvas.h"
#include "plugins/view_state/state_page.h"
#include "plugins/view_state/state_views.h"

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr int kAllQubits = 6;   ///< up to here every amplitude is shown, in the order of the index
constexpr int kMostDiscs = 256; ///< above, only the largest
constexpr double kLegend = 104; ///< side of the phase wheel's square
constexpr double kCellHeight = 92;
constexpr double kDisc = 24;

/// A grid of amplitude discs beside the phase wheel, which stays in sight.
class DiscGrid : public StateCanvas {
public:
    DiscGrid(ViewContext& viewContext, QWidget* parent)
        : StateCanvas(viewContext, tr("Amplitudes"), parent) {}

    void setAmplitudes(std::vector<engine::Amplitude> amplitudes, int qubits, const QString& note) {
        m_amplitudes = std::move(amplitudes);
        m_qubits = qubits;
        m_note = note;
        m_largest = 0;
        for (const auto& amplitude : m_amplitudes) m_largest = std::max(m_largest, std::abs(amplitude.value));
        contentChanged();
    }

    [[nodiscard]] QString csv() const override {
        QString text = QStringLiteral("state,real,imaginary,magnitude,phase\n");
        for (const auto& [index, value] : m_amplitudes)
            text += QStringLiteral("%1,%2,%3,%4,%5\n")
                        .arg(ket(index, m_qubits))
                        .arg(value.real(), 0, 'g', 17)
                        .arg(value.imag(), 0, 'g', 17)
                        .arg(std::abs(value), 0, 'g', 17)
                        .arg(std::arg(value), 0, 'g', 17);
        return text;
    }

    [[nodiscard]] QString itemText(QPointF point) const override {
        const Grid grid = gridFor(contentSize().width());
        const auto column = static_cast<int>(std::floor(point.x() / grid.cell));
        const auto row = static_cast<int>(std::floor(point.y() / kCellHeight));
        if (column < 0 || column >= grid.columns || row < 0) return {};
        const auto at =
            static_cast<std::size_t>(row) * static_cast<std::size_t>(grid.columns) + static_cast<std::size_t>(column);
        if (at >= m_amplitudes.size()) return {};
        const auto& [index, value] = m_amplitudes[at];
        return tr("%1\nreal %2, imaginary %3\nmagnitude %4, phase %5\nprobability %6")
            .arg(ket(index, m_qubits), formatComponent(value.real(), 8), formatComponent(value.imag(), 8),
                 formatNumber(std::abs(value), 8), formatAngle(std::arg(value)), formatNumber(std::norm(value), 8));
    }

protected:
    [[nodiscard]] double contentHeight(double width) const override {
        const Grid grid = gridFor(width);
        return std::max(kLegend, grid.rows * kCellHeight) + (m_note.isEmpty() ? 0 : 24);
    }

    void paint(QPainter& painter, const QSizeF& size, const QRectF& sight) override {
        const Grid grid = gridFor(size.width());
        const int first = std::max(0, static_cast<int>(std::floor(sight.top() / kCellHeight)));
        const int last = std::min(grid.rows, static_cast<int>(std::ceil(sight.bottom() / kCellHeight)));
        for (int row = first; row < last; ++row)
            for (int column = 0; column < grid.columns; ++column) {
                const auto at = static_cast<std::size_t>(row * grid.columns + column);
                if (at < m_amplitudes.size())
                    paintCell(painter, QRectF(column * grid.cell, row * kCellHeight, grid.cell, kCellHeight),
                              m_amplitudes[at]);
            }
        painter.setFont(Theme::caption());
        painter.setPen(context().theme().color(Role::Muted));
        painter.drawText(QRectF(8, grid.rows * kCellHeight, size.width() - kLegend, 24), Qt::AlignVCenter, m_note);
        const QRectF wheel(size.width() - kLegend, sight.top(), kLegend, kLegend);
        paintPhaseWheel(painter, wheel, context().theme());
        painter.drawText(QRectF(wheel.left(), wheel.bottom(), kLegend, 32), Qt::AlignHCenter | Qt::AlignTop,
                         tr("full circle:\n|a| = %1").arg(formatNumber(m_largest, 3)));
    }

private:
    struct Grid {
        int columns = 1, rows = 0;
        double cell = 1;
    };

    [[nodiscard]] Grid gridFor(double width) const {
        const QFontMetricsF metrics(Theme::figures());
        const double label = metrics.horizontalAdvance(ket(0, m_qubits));
        const double least = std::max(88.0, label + 12);
        Grid grid;
        grid.columns = std::max(1, static_cast<int>((width - kLegend) / least));
        if (m_qubits <= kAllQubits) // columns that are a power of two line equal bits up
            grid.columns =
                std::min(1 << m_qubits, static_cast<int>(std::bit_floor(static_cast<unsigned>(grid.columns))));
        grid.cell = std::min(least * 1.5, std::max(least, (width - kLegend) / grid.columns));
        grid.rows = (static_cast<int>(m_amplitudes.size()) + grid.columns - 1) / grid.columns;
        return grid;
    }

    void paintCell(QPainter& painter, const QRectF& cell, const engine::Amplitude& amplitude) const {
        const Theme& theme = context().theme();
        paintAmplitudeDisc(painter, QPointF(cell.center().x(), cell.top() + 8 + kDisc), kDisc,
                           amplitude.value / std::max(m_largest, 1e-12), theme);
        painter.setFont(Theme::figures());
        painter.setPen(theme.color(Role::Text));
        painter.drawText(QRectF(cell.left(), cell.top() + 2 * kDisc + 9, cell.width(), 16), Qt::AlignCenter,
                         ket(amplitude.index, m_qubits));
        painter.setFont(Theme::caption());
        painter.setPen(theme.color(Role::Muted));
        const double magnitude = std::abs(amplitude.value);
        const QString text = magnitude < 1e-9 ? QStringLiteral("0")
                                              : QStringLiteral("%1 ∠ %2").arg(formatNumber(magnitude, 3),
                                                                              shortAngle(std::arg(amplitude.value)));
        painter.drawText(QRectF(cell.left(), cell.top() + 2 * kDisc + 24, cell.width(), 15), Qt::AlignCenter, text);
    }

    static QString shortAngle(double radians) {
        const QString exact = formatAngle(radians);
        return exact.contains(QChar(0x03C0)) ? exact : formatNumber(radians, 3);
    }

    std::vector<engine::Amplitude> m_amplitudes;
    int m_qubits = 0;
    QString m_note;
    double m_largest = 0; ///< the magnitude of a full circle
};

class AmplitudeView : public StatePage {
public:
    AmplitudeView(ViewContext& viewContext, QWidget* parent)
        : StatePage(viewContext, tr("Amplitudes"), tr("the magnitude and phase of each amplitude"), parent)
        , m_grid(new DiscGrid(viewContext, &body())) {
        addHelp(header(),
                 tr("The amplitude a of each basis state as a disc: its radius is |a| as a share of the "
                    "largest shown, its hand and hue the phase arg a, 0 to the right. The probability of the "
                    "state is |a|² (Nielsen and Chuang, section 2.2). Up to 6 qubits all states are shown, in "
                    "the order of their index, above that the largest; qubit 0 is rightmost in the label."));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_grid);
    }

protected:
    void showState(const engine::SimulationResult& simulation) override {
        const int qubits = simulation.qubits;
        const int count = qubits <= kAllQubits ? 1 << qubits : kMostDiscs;
        compute(
            simulation.state,
            [count](const engine::StateSnapshot& state, const RunContext& run) {
                return engine::largestAmplitudes(state, count, run);
            },
            [this, qubits](std::vector<engine::Amplitude> amplitudes) { show(std::move(amplitudes), qubits); });
    }

private:
    void show(std::vector<engine::Amplitude> largest, int qubits) {
        if (qubits > kAllQubits) {
            std::erase_if(largest, [](const auto& amplitude) { return std::norm(amplitude.value) < 1e-12; });
            const auto count = static_cast<std::int64_t>(largest.size());
            m_grid->setAmplitudes(std::move(largest), qubits,
                                  tr("The %1 largest of %2 amplitudes, largest first")
                                      .arg(formatInteger(count), formatInteger(std::int64_t{1} << qubits)));
            return;
        }
        std::vector<engine::Amplitude> all(std::size_t{1} << qubits);
        for (std::size_t index = 0; index < all.size(); ++index) all[index].index = index;
        for (const auto& amplitude : largest) all[amplitude.index].value = amplitude.value;
        m_grid->setAmplitudes(std::move(all), qubits, {});
    }

    DiscGrid* m_grid;
};

} // namespace

QWidget* makeAmplitudeView(ViewContext& context, QWidget* parent) { return new AmplitudeView(context, parent); }

} // namespace qscope
