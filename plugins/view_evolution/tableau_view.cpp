// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/analysis/other_states.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/chart_export.h"
#include "plugins/view_evolution/evolution_page.h"
#include "plugins/view_evolution/evolution_views.h"

#include <QAbstractScrollArea>
#include <QContextMenuEvent>
#include <QMenu>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr double kTop = 26;  ///< the qubits' numbers, which stay in sight
constexpr double kSign = 34; ///< row number and sign
constexpr double kMostCell = 24;
constexpr double kLeastLetter = 12; ///< narrower cells show colours alone
constexpr int kFewest = 8;          ///< pixels of a cell: more qubits than fit scroll sideways

/// Rows of Pauli strings as letters on colours, scrolling both ways.
class TableauGrid : public QAbstractScrollArea {
public:
    TableauGrid(ViewContext& context, QWidget* parent)
        : QAbstractScrollArea(parent)
        , m_context(context) {
        setAccessibleName(EvolutionPage::tr("Stabilizer tableau"));
        setFrameShape(QFrame::NoFrame);
        setFocusPolicy(Qt::StrongFocus);
        viewport()->setMouseTracking(true);
        connect(&context, &ViewContext::themeChanged, viewport(), qOverload<>(&QWidget::update));
        connect(&context, &ViewContext::selectionChanged, viewport(), qOverload<>(&QWidget::update));
    }

    void setRows(std::vector<std::string> rows, int qubits) {
        m_rows = std::move(rows);
        m_qubits = qubits;
        updateRange();
    }

    [[nodiscard]] QString csv() const {
        QString text = QStringLiteral("row,sign,paulis (qubit 0 rightmost)\n");
        for (std::size_t row = 0; row < m_rows.size(); ++row)
            text += QStringLiteral("%1,%2,%3\n")
                        .arg(row)
                        .arg(QLatin1Char(m_rows[row][0]))
                        .arg(QString::fromStdString(m_rows[row].substr(1)));
        return text;
    }

