// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_activations/transform_view.h"

#include "engine/plan/common_names.h"
#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QBoxLayout>
#include <QFileInfo>
#include <QResizeEvent>

#include <cmath>

namespace qscope {

namespace {

constexpr std::int64_t kSequences = 32;
constexpr int kWideEnough = 500; // pixels: from here the charts stand side by side

QString helpText() {
    return TransformView::tr(
        "<p>Methods such as SmoothQuant, AWQ, OmniQuant and SVDQuant divide each input channel by a factor s and "
        "multiply its weight column by it: W x = (W diag(s)) (diag(1/s) x). Shown are the tokens that calibration kept "
        "of the layer's inputs in the full-precision network: as they are, as the quantized layer meets them, "
        "x / s, and, where the method rounds activations, on its grid.</p>"
        "<p><b>Per rms</b>: each distribution over multiples of its own root mean square, which shows shapes whatever "
        "the scale.</p>"
        "<p><b>Max to mean</b>: max|x| / mean|x|. <b>Kurtosis</b>: mean (x − m)⁴ / variance², 3 for a normal "
        "distribution. <b>Rounded</b>: −10 log₁₀ Σ(x̂ − x)² / Σx², in dB, on the method's grid for activations; with a "
        "static range after the transform only.</p>");
}

PlotLayer histogram(Mark mark, const QString& name, Ink ink, const std::vector<double>& edges,
                    const std::vector<double>& counts) {
    return {mark, name, ink, edges, counts};
}

PlotLayer perChannel(Mark mark, const QString& name, Ink ink, const std::vector<float>& values) {
    PlotLayer layer{mark, name, ink, {}, {values.begin(), values.end()}};
    for (std::size_t i = 0; i <= values.size(); ++i) layer.x.push_back(static_cast<double>(i) - 0.5);
    return layer;
}

} // namespace

TransformView::TransformView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Input transform"), parent)
    , m_histogram(new PlotArea(context))
    , m_channels(new PlotArea(context))
    , m_table(new NumberTable(context)) {
    m_histogram->setTitle(tr("Inputs before and after the transform"));
    m_channels->setTitle(tr("Largest magnitude per channel"));
    m_table->setColumns({{tr("Inputs"), {}, true},
                         {tr("Largest"), tr("The largest magnitude")},
                         {tr("Max to mean"), tr("<qt>max|x| / mean|x|</qt>")},
                         {tr("Kurtosis"), tr("<qt>mean (x − m)⁴ / variance²; 3 for a normal distribution</qt>")},
                         {tr("Rounded (dB)"), tr("<qt>−10 log₁₀ Σ(x̂ − x)² / Σx² on the method's grid for activations; "
                                                 "a dash: not rounded</qt>")}});
    m_table->setSortingEnabled(false);
    auto* page = new QVBoxLayout(&body());
    page->setContentsMargins(8, 0, 8, 8);
    page->setSpacing(8);
    m_outer = new QBoxLayout(QBoxLayout::LeftToRight);
    m_outer->setSpacing(16);
    page->addLayout(m_outer, 1);
    page->addWidget(m_table);
    m_outer->addWidget(m_histogram, 1);
    m_outer->addWidget(m_channels, 1);
    header().addChoice({tr("Values"), tr("Per rms")}, 0,
                       [this](int index) {
                           m_perRms = index == 1;
                           invalidate();
                       },
                       {tr("Inputs in their own units"), tr("Inputs divided by their root mean square")});
    addHelp(header(), helpText());
    connect(m_channels, &PlotArea::clicked, this, [this](PlotArea::Hit hit) {
        Selection selection = this->context().selection();
        selection.column = hit.index; // an input channel is a column of the weight
        this->context().select(selection);
    });
    connect(&context, &ViewContext::checkpointChanged, this, &TransformView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &TransformView::invalidate);
    connect(&context.textRuns(), &TextRuns::textChanged, this, &TransformView::invalidate);
    connect(&context.textRuns(), &TextRuns::changed, this, [this](TextRun which) {
        if (which == TextRun::Calibration) invalidate();
    });
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.tensor != before.tensor || now.method != before.method) invalidate();
    });
}

void TransformView::offerAnother(const QString& text) {
    const auto report = context().report();
    const std::int64_t tensor = context().selection().tensor;
    for (std::size_t i = 0; report && i < report->methods.size(); ++i) {
        const auto* result = resultOf(report->methods[i], tensor);
        if (!result || !result->quantized || inputFactors(*result->quantized).empty()) continue;
        return showEmpty(text, tr("Show %1").arg(QString::fromStdString(report->methods[i].label)), [this, i] {
            Selection selection = context().selection();
            selection.method = static_cast<int>(i);
            context().select(selection);
        });
    }
    showEmpty(
        tr("Run a method that moves scale from a layer's inputs into its weights (smooth+gptq, awq+rtn, omniquant "
           "with channel factors, svdquant) to see the inputs before and after."),
        tr("Quantize…"), [this] { context().request(WindowRequest::Quantize); });
}

