// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_heatmap/heatmap_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QAction>
#include <QVBoxLayout>

#include <algorithm>

namespace qscope {

HeatmapView::HeatmapView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Heatmap"), parent)
    , m_heatmap(new Heatmap(context))
    , m_sortRows(new QAction(tr("Sort rows"), this))
    , m_sortColumns(new QAction(tr("Sort columns"), this))
    , m_tileJobs(context.makeJobs()) {
    auto* layout = new QVBoxLayout(&body());
    layout->setContentsMargins(8, 0, 8, 8);
    layout->addWidget(m_heatmap);
    header().addChoice({tr("Weights"), tr("Dequantized"), tr("Error")}, 0,
                       [this](int index) {
                           m_values = static_cast<Values>(index);
                           invalidate();
                       },
                       {tr("The weights as the file holds them"), tr("What the selected result makes of them"),
                        tr("The result less the stored weight")});
    addHelp(
        header(),
        tr("Each cell is a weight: rows are output channels, columns input channels. Colours are symmetric about "
           "zero; the range is printed beside the bar. Where several weights share a pixel, the one of largest "
           "magnitude shows, so that outliers never vanish.\n\n"
           "Dequantized: ŵ, what the selected result's codes stand for. Error: ŵ − w. The bars beside the axes are "
           "the Euclidean norms √Σw² of the rows and columns."));
    m_sortRows->setToolTip(tr("Draw the rows with the largest Euclidean norm first"));
    m_sortColumns->setToolTip(tr("Draw the columns with the largest Euclidean norm first"));
    for (QAction* action : {m_sortRows, m_sortColumns}) {
        action->setCheckable(true);
        header().addAction(action);
        connect(action, &QAction::toggled, this, &HeatmapView::invalidate);
    }
    m_heatmap->setReadout([this](const TileRequest& cell, std::optional<float> value) { return readout(cell, value); });
    connect(m_heatmap, &Heatmap::tileWanted, this, &HeatmapView::fetchTile);
    connect(m_heatmap, &Heatmap::clicked, this, &HeatmapView::selectCell);
    connect(&context, &ViewContext::checkpointChanged, this, &HeatmapView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &HeatmapView::invalidate);
    connect(&context, &ViewContext::statisticsChanged, this, [this](qint64 tensor) {
        if (tensor == this->context().selection().tensor) invalidate();
    });
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.tensor != before.tensor || (now.method != before.method && m_values != Values::Weights))
            invalidate();
        else
            showSelection();
    });
}

void HeatmapView::refresh() {
    const auto subject = tensorSubject(context());
    if (!context().checkpoint()) return showNoCheckpoint(tr("A tensor's weights appear here as a picture."));
    if (!subject) return showEmpty(tr("Select a tensor in the navigator to see its weights as a picture."));
    header().setSubject(describe(*subject));
    if (m_values != Values::Weights && !subject->result) {
        const QString which = m_values == Values::Error ? tr("the error") : tr("the dequantized weights");
        return showEmpty(subject->method ? tr("%1 did not treat this tensor. Select another method to see %2.")
                                               .arg(QString::fromStdString(subject->method->label), which)
                                         : tr("Run a method and select its result to see %1 it leaves.").arg(which),
                         subject->method ? QString() : tr("Quantize…"),
                         [this] { context().request(WindowRequest::Quantize); });
    }
    const auto statistics = context().statistics(subject->index);
    if (!statistics && (m_sortRows->isChecked() || m_sortColumns->isChecked())) return; // `statisticsChanged` follows
    DrawnOrder order;
    if (statistics && m_sortRows->isChecked()) order.rows = descendingOrder(statistics->rowNorms);
    if (statistics && m_sortColumns->isChecked()) order.columns = descendingOrder(statistics->columnNorms);
    MatrixSource source = m_values == Values::Weights       ? storedValues(subject->view())
                          : m_values == Values::Dequantized ? dequantizedValues(subject->result->quantized)
                                                            : errorValues(subject->view(), subject->result->quantized);
    showBody();
    run(
        tr("Draw heatmap"), [source, order](const RunContext& job) { return prepareMatrix(source, order, job); },
        [this, subject = *subject](std::shared_ptr<const DrawnMatrix> matrix) {
            showMatrix(subject, std::move(matrix));
        });
}

