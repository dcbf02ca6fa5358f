// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_propagation/propagation_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QAction>
#include <QButtonGroup>
#include <QComboBox>
#include <QFileInfo>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QSpinBox>
#include <QToolButton>

#include <algorithm>

namespace qscope {

namespace {

constexpr QSize kRoomForAll(860, 660); // from here all charts are shown at once
constexpr int kTokens = 256;

/// Flat buttons of which one is down.
QWidget* makeButtons(const QStringList& names, const QStringList& tips, QObject* owner,
                     std::function<void(int)> chosen) {
    auto* row = new QWidget;
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    auto* group = new QButtonGroup(row);
    for (int i = 0; i < names.size(); ++i) {
        auto* button = new QToolButton;
        button->setText(names[i]);
        button->setToolTip(tips.value(i));
        button->setFont(Theme::caption());
        button->setAutoRaise(true);
        button->setCheckable(true);
        button->setChecked(i == 0);
        group->addButton(button, i);
        layout->addWidget(button);
    }
    QObject::connect(group, &QButtonGroup::idClicked, owner, std::move(chosen));
    return row;
}

QComboBox* makeQuantities(std::initializer_list<Quantity> quantities, const QString& name) {
    auto* box = new QComboBox;
    for (const Quantity quantity : quantities) box->addItem(nameOf(quantity), static_cast<int>(quantity));
    box->setFont(Theme::caption());
    box->setAccessibleName(name);
    return box;
}

} // namespace

PropagationView::PropagationView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Propagation"), parent)
    , m_tokens(new QSpinBox)
    , m_text(new QAction(tr("Text…"), this))
    , m_run(new QAction(tr("Run"), this))
    , m_quantity(makeQuantities({Quantity::RelativeMse, Quantity::Sqnr, Quantity::Cosine}, tr("Error")))
    , m_shape(makeQuantities({Quantity::MaxToMean, Quantity::Kurtosis}, tr("Shape of the values")))
    , m_errorPlot(new PlotArea(context))
    , m_shapePlot(new PlotArea(context))
    , m_tokenErrors(new TokenErrors(context))
    , m_attribution(
          new AttributionRow(context, [this] { this->context().textRuns().propagate(m_tokens->value(), true); }))
    , m_grid(new QGridLayout(&body()))
    , m_veil(new BusyVeil(context, body().parentWidget())) {
    makeHeader();
    m_grid->setContentsMargins(8, 0, 8, 8);
    m_grid->setSpacing(8);
    m_grid->addWidget(makeChoices(), 0, 0, 1, 2);
    for (PlotArea* plot : {m_errorPlot, m_shapePlot}) {
        plot->setMinimumHeight(120);
        const bool hasReference = plot == m_shapePlot;
        plot->setReadout([this, plot](const PlotArea::Hit& hit) {
            const std::size_t method = std::min(hit.layer, m_report->methods.size() - 1);
            const auto& places = placesOf(m_report->methods[method], m_places);
            return describePlace(plot->layers()[hit.layer].name, places[static_cast<std::size_t>(hit.index)]);
        });
        connect(plot, &PlotArea::clicked, this, [this, hasReference](PlotArea::Hit hit) {
            const bool reference = hasReference && hit.layer >= m_report->methods.size();
            const auto method = reference ? static_cast<std::size_t>(shownMethod()) : hit.layer;
            const auto& places = placesOf(m_report->methods[method], m_places);
            select(static_cast<int>(method), places[static_cast<std::size_t>(hit.index)].layer);
        });
        connect(plot, &PlotArea::hovered, this, [this, plot](double x, bool inside) {
            PlotArea* other = plot == m_errorPlot ? m_shapePlot : m_errorPlot;
            other->showHover(inside ? std::optional(x) : std::nullopt);
        });
    }
    connect(m_attribution, &AttributionRow::layerChosen, this, [this](int layer) { select(shownMethod(), layer); });
    connect(&context, &ViewContext::checkpointChanged, this, &PropagationView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &PropagationView::invalidate);
    connect(&context.textRuns(), &TextRuns::textChanged, this, &PropagationView::invalidate);
    connect(&context.textRuns(), &TextRuns::changed, this, [this](TextRun run) {
        if (run == TextRun::Propagation) invalidate();
    });
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.method != before.method || now.layer != before.layer)
            invalidate();
        else if (now.token != before.token)
            m_tokenErrors->showSelection();
    });
    addHelp(header(),
             tr("The model runs the text in full precision and with each result, and both are compared at "
                "every place. Error of an activation x against the full-precision run: relative MSE = Σ(x − "
                "x̂)² / Σx², SQNR = −10 log₁₀ of it, cosine = Σx x̂ / √(Σx² Σx̂²). At the end: KL divergence "
                "of the predictions, Σp (log p − log p̂) in nats per token, p in full precision (Kullback and "
                "Leibler, 1951).\n\n"
                "Shape of the values: kurtosis = E[(x − mean)⁴] / std⁴ and max |x| / mean |x| of the "
                "activations at the same places: where they are large, a coarse grid for activations suffers.\n\n"
                "By token and layer: the error of a single token. Single layers: only one layer is quantized "
                "at a time, and what that alone does to the predictions is shown."));
    arrange();
}

