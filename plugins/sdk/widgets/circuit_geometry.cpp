// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/circuit_geometry.h"

#include "plugins/sdk/theme.h"

#include <QFontMetricsF>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kLeastColumn = 48;
constexpr double kMostColumn = 160;

/// Widest a symbol gets, estimated by characters: measuring each text of a long circuit would take seconds.
double symbolWidth(const engine::LaidOutOperation& operation, double bodyCharacter, double captionCharacter) {
    const auto characters = [](const std::string& text) { // UTF-8: continuation bytes are no characters
        return static_cast<double>(
            std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
    };
    return std::max({CircuitGeometry::kBox, characters(operation.label) * bodyCharacter + 16,
                     characters(operation.parameterText) * captionCharacter,
                     characters(operation.conditionText) * captionCharacter});
}

} // namespace

CircuitGeometry::CircuitGeometry(std::shared_ptr<const engine::Circuit> circuit, engine::WireOrder order)
    : m_circuit(std::move(circuit))
    , m_order(order)
    , m_layout(engine::layoutCircuit(*m_circuit, order)) {
    const QFontMetricsF metrics(Theme::body());
    for (const auto& creg : m_circuit->cregs)
        m_labelWidth = std::max(m_labelWidth, metrics.horizontalAdvance(QString::fromStdString(creg.name)));
    for (const auto& qreg : m_circuit->qregs)
        if (qreg.size > 0)
            m_labelWidth = std::max(m_labelWidth, metrics.horizontalAdvance(qubitName(qreg.first + qreg.size - 1)));
    m_labelWidth = std::min(kMostLabel, std::ceil(m_labelWidth)) + 24;
    buildColumns();
    buildChanges();
}

void CircuitGeometry::buildColumns() {
    const auto columns = static_cast<std::size_t>(m_layout.columns);
    const double bodyCharacter = QFontMetricsF(Theme::body()).horizontalAdvance(QLatin1Char('M'));
    const double captionCharacter = QFontMetricsF(Theme::caption()).horizontalAdvance(QLatin1Char('0'));
    std::vector<double> widths(columns, kLeastColumn);
    m_columnBegin.assign(columns + 1, 0);
    for (const auto& operation : m_layout.operations) {
        const auto column = static_cast<std::size_t>(operation.column);
        ++m_columnBegin[column + 1];
        const double width = symbolWidth(operation, bodyCharacter, captionCharacter) + 16;
        widths[column] = std::max(widths[column], std::min(kMostColumn, std::ceil(width / 8) * 8));
    }
    m_columnX.assign(columns + 1, 0);
    for (std::size_t column = 0; column < columns; ++column) {
        m_columnX[column + 1] = m_columnX[column] + widths[column];
        m_columnBegin[column + 1] += m_columnBegin[column];
    }
    m_byColumn.resize(m_layout.operations.size());
    auto next = m_columnBegin;
    for (std::size_t i = 0; i < m_layout.operations.size(); ++i)
        m_byColumn[next[static_cast<std::size_t>(m_layout.operations[i].column)]++] = static_cast<std::uint32_t>(i);
}

void CircuitGeometry::buildChanges() {
    m_changes.resize(static_cast<std::size_t>(m_circuit->qubits));
    for (const auto& operation : m_layout.operations) {
        const bool measured = operation.kind == engine::SymbolKind::Measure;
        if (!measured && operation.kind != engine::SymbolKind::Reset) continue;
        auto& changes = m_changes[static_cast<std::size_t>(operation.targets.front())];
        if (measured != (!changes.empty() && changes.back().second)) changes.emplace_back(operation.column, measured);
    }
}

QSizeF CircuitGeometry::size() const {
    const auto wires = static_cast<double>(m_circuit->qubits) + static_cast<double>(m_circuit->cregs.size());
    return {m_labelWidth + m_columnX.back() + kMargin, wires * kRow + 2 * kMargin};
}

double CircuitGeometry::wireY(int qubit) const {
    const int row = m_order == engine::WireOrder::ZeroAtTop ? qubit : m_circuit->qubits - 1 - qubit;
    return kMargin + (row + 0.5) * kRow;
}

double CircuitGeometry::registerY(int creg) const { return kMargin + (m_circuit->qubits + creg + 0.5) * kRow; }

int CircuitGeometry::columnAt(double x) const {
    const auto after = std::upper_bound(m_columnX.begin(), m_columnX.end(), x - m_labelWidth);
    const auto column = static_cast<int>(after - m_columnX.begin()) - 1;
    return std::clamp(column, 0, std::max(0, m_layout.columns - 1));
}

double CircuitGeometry::stepX(std::int64_t step) const {
    if (step <= 0 || m_layout.operations.empty()) return columnX(0);
    const auto last = std::min(static_cast<std::size_t>(step), m_layout.operations.size()) - 1;
    return columnX(m_layout.operations[last].column + 1);
}

QRectF CircuitGeometry::operationRect(std::size_t operation) const {
    const auto& laidOut = m_layout.operations[operation];
    const double a = wireY(laidOut.lowest), b = wireY(laidOut.highest);
    const double left = columnX(laidOut.column), right = columnX(laidOut.column + 1);
    return QRectF(left + 4, std::min(a, b) - kBox / 2, right - left - 8, std::abs(a - b) + kBox);
}

CircuitHit CircuitGeometry::hitAt(QPointF point) const {
    CircuitHit hit;
    const auto row = static_cast<int>(std::floor((point.y() - kMargin) / kRow));
    if (row >= 0 && row < m_circuit->qubits)
        hit.qubit = m_order == engine::WireOrder::ZeroAtTop ? row : m_circuit->qubits - 1 - row;
    if (point.x() < m_labelWidth || m_layout.columns == 0) return hit;
    for (const auto operation : operationsIn(columnAt(point.x())))
        if (operationRect(operation).contains(point)) hit.operation = operation;
    return hit;
}

std::span<const std::uint32_t> CircuitGeometry::operationsIn(int column) const {
    const auto at = static_cast<std::size_t>(column);
    return std::span(m_byColumn).subspan(m_columnBegin[at], m_columnBegin[at + 1] - m_columnBegin[at]);
}

int CircuitGeometry::registerOf(int clbit) const {
    for (std::size_t creg = 0; creg < m_circuit->cregs.size(); ++creg)
        if (clbit >= m_circuit->cregs[creg].first && clbit < m_circuit->cregs[creg].first + m_circuit->cregs[creg].size)
            return static_cast<int>(creg);
    return -1;
}

QString CircuitGeometry::qubitName(int qubit) const {
    for (const auto& qreg : m_circuit->qregs)
        if (qubit >= qreg.first && qubit < qreg.first + qreg.size)
            return QStringLiteral("%1[%2]").arg(QString::fromStdString(qreg.name)).arg(qubit - qreg.first);
    return QStringLiteral("q%1").arg(qubit);
}

} // namespace qscope
