// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_overview/overview_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/sdk/widgets/tensor_subject.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QStandardItemModel>
#include <QTimer>

#include <algorithm>
#include <cmath>
#include <limits>

namespace qscope {

namespace {

constexpr int kFollowMs = 100;

std::int64_t known(const std::vector<float>& values) {
    return std::ranges::count_if(values, [](float value) { return !std::isnan(value); });
}

} // namespace

OverviewView::OverviewView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Overview"), parent)
    , m_choice(new QComboBox)
    , m_heatmap(new Heatmap(context))
    , m_later(new QTimer(this)) {
    auto* layout = new QHBoxLayout(&body());
    layout->setContentsMargins(8, 0, 8, 8);
    layout->addWidget(m_heatmap);
    m_choice->setObjectName(QStringLiteral("overviewNumber"));
    m_choice->setAccessibleName(tr("Number that colours the map"));
    fillChoice();
    header().addWidget(m_choice);
    connect(m_choice, &QComboBox::currentIndexChanged, this, [this] {
        m_number = m_choice->currentData().toUInt();
        m_choice->setToolTip(metricTooltip(number().key));
        invalidate();
    });
    addHelp(header(), tr("The whole model at once: layers from top to bottom, modules of a layer from left to right, "
                          "one cell per weight matrix. The colour is the number chosen above; its formula and source "
                          "are in the choice's tooltip. A cell that stands for several tensors (experts) shows the "
                          "worst of them.\n\n"
                          "Statistics come from the stored weights, errors from the selected result. Influence on the "
                          "loss comes from the propagation view's run over single layers."));
    m_later->setSingleShot(true);
    m_later->setInterval(kFollowMs);
    connect(m_later, &QTimer::timeout, this, &OverviewView::invalidate);
    connect(m_heatmap, &Heatmap::tileWanted, this, &OverviewView::answerTile);
    connect(m_heatmap, &Heatmap::clicked, this, &OverviewView::selectAt);
    m_heatmap->setReadout([this](const TileRequest& area, std::optional<float>) { return readout(area); });
    connect(&context, &ViewContext::checkpointChanged, this, &OverviewView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &OverviewView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        before.method == this->context().selection().method ? showSelection() : invalidate();
    });
    connect(&context, &ViewContext::statisticsChanged, this, [this](qint64 tensor) {
        if (this->context().checkpoint() != m_checkpoint) return;
        keep(tensor);
        askForStatistics();
        if (!m_later->isActive()) m_later->start();
    });
    connect(&context.textRuns(), &TextRuns::changed, this, [this](TextRun run) {
        if (run == TextRun::Propagation) invalidate();
    });
}

void OverviewView::fillChoice() {
    const auto numbers = overviewNumbers();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (i > 0 && numbers[i].source != numbers[i - 1].source) m_choice->insertSeparator(m_choice->count());
        m_choice->addItem(titleOf(numbers[i]), static_cast<uint>(i));
        m_choice->setItemData(m_choice->count() - 1, metricTooltip(numbers[i].key), Qt::ToolTipRole);
    }
    m_choice->setToolTip(metricTooltip(number().key));
}

const OverviewNumber& OverviewView::number() const { return overviewNumbers()[m_number]; }

const engine::MethodResult* OverviewView::method() const {
    if (!m_report || m_report->methods.empty()) return nullptr;
    const int chosen = std::clamp(context().selection().method, 0, static_cast<int>(m_report->methods.size()) - 1);
    return &m_report->methods[static_cast<std::size_t>(chosen)];
}

void OverviewView::adoptCheckpoint() {
    m_checkpoint = context().checkpoint();
    const std::size_t count = m_checkpoint->tensors.size();
    m_map = moduleMap(*m_checkpoint);
    StatisticValues none;
    none.fill(std::numeric_limits<float>::quiet_NaN());
    m_statistics.assign(count, none);
    m_known.assign(count, false);
    m_next = static_cast<std::int64_t>(count) - 1;
}

void OverviewView::keep(std::int64_t tensor) {
    if (!m_checkpoint || tensor < 0 || tensor >= static_cast<std::int64_t>(m_known.size())) return;
    const auto index = static_cast<std::size_t>(tensor);
    if (m_known[index]) return;
    const auto statistics = context().statistics(tensor);
    if (!statistics) return;
    m_statistics[index] = statisticValues(*statistics);
    m_known[index] = true;
}