void PropagationView::makeHeader() {
    m_tokens->setRange(2, 8192);
    m_tokens->setValue(kTokens);
    m_tokens->setSuffix(tr(" tokens"));
    m_tokens->setFont(Theme::caption());
    m_tokens->setAccessibleName(tr("Tokens to run"));
    m_tokens->setToolTip(tr("How many tokens of the text run through the model"));
    header().addWidget(m_tokens);
    header().addAction(m_text);
    header().addAction(m_run);
    m_text->setToolTip(tr("Choose the text that is run through the model"));
    connect(m_text, &QAction::triggered, this, [this] { context().request(WindowRequest::ChooseText); });
    connect(m_run, &QAction::triggered, this, &PropagationView::runOrCancel);
}

QWidget* PropagationView::makeChoices() {
    auto* row = new QWidget;
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    m_sections = makeButtons({tr("Depth"), tr("Shape"), tr("Tokens"), tr("Layers")},
                             {tr("The error along the depth"), tr("Kurtosis or max to mean along the depth"),
                              tr("The error of each token at each layer"),
                              tr("What quantizing single layers does to the predictions")},
                             this, [this](int section) {
                                 m_section = section;
                                 arrange();
                             });
    layout->addWidget(m_sections);
    layout->addWidget(m_quantity);
    layout->addWidget(m_shape);
    layout->addWidget(makeButtons({tr("Residual stream"), tr("Parts")},
                                  {tr("After each block"), tr("After each part of a block: attention, feed-forward")},
                                  this, [this](int places) {
                                      m_places = static_cast<Places>(places);
                                      invalidate();
                                  }));
    layout->addStretch();
    connect(m_quantity, &QComboBox::currentIndexChanged, this, &PropagationView::invalidate);
    connect(m_shape, &QComboBox::currentIndexChanged, this, &PropagationView::invalidate);
    return row;
}

void PropagationView::runOrCancel() {
    TextRuns& runs = context().textRuns();
    if (runs.jobs(TextRun::Propagation).running()) return runs.cancel(TextRun::Propagation);
    if (runs.text().isEmpty()) return context().request(WindowRequest::ChooseText);
    runs.propagate(m_tokens->value(), false);
}

int PropagationView::shownMethod() const {
    // Not every result of a long sweep is followed: the two reports are matched by label.
    for (std::size_t i = 0; i < m_report->methods.size(); ++i)
        if (resultIndex(static_cast<int>(i)) == context().selection().method) return static_cast<int>(i);
    return 0;
}

int PropagationView::resultIndex(int followed) const {
    const auto report = context().report();
    const std::string& label = m_report->methods[static_cast<std::size_t>(followed)].label;
    for (std::size_t i = 0; report && i < report->methods.size(); ++i)
        if (report->methods[i].label == label) return static_cast<int>(i);
    return followed;
}

