// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_traces/traces_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/tensor_subject.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QGridLayout>
#include <QScrollArea>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace qscope {

namespace {

constexpr int kLeastHeight = 220; // pixels of one chart before the view scrolls
constexpr int kWideEnough = 760;  // from here two charts stand side by side

QString helpText() {
    return TracesView::tr(
        "<p>What methods recorded while they worked on this tensor, in their own units; the same colour is the same "
        "method in every view. At most 512 points a curve: longer courses are means over runs of steps (the axis says "
        "so), longer rankings keep more ranks at their start.</p>"
        "<p><b>Loss while it is learned</b>: what an optimizer brought down, step by step, on the calibration "
        "sequences of that step.</p>"
        "<p><b>Rounded up, by place between two levels</b>: of the weights that lie so far above their lower level, "
        "how many a method rounded up. Round to nearest is a step at one half (AdaRound: Nagel et al., 2020).</p>"
        "<p><b>Error over the range</b>: relative squared error Σ(w − ŵ)² / Σw², or the error of the output "
        "Σ(ŵ − w) H (ŵ − w)ᵀ with H = XᵀX / tokens, when grids cover a part of each group's range; the mark is what "
        "was chosen.</p>"
        "<p><b>Diagonal of the inputs' second moments</b>: H<sub>cc</sub> of each input channel, and "
        "1 / U<sub>cc</sub>² with UᵀU = H⁻¹ (damped): what of a channel's error the columns behind it cannot make up "
        "for (GPTQ: Frantar et al., 2022).</p>"
        "<p><b>Held by the largest</b>: share of the sum of magnitudes over the share of the weights.</p>"
        "<p>A click on a curve selects its method.</p>");
}

} // namespace

TracesView::TracesView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Traces"), parent)
    , m_scroll(new QScrollArea) {
    auto* layout = new QVBoxLayout(&body());
    layout->setContentsMargins(8, 0, 8, 8);
    layout->addWidget(m_scroll);
    auto* content = new QWidget;
    content->setBackgroundRole(QPalette::Base);
    m_grid = new QGridLayout(content);
    m_grid->setContentsMargins(0, 0, 0, 0);
    m_grid->setSpacing(8);
    m_scroll->setWidget(content);
    m_scroll->setWidgetResizable(true);
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    header().addChoice({tr("Linear"), tr("Log")}, 1,
                       [this](int index) {
                           m_log = index == 1;
                           showCharts();
                       },
                       {tr("Values on a linear scale"), tr("Values on a logarithmic scale")});
    addHelp(header(), helpText());
    connect(&context, &ViewContext::checkpointChanged, this, &TracesView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &TracesView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.tensor != before.tensor || now.method != before.method) invalidate();
    });
}

void TracesView::offerAnother(const QString& text) {
    const auto report = context().report();
    const auto traced = tracedTensors(*report);
    const auto checkpoint = context().checkpoint();
    if (traced.empty() || traced.front() >= checkpoint->tensors.size())
        return showEmpty(tr("None of the methods that ran left a trace. Those that search, learn or look at inputs do: "
                            "GPTQ, AWQ, AdaRound on blocks, OmniQuant, SqueezeLLM, SVDQuant and others."),
                         tr("Quantize…"), [this] { context().request(WindowRequest::Quantize); });
    showEmpty(text, tr("Show %1").arg(QString::fromStdString(checkpoint->tensors[traced.front()].name)),
              [this, tensor = static_cast<std::int64_t>(traced.front())] {
                  Selection selection = context().selection();
                  selection.tensor = tensor;
                  context().select(selection);
              });
}

void TracesView::refresh() {
    header().setSubject({});
    if (!context().checkpoint())
        return showNoCheckpoint(tr("What methods see while they work appears here: losses, errors over ranges, "
                                   "decisions."));
    const auto report = context().report();
    if (!report || report->methods.empty())
        return showEmpty(tr("Run a method that searches or learns to see what it saw on its way."), tr("Quantize…"),
                         [this] { context().request(WindowRequest::Quantize); });
    const auto subject = tensorSubject(context());
    if (!subject) return offerAnother(tr("Select a tensor to see what methods saw on their way."));
    m_charts = traceCharts(*report, subject->index);
    if (m_charts.empty()) return offerAnother(tr("No method left a trace of this tensor; of others some did."));
    TensorSubject plain = *subject;
    plain.method = nullptr; // all methods are shown
    header().setSubject(describe(plain));
    showBody();
    showCharts();
}

void TracesView::showCharts() {
    while (m_plots.size() < m_charts.size()) {
        auto* plot = new PlotArea(context());
        plot->setMinimumHeight(kLeastHeight);
        const std::size_t at = m_plots.size();
        connect(plot, &PlotArea::clicked, this, [this, at](PlotArea::Hit hit) {
            if (at >= m_charts.size() || hit.layer >= m_charts[at].methods.size()) return;
            Selection selection = context().selection();
            selection.method = m_charts[at].methods[hit.layer];
            m_chosenHere = selection.method != context().selection().method;
            context().select(selection);
        });
        m_plots.push_back(plot);
        m_columns = 0;
    }
    const auto report = context().report();
    const int selected = context().selection().method;
    for (std::size_t i = 0; i < m_plots.size(); ++i) {
        PlotArea& plot = *m_plots[i];
        plot.setVisible(i < m_charts.size());
        if (i >= m_charts.size()) continue;
        const TraceChart& chart = m_charts[i];
        Axis y = chart.y;
        if (m_log && chart.mayBeLog) y.scale = Scale::Log;
        plot.setTitle(chart.title);
        plot.setAccessibleName(chart.title);
        plot.setAxes(chart.x, y);
        plot.setMarked(report && report->methods.size() > 1 && std::ranges::count(chart.methods, selected) > 0);
        plot.setReadout([layers = chart.layers, x = chart.x.title, y = chart.y.title](const PlotArea::Hit& hit) {
            const PlotLayer& layer = layers[hit.layer];
            const auto at = static_cast<std::size_t>(hit.index);
            return QStringLiteral("%1\n%2 %3\n%4 %5")
                .arg(layer.name, x, formatNumber(layer.x[at]), y, formatNumber(layer.y[at]));
        });
        plot.setLayers(chart.layers);
    }
    m_columns = 0;
    arrange();
    // A method chosen elsewhere may have its charts out of sight.
    const auto marked = std::ranges::find_if(
        m_charts, [selected](const TraceChart& chart) { return std::ranges::count(chart.methods, selected) > 0; });
    if (!std::exchange(m_chosenHere, false) && selected >= 0 && marked != m_charts.end())
        m_scroll->ensureWidgetVisible(m_plots[static_cast<std::size_t>(marked - m_charts.begin())]);
}

void TracesView::arrange() {
    const int columns = width() >= kWideEnough && m_charts.size() > 1 ? 2 : 1;
    if (columns == m_columns) return;
    m_columns = columns;
    const int count = static_cast<int>(m_charts.size());
    for (int i = 0; i < static_cast<int>(m_plots.size()); ++i)
        m_grid->removeWidget(m_plots[static_cast<std::size_t>(i)]);
    for (int i = 0; i < count; ++i) {
        const bool alone = i + 1 == count && i % columns == 0; // the last of an odd number takes the whole row
        m_grid->addWidget(m_plots[static_cast<std::size_t>(i)], i / columns, i % columns, 1, alone ? columns : 1);
    }
}

void TracesView::resizeEvent(QResizeEvent* event) {
    ViewPage::resizeEvent(event);
    arrange();
}

} // namespace qscope
