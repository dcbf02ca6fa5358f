// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_activations/activations_view.h"

#include "engine/plan/common_names.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"
#include "plugins/sdk/widgets/tensor_subject.h"

#include <QFileInfo>
#include <QGridLayout>
#include <QSpinBox>

#include <algorithm>

namespace qscope {

namespace {

constexpr std::int64_t kSequences = 32;
constexpr std::int64_t kAttentionTokens = 96;

/// One bar per value at its index.
PlotLayer barsOf(const QString& name, std::span<const float> values) {
    PlotLayer bars{Mark::Bars, name, Ink::of(Role::Muted), {}, {values.begin(), values.end()}};
    bars.inLegend = false;
    for (std::size_t i = 0; i <= values.size(); ++i) bars.x.push_back(static_cast<double>(i) - 0.5);
    return bars;
}

/// What the text sent into the selected tensor; null where nothing flows into it.
const engine::InputStatistics* inputsOf(const TensorSubject& subject, const engine::Calibration& calibration) {
    const engine::Checkpoint& checkpoint = *subject.checkpoint;
    return calibration.find(engine::weightName(checkpoint, engine::modelFamily(checkpoint), subject.info().name));
}

} // namespace

ActivationsView::ActivationsView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Activations"), parent)
    , m_inputs(new QWidget)
    , m_channels(new PlotArea(context))
    , m_tokens(new PlotArea(context))
    , m_histogram(new PlotArea(context))
    , m_map(new Heatmap(context))
    , m_head(new QSpinBox)
    , m_veil(new BusyVeil(context, body().parentWidget())) {
    auto* layout = new QGridLayout(&body());
    layout->setContentsMargins(8, 0, 8, 8);
    layout->addWidget(m_inputs, 0, 0);
    layout->addWidget(m_map, 0, 0);
    auto* grid = new QGridLayout(m_inputs);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(8);
    grid->addWidget(m_channels, 0, 0);
    grid->addWidget(m_histogram, 0, 1);
    grid->addWidget(m_tokens, 1, 0, 1, 2);
    grid->setColumnStretch(0, 3);
    grid->setColumnStretch(1, 2);
    m_channels->setTitle(tr("Largest magnitude per channel"));
    m_tokens->setTitle(tr("Largest magnitude per token"));
    m_histogram->setTitle(tr("Distribution of the inputs"));
    for (PlotArea* plot : {m_channels, m_tokens, m_histogram}) plot->setMinimumHeight(110);
    m_head->setPrefix(tr("Head "));
    m_head->setFont(Theme::caption());
    m_head->setAccessibleName(tr("Attention head"));
    m_head->setToolTip(tr("The head of the layer whose attention is shown"));
    header().addWidget(m_head);
    header().addChoice(
        {tr("Inputs"), tr("Attention")}, 0,
        [this](int index) {
            m_attention = index == 1;
            invalidate();
        },
        {tr("What the text sends into the selected layer"), tr("Which token looks at which, for one head")});
    addHelp(header(),
             tr("What a text sends into the selected linear layer: the largest magnitude max |x| of each "
                "input channel and of each token, and a histogram of all inputs. Channels that stand out over "
                "all tokens are what makes activations hard to quantize (Xiao et al., SmoothQuant, 2023).\n\n"
                "Attention: softmax(q kᵀ / √d) of one head in the layer, the row is the token that looks, the "
                "column the token looked at (Vaswani et al., Attention is all you need, 2017)."));
    connect(m_head, &QSpinBox::valueChanged, this, &ActivationsView::invalidate);
    connect(m_map, &Heatmap::tileWanted, this, [this](const TileRequest& request) {
        m_map->setTile(reducedTile(m_cells, m_map->info().columns, request));
    });
    connect(m_map, &Heatmap::clicked, this, [this](qint64 row, qint64) {
        Selection selection = this->context().selection();
        selection.token = row;
        this->context().select(selection);
    });
    connect(m_channels, &PlotArea::clicked, this, [this](PlotArea::Hit hit) {
        Selection selection = this->context().selection();
        selection.column = hit.index; // an input channel is a column of the weight
        this->context().select(selection);
    });
    connect(&context, &ViewContext::checkpointChanged, this, &ActivationsView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, &ActivationsView::invalidate);
    connect(&context.textRuns(), &TextRuns::changed, this, &ActivationsView::invalidate);
    connect(&context.textRuns(), &TextRuns::textChanged, this, &ActivationsView::invalidate);
}

void ActivationsView::refresh() {
    if (!context().checkpoint()) return showNoCheckpoint(tr("What a text sends through the layers appears here."));
    const TextRun run = m_attention ? TextRun::Activations : TextRun::Calibration;
    const Jobs& jobs = context().textRuns().jobs(run);
    jobs.running() ? m_veil->watch(jobs) : m_veil->stop();
    header().setSubject({});
    m_inputs->setVisible(!m_attention);
    m_map->setVisible(m_attention);
    m_head->setVisible(m_attention);
    m_attention ? showAttention() : showInputs();
}

void ActivationsView::offer(TextRun run, const QString& what, const QString& action, std::function<void()> start) {
    TextRuns& runs = context().textRuns();
    if (runs.jobs(run).running())
        return showEmpty(tr("The text runs through the model."), tr("Cancel"),
                         [this, run] { context().textRuns().cancel(run); });
    if (runs.text().isEmpty())
        return showEmpty(what, tr("Choose text…"), [this] { context().request(WindowRequest::ChooseText); });
    const QString problem = runs.problem(run);
    showEmpty(problem.isEmpty() ? what : problem, action, std::move(start));
}

void ActivationsView::showInputs() {
    const auto calibration = context().textRuns().calibration();
    if (!calibration)
        return offer(TextRun::Calibration, tr("What a text sends into the selected layer appears here."),
                     tr("Calibrate on %1").arg(QFileInfo(context().textRuns().text()).fileName()),
                     [this] { context().textRuns().calibrate(kSequences, 0); });
    const auto subject = tensorSubject(context());
    const auto* inputs = subject ? inputsOf(*subject, *calibration) : nullptr;
    if (!inputs)
        return showEmpty(tr("Select the weight of a linear layer in the navigator to see what flows into it."));
    showBody();
    header().setSubject(tr("into %1 · %2 tokens, %3 of %4 channels silent")
                            .arg(QString::fromStdString(subject->info().name), formatInteger(inputs->tokens),
                                 formatInteger(inputs->silentChannels()), formatInteger(inputs->channels)));
    PlotLayer channels = barsOf(tr("Largest magnitude"), inputs->channelMax);
    const std::int64_t column = context().selection().column;
    if (column >= 0 && column < inputs->channels) channels.selected = static_cast<int>(column);
    m_channels->setAxes({tr("Input channel"), {}, Scale::Linear, false, true},
                        {tr("Magnitude"), {}, Scale::Linear, true});
    m_channels->setLayers({std::move(channels)});
    m_tokens->setAxes({tr("Token"), {}, Scale::Linear, false, true}, {tr("Magnitude"), {}, Scale::Linear, true});
    m_tokens->setLayers({barsOf(tr("Largest magnitude"), inputs->tokenMax)});
    const auto& histogram = inputs->histogram;
    PlotLayer values{Mark::Bars,
                     tr("Values"),
                     Ink::of(Role::Muted),
                     histogram.edges,
                     {histogram.counts.begin(), histogram.counts.end()}};
    values.inLegend = false;
    m_histogram->setAxes({tr("Input"), {}, Scale::Linear, true}, {tr("Count"), {}, Scale::Log});
    m_histogram->setLayers({std::move(values)});
}

void ActivationsView::showAttention() {
    const auto maps = context().textRuns().activations();
    if (!maps)
        return offer(
            TextRun::Activations, tr("Who attends to whom appears here, head by head."),
            tr("Run %1 tokens of %2").arg(kAttentionTokens).arg(QFileInfo(context().textRuns().text()).fileName()),
            [this] { context().textRuns().recordActivations(kAttentionTokens); });
    int layer = context().selection().layer;
    if (const auto subject = tensorSubject(context()); layer < 0 && subject)
        layer = engine::layerIndex(subject->info().name).value_or(0);
    const auto found = std::find_if(maps->attention.begin(), maps->attention.end(),
                                    [&](const auto& map) { return map.layer == std::max(layer, 0); });
    if (found == maps->attention.end() || found->heads < 1)
        return showEmpty(tr("No attention was recorded in this layer. Select a weight of another one."));
    showBody();
    m_head->setRange(0, static_cast<int>(found->heads) - 1);
    const std::int64_t cells = found->queries * found->keys;
    m_maps = maps;
    m_cells = std::span(found->probabilities)
                  .subspan(static_cast<std::size_t>(m_head->value() * cells), static_cast<std::size_t>(cells));
    header().setSubject(tr("layer %1, %2 tokens").arg(found->layer).arg(found->queries));
    HeatmapInfo info;
    info.rows = found->queries;
    info.columns = found->keys;
    info.rowTitle = tr("Token that attends");
    info.columnTitle = tr("Token attended to");
    info.valueTitle = tr("Probability");
    info.isSigned = false;
    info.limit = 1;
    m_map->setMatrix(std::move(info));
    const auto token = context().selection().token;
    m_map->setSelected(token < found->queries ? token : -1, -1);
}

} // namespace qscope