void HeatmapView::showMatrix(const TensorSubject& subject, std::shared_ptr<const DrawnMatrix> matrix) {
    m_matrix = std::move(matrix);
    m_rowPlaces = placesOf(m_matrix->order.rows);
    m_columnPlaces = placesOf(m_matrix->order.columns);
    HeatmapInfo info;
    info.rows = m_matrix->source.shape.rows;
    info.columns = m_matrix->source.shape.columns;
    const bool channels = subject.info().shape.size() >= 2;
    info.rowTitle = channels ? tr("Output channel") : tr("Row");
    info.columnTitle = channels ? tr("Input channel") : tr("Element");
    if (!m_matrix->order.rows.empty()) info.rowTitle += tr(", largest norm first");
    if (!m_matrix->order.columns.empty()) info.columnTitle += tr(", largest norm first");
    info.valueTitle = m_values == Values::Weights       ? tr("Weight")
                      : m_values == Values::Dequantized ? tr("Dequantized")
                                                        : tr("Error");
    info.limit = m_matrix->absoluteMaximum > 0 ? static_cast<double>(m_matrix->absoluteMaximum) : 1;
    info.note = tr("Full range ±%1").arg(formatNumber(info.limit));
    if (const auto statistics = context().statistics(subject.index); statistics && info.rows > 1) {
        const auto inOrder = [](const std::vector<float>& values, const std::vector<std::int64_t>& order) {
            std::vector<float> result = values;
            for (std::size_t i = 0; i < order.size(); ++i) result[i] = values[static_cast<std::size_t>(order[i])];
            return result;
        };
        info.rowMarginal = inOrder(statistics->rowNorms, m_matrix->order.rows);
        info.columnMarginal = inOrder(statistics->columnNorms, m_matrix->order.columns);
        info.marginalTitle = tr("Norm");
    }
    m_heatmap->setMatrix(std::move(info));
    showSelection();
}

void HeatmapView::fetchTile(const TileRequest& request) {
    if (!m_matrix) return;
    runJob(
        *m_tileJobs, tr("Draw tile"),
        [matrix = m_matrix, request](const RunContext& job) { return drawTile(*matrix, request, job); },
        [this](Result<MatrixTile> tile) {
            if (tile)
                m_heatmap->setTile(*std::move(tile));
            else
                showError(tile.error());
        });
}

void HeatmapView::showSelection() {
    if (!m_matrix) return;
    const Selection& now = context().selection();
    const auto placeOf = [](std::int64_t channel, std::int64_t count, const std::vector<std::int64_t>& places) {
        if (channel < 0 || channel >= count) return std::int64_t{-1};
        return places.empty() ? channel : places[static_cast<std::size_t>(channel)];
    };
    m_heatmap->setSelected(placeOf(now.row, m_heatmap->info().rows, m_rowPlaces),
                           placeOf(now.column, m_heatmap->info().columns, m_columnPlaces));
}

void HeatmapView::selectCell(std::int64_t row, std::int64_t column) {
    if (!m_matrix) return;
    Selection selection = context().selection();
    selection.row = row < 0 ? -1 : m_matrix->order.row(row);
    selection.column = column < 0 ? -1 : m_matrix->order.column(column);
    context().select(selection);
}

QString HeatmapView::readout(const TileRequest& cell, std::optional<float> value) const {
    if (!m_matrix) return {};
    const bool single = cell.rows * cell.columns == 1;
    QString text;
    if (single)
        text =
            tr("Row %1, column %2")
                .arg(formatInteger(m_matrix->order.row(cell.row)), formatInteger(m_matrix->order.column(cell.column)));
    else if (m_matrix->order.rows.empty() && m_matrix->order.columns.empty())
        text = tr("Rows %1–%2, columns %3–%4")
                   .arg(formatInteger(cell.row), formatInteger(cell.row + cell.rows - 1), formatInteger(cell.column),
                        formatInteger(cell.column + cell.columns - 1));
    else
        text = tr("%1 × %2 cells").arg(cell.rows).arg(cell.columns);
    if (value)
        text +=
            QLatin1Char('\n') + (single ? formatNumber(static_cast<double>(*value))
                                        : tr("Largest magnitude %1").arg(formatNumber(static_cast<double>(*value))));
    return text;
}

} // namespace qscope