// Backwards, because the window's own pass over a new checkpoint goes forwards: they meet. Asking takes the place of a
// request that another view waits for, so that the selected tensor, which all of them show, has to be there first.
void OverviewView::askForStatistics() {
    if (!isVisible() || number().source != NumberSource::Statistics) return;
    const std::int64_t selected = context().selection().tensor;
    if (selected >= 0 && !context().statistics(selected)) return;
    for (; m_next >= 0; --m_next) {
        const auto index = static_cast<std::size_t>(m_next);
        const engine::TensorInfo& tensor = m_checkpoint->tensors[index];
        if (m_known[index] || !tensor.isWhole() || !engine::canDecode(tensor.dtype)) continue;
        keep(m_next);
        if (!m_known[index]) return; // `statisticsChanged` follows
    }
}

void OverviewView::refresh() {
    if (!context().checkpoint()) {
        m_checkpoint.reset();
        return showNoCheckpoint(tr("All layers and modules of a model, coloured by any statistic, appear here."));
    }
    if (context().checkpoint() != m_checkpoint) adoptCheckpoint();
    m_report = context().report();
    showBody();
    askForStatistics();
    showMap();
    showSelection();
}

void OverviewView::showMap() {
    const engine::MethodResult* result = method();
    const engine::MethodPropagation* effects = nullptr;
    const auto propagation = context().textRuns().propagation();
    if (propagation && result)
        for (const auto& each : propagation->methods)
            if (each.label == result->label && !each.attribution.empty()) effects = &each;
    auto* model = qobject_cast<QStandardItemModel*>(m_choice->model());
    for (int i = 0; i < m_choice->count(); ++i) {
        if (!m_choice->itemData(i).isValid()) continue; // a separator
        const auto source = overviewNumbers()[m_choice->itemData(i).toUInt()].source;
        model->item(i)->setEnabled(source < NumberSource::Result ||
                                   (source == NumberSource::Result ? !!result : !!effects));
    }

    m_values = valuesOf(m_number, *m_checkpoint, m_statistics, result, effects);
    for (std::size_t i = 0; i < m_values.size(); ++i)
        if (m_map.cellOf[i] < 0) m_values[i] = std::numeric_limits<float>::quiet_NaN();
    const bool ofMethod = number().source >= NumberSource::Result && result;
    header().setSubject(ofMethod ? QString::fromStdString(result->label) : tr("stored values"));

    HeatmapInfo info;
    info.rows = static_cast<std::int64_t>(m_map.rows.size());
    info.columns = static_cast<std::int64_t>(m_map.columns.size());
    info.rowTitle = tr("Layer");
    info.columnTitle = tr("Module");
    info.rowNames = m_map.rows;
    info.columnNames = m_map.columns;
    info.valueTitle = titleOf(number());
    info.isSigned = number().key == "mean";
    info.range = rangeOf(number(), m_values);
    info.scale = number().scale;
    info.note = note();
    m_heatmap->setMatrix(std::move(info));
}

QString OverviewView::note() const {
    const auto whole = std::ranges::count_if(m_map.cellOf, [](std::int64_t cell) { return cell >= 0; });
    const std::int64_t values = known(m_values);
    QStringList notes;
    if (values < whole) {
        const QString count = QStringLiteral("%1 of %2").arg(formatInteger(values), formatInteger(whole));
        switch (number().source) {
        case NumberSource::Statistics: notes << tr("%1 tensors known so far").arg(count); break;
        case NumberSource::Stored: break;
        case NumberSource::Result: notes << tr("%1 tensors quantized").arg(count); break;
        case NumberSource::Propagation: notes << tr("%1 tensors in measured layers").arg(count); break;
        }
    }
    if (static_cast<std::size_t>(whole) > m_map.cells.size()) notes << tr("shared cells show their worst");
    if (number().scale == Scale::Log) notes << tr("log scale");
    return notes.join(QStringLiteral(" · "));
}