void PropagationView::refresh() {
    const auto report = context().report();
    const bool ready = context().checkpoint() && report && !report->methods.empty();
    TextRuns& runs = context().textRuns();
    const bool running = runs.jobs(TextRun::Propagation).running();
    m_run->setText(running ? tr("Cancel") : tr("Run"));
    m_run->setEnabled(ready);
    m_run->setToolTip(running ? tr("Stop the run") : tr("Run the text through the model and every method's result"));
    if (running)
        m_veil->watch(runs.jobs(TextRun::Propagation));
    else
        m_veil->stop();
    header().setSubject({});
    if (!context().checkpoint()) return showNoCheckpoint(tr("How errors grow through the network appears here."));
    if (!ready)
        return showEmpty(tr("Run one or more methods to see how their errors grow through the network."),
                         tr("Quantize…"), [this] { context().request(WindowRequest::Quantize); });
    m_report = runs.propagation();
    if (const QString problem = runs.problem(TextRun::Propagation); !running && !problem.isEmpty())
        return showEmpty(problem, tr("Try again"), [this] { runOrCancel(); });
    if (!m_report && running)
        return showEmpty(tr("The text runs through the model, in full precision and under each method."));
    if (!m_report && runs.text().isEmpty())
        return showEmpty(tr("Choose a text to run through the model. How each method's error grows on it, layer by "
                            "layer, appears here."),
                         tr("Choose text…"), [this] { context().request(WindowRequest::ChooseText); });
    const QString file = QFileInfo(runs.text()).fileName();
    if (!m_report || m_report->methods.empty() || m_report->methods.front().layers.empty()) {
        header().setSubject(file);
        return showEmpty(tr("%1 runs through the model in full precision and under each method. How the errors grow, "
                            "layer by layer, appears here.")
                             .arg(file),
                         tr("Follow the errors"), [this] { runOrCancel(); });
    }
    showBody();
    const auto& method = m_report->methods[static_cast<std::size_t>(shownMethod())];
    header().setSubject(tr("%1, %2 tokens · %3: KL divergence %4 nats at the end, %5 % of top tokens agree")
                            .arg(QFileInfo(QString::fromStdString(m_report->text)).fileName(),
                                 formatInteger(static_cast<std::int64_t>(m_report->tokens.size())),
                                 QString::fromStdString(method.label), formatNumber(method.logits.klDivergence, 3),
                                 QString::number(method.logits.top1Agreement * 100, 'f', 1)));
    m_depth = depthAxis(*m_report);
    showLines();
    m_tokenErrors->show(m_report, shownMethod());
    m_attribution->show(*m_report, shownMethod(), m_depth);
}

void PropagationView::showLines() {
    const auto show = [&](PlotArea& plot, const QComboBox& choice) {
        const auto quantity = static_cast<Quantity>(choice.currentData().toInt());
        plot.setAxes(m_depth.axis, axisOf(quantity));
        plot.setBands(m_depth.bands);
        plot.setFullRange(m_depth.full, std::nullopt);
        auto lines = depthLines(*m_report, quantity, m_places, context().selection().layer);
        for (std::size_t i = 0; i < m_report->methods.size(); ++i)
            lines[i].ink = Ink::ofCategory(resultIndex(static_cast<int>(i)));
        plot.setLayers(std::move(lines));
    };
    m_errorPlot->setTitle(m_places == Places::Stream ? tr("Error of the residual stream") : tr("Error of each part"));
    m_shapePlot->setTitle(tr("Outliers in the values"));
    show(*m_errorPlot, *m_quantity);
    show(*m_shapePlot, *m_shape);
}

void PropagationView::select(int method, int layer) {
    Selection selection = context().selection();
    selection.method = resultIndex(method);
    selection.layer = layer;
    context().select(selection);
}

void PropagationView::arrange() {
    const bool all = width() >= kRoomForAll.width() && height() >= kRoomForAll.height();
    const std::array<QWidget*, 4> charts{m_errorPlot, m_shapePlot, m_tokenErrors, m_attribution};
    for (QWidget* chart : charts) {
        m_grid->removeWidget(chart);
        chart->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Ignored); // the stretch factors share the height
    }
    if (all) {
        m_grid->addWidget(m_errorPlot, 1, 0);
        m_grid->addWidget(m_shapePlot, 1, 1);
        m_grid->addWidget(m_tokenErrors, 2, 0, 1, 2);
        m_grid->addWidget(m_attribution, 3, 0, 1, 2);
    } else {
        for (QWidget* chart : charts) m_grid->addWidget(chart, 1, 0, 3, 2);
    }
    m_grid->setColumnStretch(0, 3);
    m_grid->setColumnStretch(1, 2);
    m_grid->setRowStretch(1, 4);
    m_grid->setRowStretch(2, 3);
    m_grid->setRowStretch(3, 3);
    m_sections->setVisible(!all);
    for (int i = 0; i < 4; ++i) charts[static_cast<std::size_t>(i)]->setVisible(all || m_section == i);
    m_quantity->setVisible(all || m_section == 0);
    m_shape->setVisible(all || m_section == 1);
}

void PropagationView::resizeEvent(QResizeEvent* event) {
    ViewPage::resizeEvent(event);
    arrange();
}

} // namespace qscope