    [[nodiscard]] QSize minimumSizeHint() const override { return {200, 140}; }

protected:
    void paintEvent(QPaintEvent*) override {
        QPainter painter(viewport());
        const Theme& theme = m_context.theme();
        painter.fillRect(viewport()->rect(), theme.color(Role::Surface));
        const double cell = cellSize();
        const QPointF scrolled(horizontalScrollBar()->value(), verticalScrollBar()->value());
        const int selected = m_context.selection().qubit;
        const int firstRow = std::max(0, static_cast<int>(scrolled.y() / cell));
        const int lastRow = std::min(static_cast<int>(m_rows.size()),
                                     static_cast<int>((scrolled.y() + viewport()->height()) / cell) + 1);
        const int firstColumn = std::max(0, static_cast<int>((scrolled.x() - kSign) / cell));
        const int lastColumn =
            std::min(m_qubits, static_cast<int>((scrolled.x() + viewport()->width() - kSign) / cell) + 1);
        const bool letters = cell >= kLeastLetter;
        for (int row = firstRow; row < lastRow; ++row)
            for (int column = firstColumn; column < lastColumn; ++column) {
                const char letter = letterAt(row, column);
                const QRectF box(kSign + column * cell - scrolled.x(), kTop + row * cell - scrolled.y(), cell, cell);
                if (letter != 'I') {
                    QColor color = theme.category(letter == 'X' ? 0 : letter == 'Z' ? 1 : 2);
                    if (letters) color.setAlphaF(0.35F);
                    painter.fillRect(box.adjusted(0.5, 0.5, -0.5, -0.5), color);
                }
                if (!letters) continue;
                painter.setFont(Theme::ticks());
                painter.setPen(theme.color(letter == 'I' ? Role::Faint : Role::Text));
                painter.drawText(box, Qt::AlignCenter,
                                 letter == 'I' ? QStringLiteral("·") : QString(QLatin1Char(letter)));
            }
        // The numbers of qubits above and the signs beside stay in sight.
        painter.fillRect(QRectF(0, 0, viewport()->width(), kTop), theme.color(Role::Surface));
        painter.fillRect(QRectF(0, 0, kSign, viewport()->height()), theme.color(Role::Surface));
        painter.setFont(Theme::ticks());
        const int every = std::max(1, static_cast<int>(std::ceil(22 / cell)));
        for (int column = firstColumn; column < lastColumn; ++column) {
            const int qubit = m_qubits - 1 - column;
            if (qubit % every != 0 && qubit != selected) continue;
            painter.setPen(theme.color(qubit == selected ? Role::Accent : Role::Muted));
            painter.drawText(QRectF(kSign + (column + 0.5) * cell - scrolled.x() - 20, 4, 40, 18), Qt::AlignCenter,
                             QString::number(qubit));
        }
        for (int row = firstRow; row < lastRow && letters; ++row) {
            const double y = kTop + row * cell - scrolled.y();
            if (y < kTop - cell / 2) continue;
            painter.setPen(theme.color(m_rows[static_cast<std::size_t>(row)][0] == '-' ? Role::Text : Role::Muted));
            painter.drawText(QRectF(0, y, kSign - 6, cell), Qt::AlignRight | Qt::AlignVCenter,
                             m_rows[static_cast<std::size_t>(row)][0] == '-' ? QStringLiteral("−")
                                                                             : QStringLiteral("+"));
        }
        if (selected >= 0 && selected < m_qubits) {
            const double x = kSign + (m_qubits - 1 - selected) * cell - scrolled.x();
            painter.setPen(QPen(theme.color(Role::Accent), 1.5));
            painter.setBrush(Qt::NoBrush);
            painter.drawRect(QRectF(x, kTop - scrolled.y(), cell, cell * static_cast<double>(m_rows.size())));
        }
        if (m_hover) {
            const QString text = itemText(*m_hover);
            if (!text.isEmpty()) paintReadoutBox(painter, QRectF(viewport()->rect()), *m_hover, text, theme);
        }
    }
    void resizeEvent(QResizeEvent*) override { updateRange(); }
    void mouseMoveEvent(QMouseEvent* event) override {
        m_hover = event->position();
        viewport()->update();
    }
    void mousePressEvent(QMouseEvent* event) override {
        const auto [row, column] = cellAt(event->position());
        if (event->button() != Qt::LeftButton || column < 0) return;
        Selection selection = m_context.selection();
        selection.qubit = m_qubits - 1 - column;
        m_context.select(selection);
    }
    void contextMenuEvent(QContextMenuEvent* event) override {
        QMenu menu(this);
        addChartActions(
            menu, *viewport(), m_context, [this] { return csv(); }, accessibleName());
        menu.exec(event->globalPos());
    }
    bool viewportEvent(QEvent* event) override {
        if (event->type() == QEvent::Leave) {
            m_hover.reset();
            viewport()->update();
        }
        return QAbstractScrollArea::viewportEvent(event);
    }

private:
    [[nodiscard]] double cellSize() const {
        return std::clamp(std::floor((viewport()->width() - kSign - 8) / std::max(1, m_qubits)),
                          static_cast<double>(kFewest), kMostCell);
    }
    [[nodiscard]] char letterAt(int row, int column) const {
        return m_rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column) + 1];
    }
    /// Row and column under a point; -1 where there is none.
    [[nodiscard]] std::pair<int, int> cellAt(QPointF point) const {
        const double cell = cellSize();
        const auto column = static_cast<int>(std::floor((point.x() - kSign + horizontalScrollBar()->value()) / cell));
        const auto row = static_cast<int>(std::floor((point.y() - kTop + verticalScrollBar()->value()) / cell));
        const bool onRow = point.y() >= kTop && row >= 0 && row < static_cast<int>(m_rows.size());
        const bool onColumn = point.x() >= kSign && column >= 0 && column < m_qubits;
        return {onRow ? row : -1, onColumn ? column : -1};
    }
    [[nodiscard]] QString itemText(QPointF point) const {
        const auto [row, column] = cellAt(point);
        if (row < 0 || column < 0) return {};
        int weight = 0;
        for (const char letter : m_rows[static_cast<std::size_t>(row)].substr(1)) weight += letter != 'I';
        return EvolutionPage::tr("row %1: %2 on qubit %3\nacts on %4 of %5 qubits")
            .arg(row)
            .arg(QString(QLatin1Char(letterAt(row, column))))
            .arg(m_qubits - 1 - column)
            .arg(weight)
            .arg(m_qubits);
    }
    void updateRange() {
        const double cell = cellSize();
        const auto set = [](QScrollBar& bar, double content, int room) {
            bar.setRange(0, std::max(0, qCeil(content) - room));
            bar.setPageStep(room);
            bar.setSingleStep(24);
        };
        set(*verticalScrollBar(), kTop + cell * static_cast<double>(m_rows.size()) + 8, viewport()->height());
        set(*horizontalScrollBar(), kSign + cell * m_qubits + 8, viewport()->width());
        viewport()->update();
    }

    ViewContext& m_context;
    std::vector<std::string> m_rows;
    int m_qubits = 0;
    std::optional<QPointF> m_hover;
};