void TransformView::offerCalibration() {
    TextRuns& runs = context().textRuns();
    if (runs.jobs(TextRun::Calibration).running())
        return showEmpty(tr("The text runs through the model."), tr("Cancel"),
                         [this] { context().textRuns().cancel(TextRun::Calibration); });
    const QString what = tr("What a text sends into the layer is not known yet.");
    if (runs.text().isEmpty())
        return showEmpty(what, tr("Choose text…"), [this] { context().request(WindowRequest::ChooseText); });
    const QString problem = runs.problem(TextRun::Calibration);
    showEmpty(problem.isEmpty() ? what : problem, tr("Calibrate on %1").arg(QFileInfo(runs.text()).fileName()),
              [this] { context().textRuns().calibrate(kSequences, 0); });
}

void TransformView::refresh() {
    header().setSubject({});
    if (!context().checkpoint())
        return showNoCheckpoint(tr("What a transform does to the inputs of a layer appears here."));
    const auto subject = tensorSubject(context());
    if (!subject) return showEmpty(tr("Select the weight of a linear layer in the navigator."));
    if (!subject->result) return offerAnother(tr("Select a method that transforms the inputs of this layer."));
    std::vector<float> factors = inputFactors(*subject->result->quantized);
    m_method = subject->methodIndex;
    m_label = QString::fromStdString(subject->method->label);
    if (factors.empty()) return offerAnother(tr("%1 leaves the inputs of this layer as they are.").arg(m_label));
    const auto calibration = context().textRuns().calibration();
    if (!calibration) return offerCalibration();
    const engine::Checkpoint& checkpoint = *subject->checkpoint;
    const std::string name = engine::weightName(checkpoint, engine::modelFamily(checkpoint), subject->info().name);
    const auto inputs = calibration->inputs.find(name);
    if (inputs == calibration->inputs.end()) return showEmpty(tr("The text did not reach this layer."));
    header().setSubject(tr("into %1 · %2 · %3 of %4 tokens")
                            .arg(QString::fromStdString(subject->info().name), m_label,
                                 formatInteger(inputs->second->sampleRows), formatInteger(inputs->second->tokens)));
    showBody();
    run(
        tr("Transform inputs"),
        [inputs = inputs->second, factors = std::move(factors), what = subject->method->activations, name,
         perRms = m_perRms](const RunContext&) {
            const bool rounds = what && what->linearInputs && (!what->layers || what->layers->contains(name));
            const engine::ActivationRange* range = nullptr;
            if (rounds)
                if (const auto found = what->ranges.find(name); found != what->ranges.end()) range = &found->second;
            return transformedInputs(*inputs, factors, rounds ? &what->inputGrid : nullptr, range, perRms);
        },
        [this](const TransformedInputs& made) {
            showInputs(made);
            showTable(made);
        });
}

void TransformView::showInputs(const TransformedInputs& inputs) {
    const Ink before = Ink::ofCategory(-1), after = Ink::ofCategory(m_method);
    std::vector<PlotLayer> layers{histogram(Mark::Bars, tr("Before"), before, inputs.edges, inputs.before.counts),
                                  histogram(Mark::Steps, tr("After"), after, inputs.edges, inputs.after.counts)};
    if (!inputs.rounded.empty()) {
        layers.push_back(histogram(Mark::Steps, tr("After, rounded"), after, inputs.edges, inputs.rounded));
        layers.back().dash = Qt::DotLine;
    }
    const QString x = m_perRms ? tr("Input / its root mean square") : tr("Input");
    m_histogram->setAxes({x, {}, Scale::Linear, true}, {tr("Count"), {}, Scale::Log});
    m_histogram->setLayers(std::move(layers));
    m_channels->setAxes({tr("Input channel"), {}, Scale::Linear, false, true}, {tr("Magnitude"), {}, Scale::Log});
    m_channels->setReadout([this](const PlotArea::Hit& hit) {
        const auto& shown = m_channels->layers();
        const auto at = static_cast<std::size_t>(hit.index);
        return tr("Channel %1\nbefore %2\nafter %3")
            .arg(formatInteger(hit.index), formatNumber(shown[0].y[at]), formatNumber(shown[1].y[at]));
    });
    m_channels->setLayers({perChannel(Mark::Bars, tr("Before"), before, inputs.before.channelMax),
                           perChannel(Mark::Steps, tr("After"), after, inputs.after.channelMax)});
}

void TransformView::showTable(const TransformedInputs& inputs) {
    std::vector<NumberRow> rows;
    const auto add = [&](const QString& name, const Spread& spread, int category) {
        NumberRow row{
            {{name},
             {formatNumber(spread.largest), spread.largest},
             {formatNumber(spread.maxToMean), spread.maxToMean},
             {formatNumber(spread.kurtosis), spread.kurtosis},
             {spread.sqnrDb ? formatNumber(*spread.sqnrDb, 3) : QStringLiteral("–"), spread.sqnrDb.value_or(0)}},
            static_cast<int>(rows.size())};
        row.swatch = Ink::ofCategory(category);
        rows.push_back(std::move(row));
    };
    add(tr("Before"), inputs.before, -1);
    add(tr("After"), inputs.after, m_method);
    m_table->setRows(rows);
    m_table->setFixedHeight(m_table->fontMetrics().height() * 2 + 2 * (m_table->rowHeight(0) + 1) + 8);
}

void TransformView::resizeEvent(QResizeEvent* event) {
    ViewPage::resizeEvent(event);
    m_outer->setDirection(event->size().width() >= kWideEnough ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
}

} // namespace qscope
