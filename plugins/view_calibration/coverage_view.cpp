// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_calibration/coverage_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QFileInfo>
#include <QHBoxLayout>

#include <algorithm>

namespace qscope {

CoverageView::CoverageView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Coverage"), parent)
    , m_veil(new BusyVeil(context, body().parentWidget())) {
    auto* layout = new QHBoxLayout(&body());
    layout->setContentsMargins(8, 0, 8, 8);
    layout->setSpacing(8);
    for (std::size_t i = 0; i < m_pictures.size(); ++i) makePicture(m_pictures[i], i == 0 ? 5 : 3);
    header().addChoice({tr("Silent channels"), tr("Tokens")}, 0,
                       [this](int index) {
                           m_quantity = static_cast<CoverageQuantity>(index);
                           m_calibration.reset();
                           invalidate();
                       },
                       {tr("Input channels for which every token brought zero"), tr("Tokens that passed the weight")});
    addHelp(header(),
             tr("What the calibration text reached: tokens that passed each weight matrix, and input channels "
                "that stayed silent, that is exactly zero for every token. By layer and module, by head of "
                "the attention's output, and by expert.\n\n"
                "A second-order method weighs errors by the inputs it saw, H = 2 X Xᵀ (Frantar et al., GPTQ, "
                "2023): a silent channel has no weight in it, so what the method does to its column is "
                "arbitrary. A longer or more varied text helps."));
    connect(&context, &ViewContext::checkpointChanged, this, [this] {
        m_calibration.reset();
        invalidate();
    });
    connect(&context, &ViewContext::selectionChanged, this, &CoverageView::showSelection);
    connect(&context.textRuns(), &TextRuns::changed, this, [this](TextRun run) {
        if (run == TextRun::Calibration) invalidate();
    });
}

void CoverageView::makePicture(Picture& picture, int stretch) {
    auto* heatmap = picture.heatmap = new Heatmap(context());
    heatmap->setMinimumSize(200, 120);
    qobject_cast<QHBoxLayout*>(body().layout())->addWidget(heatmap, stretch);
    connect(heatmap, &Heatmap::tileWanted, this, [&picture](const TileRequest& request) {
        picture.heatmap->setTile(reducedTile(picture.values, picture.heatmap->info().columns, request));
    });
    connect(heatmap, &Heatmap::clicked, this, [this, &picture](qint64 row, qint64 column) {
        if (row >= 0 && column >= 0) selectCell(picture, row, column);
    });
    heatmap->setReadout([&picture](const TileRequest& cell, std::optional<float>) {
        return readoutOf(picture.map, cell.row, cell.column);
    });
}

void CoverageView::refresh() {
    if (!context().checkpoint())
        return showNoCheckpoint(tr("What a calibration text reaches of the model appears here."));
    TextRuns& runs = context().textRuns();
    const bool running = runs.jobs(TextRun::Calibration).running();
    running ? m_veil->watch(runs.jobs(TextRun::Calibration)) : m_veil->stop();
    header().setSubject({});
    if (runs.calibration()) return showCalibration();
    if (running)
        return showEmpty(tr("The text runs through the model."), tr("Cancel"),
                         [this] { context().textRuns().cancel(TextRun::Calibration); });
    const QString problem = runs.problem(TextRun::Calibration);
    showEmpty(problem.isEmpty() ? tr("What a calibration text reaches of the model appears here: the tokens that each "
                                     "layer, head and expert saw, and the channels that none of them excited.")
                                : problem,
              tr("Calibrate…"), [this] { context().request(WindowRequest::Calibrate); });
}

void CoverageView::showCalibration() {
    const auto calibration = context().textRuns().calibration();
    showBody();
    header().setSubject(tr("%1 · %2 sequences of %3 tokens · %4 of the %5 tokens of the vocabulary occur")
                            .arg(QFileInfo(QString::fromStdString(calibration->settings.text)).fileName(),
                                 formatInteger(calibration->sequences), formatInteger(calibration->length),
                                 formatInteger(calibration->distinctTokens), formatInteger(calibration->vocabulary)));
    if (calibration == m_calibration) return showSelection();
    m_calibration = calibration;
    m_checkpoint = context().checkpoint();
    m_weights = engine::coverage(*m_checkpoint, *calibration);
    const std::int64_t heads = m_checkpoint->config ? m_checkpoint->config->heads : 0;
    for (std::size_t i = 0; i < m_pictures.size(); ++i) {
        Picture& picture = m_pictures[i];
        picture.map = coverageMap(m_weights, static_cast<CoverageSplit>(i), heads);
        picture.values = valuesOf(picture.map, m_quantity);
        picture.heatmap->setVisible(!picture.map.cells.empty());
        picture.heatmap->setMatrix(describeMap(picture.map, m_quantity));
    }
    showSelection();
}

void CoverageView::showSelection() {
    const Selection& now = context().selection();
    for (const Picture& picture : m_pictures) {
        const auto isSelected = [&](const CoverageCell& cell) {
            if (!cell.weight || now.tensor < 0 || cell.weight->tensor != static_cast<std::size_t>(now.tensor))
                return false;
            return picture.map.split != CoverageSplit::Heads ||
                   (now.column >= cell.firstChannel && now.column < cell.firstChannel + cell.channels);
        };
        const auto& cells = picture.map.cells;
        const auto found = std::find_if(cells.begin(), cells.end(), isSelected);
        const auto columns = static_cast<std::int64_t>(picture.map.columns.size());
        const std::int64_t place = found - cells.begin();
        found == cells.end() ? picture.heatmap->setSelected(-1, -1)
                             : picture.heatmap->setSelected(place / columns, place % columns);
    }
}

void CoverageView::selectCell(const Picture& picture, std::int64_t row, std::int64_t column) {
    const CoverageCell& cell = picture.map.at(row, column);
    if (!cell.weight) return;
    Selection selection = context().selection();
    selection.layer = cell.weight->layer.value_or(-1);
    if (cell.weight->tensor) {
        selection.tensor = static_cast<std::int64_t>(*cell.weight->tensor);
        selection.row = -1;
        selection.column = picture.map.split == CoverageSplit::Heads ? cell.firstChannel : -1;
    }
    context().select(selection);
}

} // namespace qscope
