// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_propagation/attribution_row.h"

#include "plugins/sdk/format.h"

#include <QHBoxLayout>
#include <QStackedWidget>

#include <algorithm>

namespace qscope {

namespace {
constexpr std::array kParts{Attributed::Alone, Attributed::UpTo, Attributed::Without};
} // namespace

AttributionRow::AttributionRow(ViewContext& context, std::function<void()> compute, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_compute(std::move(compute))
    , m_stack(new QStackedWidget(this))
    , m_empty(new EmptyState(context)) {
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    auto* row = new QWidget;
    auto* plots = new QHBoxLayout(row);
    plots->setContentsMargins(0, 0, 0, 0);
    plots->setSpacing(8);
    const std::array titles{tr("One layer alone"), tr("All layers up to it"), tr("All but this layer")};
    for (std::size_t i = 0; i < m_plots.size(); ++i) {
        PlotArea* plot = m_plots[i] = new PlotArea(context);
        plot->setTitle(titles[i]);
        plot->setMinimumSize(140, 110);
        plots->addWidget(plot, 1);
        connect(plot, &PlotArea::clicked, this, [this](PlotArea::Hit hit) {
            if (static_cast<std::size_t>(hit.index) < m_layers.size())
                emit layerChosen(m_layers[static_cast<std::size_t>(hit.index)]);
        });
        connect(plot, &PlotArea::hovered, this, [this, plot](double x, bool inside) {
            for (PlotArea* other : m_plots)
                if (other != plot) other->showHover(inside ? std::optional(x) : std::nullopt);
        });
        plot->setReadout([this, plot](const PlotArea::Hit& hit) {
            const auto index = static_cast<std::size_t>(hit.index);
            return tr("Layer %1\nKL divergence %2 nats per token")
                .arg(QString::number(m_layers[index]), formatNumber(plot->layers()[hit.layer].y[index]));
        });
    }
    m_stack->addWidget(m_empty);
    m_stack->addWidget(row);
}

void AttributionRow::show(const engine::PropagationReport& report, int index, const DepthAxis& depth) {
    const auto& method = report.methods[static_cast<std::size_t>(index)];
    m_stack->setCurrentIndex(method.attribution.empty() ? 0 : 1);
    if (method.attribution.empty()) {
        const auto runs = (3 * method.layers.size() + 1) * report.methods.size();
        m_empty->setContent(
            tr("Which layers make the error: the model with one layer quantized at a time appears here."),
            tr("Run it %1 times more").arg(runs), m_compute);
        return;
    }
    m_layers.clear();
    double highest = 0;
    for (const auto& effect : method.attribution) {
        m_layers.push_back(effect.layer);
        for (const auto* part : {&effect.alone, &effect.upTo, &effect.without})
            highest = std::max(highest, part->klDivergence);
    }
    for (std::size_t i = 0; i < m_plots.size(); ++i) {
        m_plots[i]->setAxes(depth.axis, {i == 0 ? tr("KL divergence") : QString(QChar::Nbsp),
                                         i == 0 ? tr("nats") : QString(), Scale::Linear, true});
        m_plots[i]->setBands(depth.bands);
        m_plots[i]->setFullRange(depth.full, Range{0, highest > 0 ? highest * 1.05 : 1});
        m_plots[i]->setLayers({attributionBars(method, index, kParts[i], m_context.selection().layer)});
    }
}

} // namespace qscope