/// The stabilizers of a Clifford circuit's state at the selected step.
class TableauView : public EvolutionPage {
public:
    TableauView(ViewContext& viewContext, QWidget* parent)
        : EvolutionPage(viewContext, tr("Stabilizer tableau"), tr("the Pauli strings that its state obeys"), parent)
        , m_grid(new TableauGrid(viewContext, &body())) {
        header().addChoice(
            {tr("Stabilizers"), tr("Destabilizers")}, 0,
            [this](int which) {
                m_destabilizers = which == 1;
                showRows();
            },
            {tr("The operators that leave the state as it is"), tr("Their partners, which anticommute with one each")});
        addHelp(
            header(),
            tr("A state that Clifford gates made from |0…0⟩ is the only one that n independent Pauli strings leave as "
               "it is: its stabilizers, with their signs. Destabilizer i anticommutes with stabilizer i and commutes "
               "with all others; their signs mean nothing. Qubit 0 is rightmost.\n\n"
               "The tableau is that of the selected step, and of shot 0 where the circuit measures on the way. "
               "Click a column to select its qubit.\n\n"
               "Source: Aaronson and Gottesman, Phys. Rev. A 70, 052328 (2004)."));
        auto* layout = new QVBoxLayout(&body());
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_grid);
    }

protected:
    void showCircuit(const Circuit& circuit) override {
        m_step = step();
        run(
            tr("Stabilizer tableau"),
            [circuit, steps = m_step](const RunContext& context) {
                engine::SimulationRequest request;
                request.steps = static_cast<std::size_t>(steps);
                return engine::stabilizerTableau(*circuit, request, context);
            },
            [this](engine::TableauText tableau) {
                m_tableau = std::move(tableau);
                header().setSubject(
                    tr("%1 qubits, after %2 operations").arg(m_tableau.qubits).arg(formatInteger(m_step)));
                showRows();
                showBody();
            });
    }
    void followSelection() override {
        if (step() != m_step) invalidate();
    }

private:
    void showRows() {
        m_grid->setRows(m_destabilizers ? m_tableau.destabilizers : m_tableau.stabilizers, m_tableau.qubits);
    }

    TableauGrid* m_grid;
    engine::TableauText m_tableau;
    std::int64_t m_step = -1;
    bool m_destabilizers = false;
};

} // namespace

QWidget* makeTableauView(ViewContext& context, QWidget* parent) { return new TableauView(context, parent); }

} // namespace qscope