std::int64_t OverviewView::worstIn(const TileRequest& area, std::size_t* tensors) const {
    const auto first = std::ranges::lower_bound(m_map.cells, area.row, {}, &MapCell::row);
    std::int64_t worst = -1;
    for (auto cell = first; cell != m_map.cells.end() && cell->row < area.row + area.rows; ++cell) {
        if (cell->column < area.column || cell->column >= area.column + area.columns) continue;
        if (tensors) *tensors += cell->tensors.size();
        for (const std::size_t tensor : cell->tensors) {
            const float value = m_values[tensor];
            const float best =
                worst < 0 ? std::numeric_limits<float>::quiet_NaN() : m_values[static_cast<std::size_t>(worst)];
            if (worst < 0 || (!std::isnan(value) && (std::isnan(best) || isWorse(number(), static_cast<double>(value),
                                                                                 static_cast<double>(best)))))
                worst = static_cast<std::int64_t>(tensor);
        }
    }
    return worst;
}

void OverviewView::answerTile(const TileRequest& request) {
    constexpr float kNothing = -std::numeric_limits<float>::infinity();
    MatrixTile tile{request, {}};
    tile.cells.assign(static_cast<std::size_t>(request.cellRows() * request.cellColumns()), kNothing);
    for (const MapCell& cell : m_map.cells) {
        const std::int64_t row = cell.row - request.row, column = cell.column - request.column;
        if (row < 0 || row >= request.rows || column < 0 || column >= request.columns) continue;
        float& shown = tile.cells[static_cast<std::size_t>(row / request.rowFactor * request.cellColumns() +
                                                           column / request.columnFactor)];
        for (const std::size_t tensor : cell.tensors) {
            const float value = m_values[tensor];
            if (shown == kNothing || std::isnan(shown) ||
                (!std::isnan(value) && isWorse(number(), static_cast<double>(value), static_cast<double>(shown))))
                shown = value;
        }
    }
    m_heatmap->setTile(std::move(tile));
}

QString OverviewView::readout(const TileRequest& area) const {
    if (!m_checkpoint) return {};
    std::size_t tensors = 0;
    const std::int64_t worst = worstIn(area, &tensors);
    if (worst < 0) return {};
    const engine::TensorInfo& tensor = m_checkpoint->tensors[static_cast<std::size_t>(worst)];
    QStringList sizes;
    for (const std::int64_t size : tensor.shape) sizes << formatInteger(size);
    const auto type = engine::typeName(tensor);
    const float value = m_values[static_cast<std::size_t>(worst)];
    QStringList lines{
        QString::fromStdString(tensor.name),
        QStringLiteral("%1 · %2").arg(sizes.join(QStringLiteral(" × ")),
                                      QString::fromUtf8(type.data(), static_cast<qsizetype>(type.size()))),
        !std::isnan(value)                             ? textOf(number(), static_cast<double>(value))
        : number().source == NumberSource::Statistics  ? tr("not known yet")
        : number().source == NumberSource::Propagation ? tr("not measured")
                                                       : tr("not quantized")};
    if (tensors > 1) lines << tr("the worst of %1 tensors here").arg(formatInteger(static_cast<std::int64_t>(tensors)));
    return lines.join(QLatin1Char('\n'));
}

void OverviewView::showSelection() {
    const std::int64_t tensor = context().selection().tensor;
    const std::int64_t cell = tensor >= 0 && tensor < static_cast<std::int64_t>(m_map.cellOf.size())
                                  ? m_map.cellOf[static_cast<std::size_t>(tensor)]
                                  : -1;
    if (cell < 0) return m_heatmap->setSelected(-1, -1);
    const MapCell& at = m_map.cells[static_cast<std::size_t>(cell)];
    m_heatmap->setSelected(at.row, at.column);
}

void OverviewView::selectAt(std::int64_t row, std::int64_t column) {
    if (row < 0 || column < 0 || !m_checkpoint) return;
    TileRequest area{row, 1, column, 1, 1, 1};
    (void)m_heatmap->valueAt(row, column, &area);
    const std::int64_t tensor = worstIn(area);
    if (tensor < 0) return;
    Selection selection = context().selection();
    if (selection.tensor != tensor) selection.row = selection.column = -1;
    selection.tensor = tensor;
    selection.layer = engine::layerIndex(m_checkpoint->tensors[static_cast<std::size_t>(tensor)].name).value_or(-1);
    context().select(selection);
}

} // namespace qscope
