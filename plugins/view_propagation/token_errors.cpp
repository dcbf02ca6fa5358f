// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_propagation/token_errors.h"

#include "plugins/sdk/format.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QVBoxLayout>

namespace qscope {

namespace {
constexpr int kSideWidth = 208;
} // namespace

TokenErrors::TokenErrors(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_heatmap(new Heatmap(context))
    , m_title(new QLabel)
    , m_worst(new NumberTable(context)) {
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(8);
    layout->addWidget(m_heatmap, 1);
    auto* side = new QVBoxLayout;
    side->setSpacing(4);
    side->addWidget(m_title);
    side->addWidget(m_worst, 1);
    layout->addLayout(side);
    m_title->setFixedWidth(kSideWidth);
    m_title->setWordWrap(true);
    m_title->setAlignment(Qt::AlignTop);
    m_title->setFont(Theme::caption());
    m_worst->setFixedWidth(kSideWidth);
    m_worst->setColumns({{tr("Channel")}, {tr("Share"), tr("Part of this token's squared error behind this layer")}});
    m_heatmap->setMinimumHeight(110);
    m_heatmap->setAccessibleName(tr("Error by layer and token"));
    m_heatmap->setReadout([this](const TileRequest& cell, std::optional<float> value) { return readout(cell, value); });
    connect(m_heatmap, &Heatmap::tileWanted, this, [this](const TileRequest& request) {
        m_heatmap->setTile(reducedTile(m_matrix.values, m_matrix.info.columns, request));
    });
    connect(m_heatmap, &Heatmap::clicked, this, &TokenErrors::selectCell);
}

void TokenErrors::show(std::shared_ptr<const engine::PropagationReport> report, int method) {
    if (report != m_report || method != m_method) {
        m_report = std::move(report);
        m_method = method;
        m_matrix = tokenMatrix(m_report->methods[static_cast<std::size_t>(method)]);
        m_heatmap->setMatrix(m_matrix.info);
    }
    showSelection();
}

void TokenErrors::showSelection() {
    if (!m_report) return;
    const auto& layers = m_report->methods[static_cast<std::size_t>(m_method)].layers;
    const Selection& now = m_context.selection();
    std::int64_t row = -1;
    for (std::size_t i = 0; i < layers.size(); ++i)
        if (layers[i].layer == now.layer) row = static_cast<std::int64_t>(i);
    const bool known = row >= 0 && now.token >= 0 && now.token < m_matrix.info.columns;
    m_heatmap->setSelected(row, now.token < m_matrix.info.columns ? now.token : -1);
    std::vector<NumberRow> rows;
    if (known) {
        const auto& place = layers[static_cast<std::size_t>(row)];
        const auto token = static_cast<std::size_t>(now.token);
        m_title->setText(
            tr("Worst channels of token %1, %2, behind layer %3")
                .arg(formatInteger(now.token), shownPiece(m_report->pieces[token]), QString::number(now.layer)));
        for (std::size_t i = 0; i < engine::kWorstChannels; ++i) {
            const std::size_t at = token * engine::kWorstChannels + i;
            if (at >= place.worst.size()) break;
            const auto [channel, share] = place.worst[at];
            const auto part = static_cast<double>(share);
            if (share > 0)
                rows.push_back({{{formatInteger(channel), static_cast<double>(channel)},
                                 {QStringLiteral("%1 %").arg(part * 100, 0, 'f', 1), part}},
                                channel});
        }
    } else {
        m_title->setText(tr("Click a cell to see which channels make the error of its token."));
    }
    m_worst->setRows(rows);
    m_worst->setVisible(known);
}

void TokenErrors::selectCell(std::int64_t row, std::int64_t column) {
    if (!m_report) return;
    const auto& layers = m_report->methods[static_cast<std::size_t>(m_method)].layers;
    Selection selection = m_context.selection();
    if (row >= 0) selection.layer = layers[static_cast<std::size_t>(row)].layer;
    if (column >= 0) selection.token = column;
    m_context.select(selection);
}

QString TokenErrors::readout(const TileRequest& cell, std::optional<float> value) const {
    if (!m_report) return {};
    const bool single = cell.rows * cell.columns == 1;
    const auto token = static_cast<std::size_t>(cell.column);
    QString text =
        single && token < m_report->pieces.size()
            ? tr("Layer %1, token %2 %3")
                  .arg(QString::number(cell.row), formatInteger(cell.column), shownPiece(m_report->pieces[token]))
            : tr("Layers %1–%2, tokens %3–%4")
                  .arg(QString::number(cell.row), QString::number(cell.row + cell.rows - 1), formatInteger(cell.column),
                       formatInteger(cell.column + cell.columns - 1));
    if (value)
        text += QLatin1Char('\n') + (single ? tr("Relative squared error %1") : tr("Largest relative squared error %1"))
                                        .arg(formatNumber(static_cast<double>(*value)));
    return text;
}

} // namespace qscope
