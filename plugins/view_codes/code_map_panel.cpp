// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_codes/code_map_panel.h"

#include "plugins/sdk/format.h"

#include <QComboBox>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

double largest(const std::vector<float>& values) {
    double most = 0;
    for (const float value : values)
        if (std::isfinite(value)) most = std::max(most, std::abs(static_cast<double>(value)));
    return most > 0 ? most : 1;
}

/// Weights stored apart as a tile: zero where there is none.
MatrixTile tileOf(const std::vector<StoredApart>& apart, const TileRequest& request) {
    MatrixTile tile{request, {}};
    tile.cells.assign(static_cast<std::size_t>(request.cellRows() * request.cellColumns()), 0.0F);
    for (const StoredApart& one : apart) {
        const std::int64_t row = one.row - request.row, column = one.column - request.column;
        if (row < 0 || row >= request.rows || column < 0 || column >= request.columns) continue;
        float& cell = tile.cells[static_cast<std::size_t>(row / request.rowFactor * request.cellColumns() +
                                                          column / request.columnFactor)];
        if (std::abs(one.value) > std::abs(cell)) cell = one.value;
    }
    return tile;
}

} // namespace

CodeMapPanel::CodeMapPanel(ViewContext& context, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_choice(new QComboBox)
    , m_map(new Heatmap(context)) {
    m_choice->setFont(Theme::caption());
    m_choice->setAccessibleName(tr("Map"));
    m_choice->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(m_choice, 0, Qt::AlignLeft);
    layout->addWidget(m_map, 1);
    connect(m_choice, &QComboBox::activated, this, &CodeMapPanel::showMap);
    connect(m_map, &Heatmap::clicked, this, &CodeMapPanel::selectAt);
    connect(m_map, &Heatmap::tileWanted, this, [this](const TileRequest& request) {
        if (!m_use) return;
        if (chosen() == Map::Apart)
            m_map->setTile(tileOf(m_use->apart, request));
        else
            m_map->setTile(reducedTile(map().values, map().columns, request));
    });
}

void CodeMapPanel::selectAt(std::int64_t row, std::int64_t column) {
    if (!m_use) return;
    const bool apart = chosen() == Map::Apart;
    const std::int64_t down = apart ? 1 : map().rowsPer, across = apart ? 1 : map().columnsPer;
    Selection selection = m_context.selection();
    if (row >= 0 && down > 0) selection.row = row * down;
    if (column >= 0 && across > 0) selection.column = column * across;
    m_context.select(selection);
}

CodeMapPanel::Map CodeMapPanel::chosen() const { return static_cast<Map>(m_choice->currentData().toInt()); }

const CodeMap& CodeMapPanel::map() const {
    return chosen() == Map::Zeros ? m_use->zeros : chosen() == Map::Tables ? m_use->tables : m_use->scales;
}

void CodeMapPanel::showUse(std::shared_ptr<const CodeUse> use, const engine::MatrixShape& matrix) {
    m_use = std::move(use);
    m_matrix = matrix;
    const QVariant before = m_choice->currentData();
    m_choice->clear();
    const auto offer = [&](Map which, const QString& name, bool there) {
        if (there) m_choice->addItem(name, static_cast<int>(which));
    };
    offer(Map::Scales, m_use->scalesAreSteps ? tr("Distances of levels") : tr("Scales"), !m_use->scales.values.empty());
    offer(Map::Zeros, m_use->zerosAreOffsets ? tr("Offsets") : tr("Zero points"), !m_use->zeros.values.empty());
    offer(Map::Tables, tr("Tables of levels"), !m_use->tables.values.empty());
    offer(Map::Apart, tr("Weights stored apart"), !m_use->apart.empty());
    m_choice->setCurrentIndex(std::max(0, m_choice->findData(before)));
    m_choice->setEnabled(m_choice->count() > 1);
    setVisible(m_choice->count() > 0); // one scale for the whole tensor is no map
    if (m_choice->count() > 0) showMap();
}

void CodeMapPanel::showMap() {
    if (chosen() == Map::Apart) return showApart();
    const CodeMap& values = map();
    HeatmapInfo info;
    info.rows = values.rows;
    info.columns = values.columns;
    const bool tables = chosen() == Map::Tables;
    const auto per = [](std::int64_t count, const QString& one, const QString& several) {
        return count == 1 ? one : several.arg(formatInteger(count));
    };
    const QString rows = m_use->scalesAreSteps ? tr("Output channels, every %1") : tr("Groups of %1 output channels"),
                  columns = m_use->scalesAreSteps ? tr("Input channels, every %1") : tr("Groups of %1 input channels");
    info.rowTitle = tables ? tr("Table") : per(values.rowsPer, tr("Output channel"), rows);
    info.columnTitle = tables ? tr("Level, ascending") : per(values.columnsPer, tr("Input channel"), columns);
    info.valueTitle = m_choice->currentText();
    info.limit = largest(values.values);
    info.isSigned = std::ranges::any_of(values.values, [](float x) { return x < 0; });
    if (info.isSigned) info.note = tr("Full range ±%1").arg(formatNumber(info.limit));
    m_map->setMatrix(std::move(info));
    showSelection();
}

void CodeMapPanel::showApart() {
    HeatmapInfo info;
    info.rows = m_matrix.rows;
    info.columns = m_matrix.columns;
    info.rowTitle = tr("Output channel");
    info.columnTitle = tr("Input channel");
    info.valueTitle = tr("Stored apart");
    info.limit = 0;
    info.rowMarginal.assign(static_cast<std::size_t>(info.rows), 0);
    info.columnMarginal.assign(static_cast<std::size_t>(info.columns), 0);
    for (const StoredApart& one : m_use->apart) {
        info.limit = std::max(info.limit, std::abs(static_cast<double>(one.value)));
        ++info.rowMarginal[static_cast<std::size_t>(one.row)];
        ++info.columnMarginal[static_cast<std::size_t>(one.column)];
    }
    info.marginalTitle = tr("Count");
    info.note = tr("Full range ±%1").arg(formatNumber(info.limit));
    if (!(info.limit > 0)) info.limit = 1;
    m_map->setMatrix(std::move(info));
    showSelection();
}

void CodeMapPanel::showSelection() {
    if (!m_use || m_choice->count() == 0) return;
    const Selection& now = m_context.selection();
    const bool apart = chosen() == Map::Apart;
    const auto place = [](std::int64_t channel, std::int64_t per, std::int64_t count) {
        if (channel < 0 || per <= 0 || channel / per >= count) return std::int64_t{-1};
        return channel / per;
    };
    m_map->setSelected(place(now.row, apart ? 1 : map().rowsPer, m_map->info().rows),
                       place(now.column, apart ? 1 : map().columnsPer, m_map->info().columns));
}

} // namespace qscope
