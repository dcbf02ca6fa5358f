// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_spectrum/correlation_view.h"

#include "engine/quant/element_stream.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QVBoxLayout>

#include <algorithm>

namespace qscope {

namespace {

constexpr std::int64_t kMostChannels = 64; // more are not told apart on a screen

QString helpText() {
    return CorrelationView::tr(
               "<p>Pearson's correlation between two output channels (rows) or input channels (columns) over their "
               "entries: "
               "r = Σ(a − ā)(b − b̄) / √(Σ(a − ā)² Σ(b − b̄)²), from −1 to 1; 0 where a channel is constant.</p>"
               "<p>At most %1 channels are shown, in their own order: those of the largest Euclidean norm, or evenly "
               "spread ones. "
               "The root mean square off the diagonal is compared with what independent entries give by chance, "
               "1 / √(entries − 1).</p>")
        .arg(kMostChannels);
}

/// The stored weights, or what a result adds to them.
Result<std::vector<float>> valuesOf(const TensorSubject& subject, bool error, const RunContext& job) {
    std::vector<float> values(static_cast<std::size_t>(engine::elementCount(subject.info().shape)));
    QSCOPE_CHECK(engine::decodeParallel(subject.view(), 0, values, job));
    if (!error) return values;
    std::vector<float> rounded(values.size());
    QSCOPE_CHECK(engine::dequantizeParallel(*subject.result->quantized, rounded, job));
    for (std::size_t i = 0; i < values.size(); ++i) rounded[i] -= values[i];
    return rounded;
}

} // namespace

CorrelationView::CorrelationView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Correlation"), parent)
    , m_map(new Heatmap(context)) {
    auto* layout = new QVBoxLayout(&body());
    layout->setContentsMargins(8, 0, 8, 8);
    layout->addWidget(m_map);
    header().addChoice({tr("Weights"), tr("Error")}, 0,
                       [this](int index) {
                           m_error = index == 1;
                           invalidate();
                       },
                       {tr("Of the stored weights"), tr("Of what the selected result leaves as error")});
    header().addChoice({tr("Rows"), tr("Columns")}, 0,
                       [this](int index) {
                           m_rows = index == 0;
                           invalidate();
                       },
                       {tr("Between output channels"), tr("Between input channels")});
    header().addChoice({tr("Largest"), tr("Spread")}, 0,
                       [this](int index) {
                           m_choice = static_cast<ChannelChoice>(index);
                           invalidate();
                       },
                       {tr("The channels of largest norm"), tr("Channels spread evenly over the tensor")});
    addHelp(header(), helpText());
    m_map->setReadout([this](const TileRequest& cell, std::optional<float> value) -> QString {
        const auto count = static_cast<std::int64_t>(m_found.channels.size());
        if (cell.row >= count || cell.column >= count || !value) return {};
        return tr("Channels %1 and %2\nr = %3")
            .arg(formatInteger(m_found.channels[static_cast<std::size_t>(cell.row)]),
                 formatInteger(m_found.channels[static_cast<std::size_t>(cell.column)]),
                 formatNumber(static_cast<double>(*value)));
    });
    connect(m_map, &Heatmap::tileWanted, this, [this](const TileRequest& request) {
        m_map->setTile(reducedTile(m_found.values, static_cast<std::int64_t>(m_found.channels.size()), request));
    });
    connect(m_map, &Heatmap::clicked, this, [this](qint64 row, qint64) {
        if (row < 0 || row >= static_cast<qint64>(m_found.channels.size())) return;
        Selection selection = this->context().selection();
        (m_rows ? selection.row : selection.column) = m_found.channels[static_cast<std::size_t>(row)];
        this->context().select(selection);
    });
    connect(&context, &ViewContext::checkpointChanged, this, &CorrelationView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &CorrelationView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.tensor != before.tensor || (now.method != before.method && m_error))
            invalidate();
        else
            showSelection();
    });
}

void CorrelationView::refresh() {
    header().setSubject({});
    auto subject = tensorSubject(context());
    if (!context().checkpoint()) return showNoCheckpoint(tr("How alike the channels of a weight are appears here."));
    if (!subject) return showEmpty(tr("Select a tensor in the navigator to see how alike its channels are."));
    const engine::MatrixShape matrix = subject->matrix();
    if (std::min(matrix.rows, matrix.columns) < 2)
        return showEmpty(tr("A vector has no channels to compare. Select a matrix."));
    if (m_error && !subject->result)
        return showEmpty(tr("Run a method and select its result to see how alike its errors are."),
                         subject->method ? QString() : tr("Quantize…"),
                         [this] { context().request(WindowRequest::Quantize); });
    if (!m_error) subject->method = nullptr;
    header().setSubject(describe(*subject));
    showBody();
    run(
        tr("Correlate channels"),
        [subject = *subject, matrix, error = m_error, rows = m_rows,
         choice = m_choice](const RunContext& job) -> Result<ChannelCorrelation> {
            QSCOPE_TRY(const auto values, valuesOf(subject, error, job));
            return channelCorrelation(values, matrix, rows, choice, kMostChannels, job);
        },
        [this](ChannelCorrelation found) {
            m_found = std::move(found);
            showCorrelation();
        });
}

void CorrelationView::showCorrelation() {
    HeatmapInfo info;
    const auto count = static_cast<std::int64_t>(m_found.channels.size());
    info.rows = info.columns = count;
    const QString what = m_rows ? tr("output channels") : tr("input channels");
    QString which = tr("All %1 %2").arg(formatInteger(count), what);
    if (count < m_found.all)
        which = m_choice == ChannelChoice::Largest
                    ? tr("%1 of %2 %3, of the largest norm").arg(formatInteger(count), formatInteger(m_found.all), what)
                    : tr("%1 of %2 %3, evenly spread").arg(formatInteger(count), formatInteger(m_found.all), what);
    info.rowTitle = m_rows ? tr("Output channel") : tr("Input channel");
    info.columnTitle = which;
    info.valueTitle = tr("Correlation");
    info.limit = 1;
    info.note = tr("Off the diagonal: rms %1, by chance %2")
                    .arg(formatNumber(m_found.rootMeanSquare, 3), formatNumber(m_found.byChance, 3));
    for (const std::int64_t channel : m_found.channels) {
        info.rowNames.push_back(QString::number(channel));
        info.columnNames.push_back(QString::number(channel));
    }
    m_map->setMatrix(std::move(info));
    showSelection();
}

void CorrelationView::showSelection() {
    const std::int64_t channel = m_rows ? context().selection().row : context().selection().column;
    const auto found = std::ranges::find(m_found.channels, channel);
    m_map->setSelected(found == m_found.channels.end() ? -1 : found - m_found.channels.begin(), -1);
}

} // namespace qscope
