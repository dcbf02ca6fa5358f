// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/comparison_view.h"

#include "plugins/sdk/format.h"

#include <QAction>
#include <QButtonGroup>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QMenu>
#include <QResizeEvent>
#include <QToolButton>

#include <algorithm>

namespace qscope {

namespace {

constexpr QSize kRoomForAll(860, 640); // from here all charts are shown at once

} // namespace

ComparisonView::ComparisonView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Comparison"), parent)
    , m_table(new NumberTable(context))
    , m_depthPlot(new PlotArea(context))
    , m_paretoPlot(new PlotArea(context))
    , m_multiples(new ErrorMultiples(context))
    , m_sections(new QWidget)
    , m_export(new QAction(tr("Export…"), this))
    , m_grid(new QGridLayout(&body())) {
    m_grid->setContentsMargins(8, 0, 8, 8);
    m_grid->setSpacing(8);
    auto* buttons = new QHBoxLayout(m_sections);
    buttons->setContentsMargins(0, 0, 0, 0);
    auto* group = new QButtonGroup(this);
    const QStringList names{tr("Depth"), tr("Size and quality"), tr("Selected tensor")};
    for (int i = 0; i < names.size(); ++i) {
        auto* button = new QToolButton;
        button->setText(names[i]);
        button->setFont(Theme::caption());
        button->setAutoRaise(true);
        button->setCheckable(true);
        button->setChecked(i == 0);
        group->addButton(button, i);
        buttons->addWidget(button);
    }
    buttons->addStretch();
    connect(group, &QButtonGroup::idClicked, this, [this](int section) {
        m_section = section;
        arrange();
    });
    m_table->setColumns(comparisonColumns());
    m_depthPlot->setTitle(tr("Error across the network"));
    m_paretoPlot->setTitle(tr("Size against quality"));
    m_depthPlot->setMinimumHeight(140);
    m_paretoPlot->setMinimumHeight(140);
    header().addChoice({tr("Model"), tr("Tensor")}, 0, [this](int index) {
        m_tensorScope = index == 1;
        invalidate();
    });
    header().addAction(m_export);
    m_export->setToolTip(tr("Write the selected method's result as a checkpoint"));
    connect(m_export, &QAction::triggered, this, [this] { exportMethod(this->context().selection().method); });
    connect(m_table, &NumberTable::rowChosen, this, &ComparisonView::selectMethod);
    connect(m_table, &NumberTable::rowActivated, this, &ComparisonView::exportMethod);
    const auto offerExport = [this](QMenu& menu, int method) {
        if (method >= 0) menu.addAction(tr("Export…"), this, [this, method] { exportMethod(method); });
    };
    m_table->setMenuHook(offerExport);
    m_paretoPlot->setMenuHook([offerExport](QMenu& menu, const std::optional<PlotArea::Hit>& hit) {
        if (hit) offerExport(menu, static_cast<int>(hit->layer) - 1);
    });
    connect(m_paretoPlot, &PlotArea::clicked, this,
            [this](PlotArea::Hit hit) { selectMethod(static_cast<int>(hit.layer) - 1); });
    connect(m_paretoPlot, &PlotArea::doubleClickedOn, this,
            [this](PlotArea::Hit hit) { exportMethod(static_cast<int>(hit.layer) - 1); });
    connect(m_depthPlot, &PlotArea::clicked, this, [this](PlotArea::Hit hit) {
        Selection selection = this->context().selection();
        selection.method = static_cast<int>(hit.layer);
        const std::int64_t tensor = m_depth.tensors[static_cast<std::size_t>(hit.index)];
        if (tensor != selection.tensor) selection.row = selection.column = -1;
        selection.tensor = tensor;
        this->context().select(selection);
    });
    connect(m_multiples, &ErrorMultiples::methodChosen, this, &ComparisonView::selectMethod);
    connect(&context, &ViewContext::checkpointChanged, this, &ComparisonView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &ComparisonView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        if (now.tensor != before.tensor || now.method != before.method) invalidate();
    });
    arrange();
}

void ComparisonView::refresh() {
    const auto report = context().report();
    if (!context().checkpoint()) return showNoCheckpoint(tr("Methods side by side appear here."));
    if (!report || report->methods.empty())
        return showEmpty(tr("Run two or more methods to see their size, error and speed side by side."),
                         tr("Quantize…"), [this] { context().request(WindowRequest::Quantize); });
    const bool newReport = report != m_report;
    m_report = report;
    const auto subject = tensorSubject(context());
    header().setSubject(
        m_tensorScope && subject
            ? QString::fromStdString(subject->info().name)
            : tr("%1 methods, %2 tensors").arg(report->methods.size()).arg(report->methods.front().tensors.size()));
    if (m_tensorScope && !subject)
        return showEmpty(tr("Select a tensor in the navigator to compare the methods on it."));
    showBody();
    if (newReport) m_depth = depthOf(*report);
    showTable();
    showDepth();
    showPareto();
    showMultiples();
}

void ComparisonView::showTable() {
    const Selection& now = context().selection();
    const ComparisonScope scope = m_tensorScope ? ComparisonScope(now.tensor) : std::nullopt;
    m_table->setRows(comparisonRows(*m_report, context().checkpoint().get(), scope));
    constexpr int kTimeColumn = 7;
    m_table->setColumnHidden(kTimeColumn, m_tensorScope); // measured per method, not per tensor
    m_table->setSelectedId(now.method >= 0 ? std::optional(now.method) : std::optional(-1));
    const int shown = std::clamp(static_cast<int>(m_report->methods.size()) + 1, 2, 8);
    m_table->setFixedHeight(m_table->horizontalHeader()->sizeHint().height() +
                            shown * m_table->verticalHeader()->defaultSectionSize() + 20);
    m_export->setEnabled(now.method >= 0);
}

void ComparisonView::showDepth() {
    auto layers = depthLayers(*m_report, m_depth);
    const std::int64_t tensor = context().selection().tensor;
    const auto place = std::find(m_depth.tensors.begin(), m_depth.tensors.end(), tensor);
    const int method = context().selection().method;
    for (std::size_t i = 0; i < layers.size(); ++i)
        if (place != m_depth.tensors.end() && (method < 0 || method == static_cast<int>(i)))
            layers[i].selected = static_cast<int>(place - m_depth.tensors.begin());
    Axis x{tr("Layer"), {}};
    x.fixedTicks = m_depth.ticks;
    m_depthPlot->setAxes(x, {tr("Relative MSE"), {}, Scale::Log});
    m_depthPlot->setBands(m_depth.bands);
    m_depthPlot->setLayers(std::move(layers));
}

void ComparisonView::showPareto() {
    const Selection& now = context().selection();
    m_paretoPlot->setAxes({tr("Bits per weight"), {}}, {tr("SQNR"), tr("dB")});
    m_paretoPlot->setLayers(
        paretoLayers(*m_report, m_tensorScope ? ComparisonScope(now.tensor) : std::nullopt, now.method));
    m_paretoPlot->setReadout([this](const PlotArea::Hit& hit) {
        const PlotLayer& point = m_paretoPlot->layers()[hit.layer];
        const auto index = static_cast<std::size_t>(hit.index);
        return tr("%1\n%2 bits per weight\n%3")
            .arg(point.name, formatBits(point.x[index]), formatDecibels(point.y[index]));
    });
}

void ComparisonView::showMultiples() {
    const auto subject = tensorSubject(context());
    if (!subject)
        return m_multiples->showText(tr("Select a tensor to see the error of each method on it side by side."));
    if (m_multiples->isHidden()) return;
    m_multiples->showTensor(*subject);
    m_multiples->markMethod(context().selection().method);
}

void ComparisonView::selectMethod(int method) {
    Selection selection = context().selection();
    selection.method = method;
    context().select(selection);
}

void ComparisonView::exportMethod(int method) {
    if (method < 0) return;
    selectMethod(method);
    context().request(WindowRequest::Export);
}

void ComparisonView::arrange() {
    const bool all = width() >= kRoomForAll.width() && height() >= kRoomForAll.height();
    for (QWidget* item : {static_cast<QWidget*>(m_table), m_sections, static_cast<QWidget*>(m_depthPlot),
                          static_cast<QWidget*>(m_paretoPlot), static_cast<QWidget*>(m_multiples)})
        m_grid->removeWidget(item);
    m_grid->addWidget(m_table, 0, 0, 1, 2);
    m_grid->addWidget(m_sections, 1, 0, 1, 2);
    if (all) {
        m_grid->addWidget(m_depthPlot, 2, 0);
        m_grid->addWidget(m_paretoPlot, 2, 1);
        m_grid->addWidget(m_multiples, 3, 0, 1, 2);
    } else {
        m_grid->addWidget(m_depthPlot, 2, 0, 2, 2);
        m_grid->addWidget(m_paretoPlot, 2, 0, 2, 2);
        m_grid->addWidget(m_multiples, 2, 0, 2, 2);
    }
    m_grid->setColumnStretch(0, 3);
    m_grid->setColumnStretch(1, 2);
    m_grid->setRowStretch(2, 3);
    m_grid->setRowStretch(3, 2);
    m_sections->setVisible(!all);
    m_depthPlot->setVisible(all || m_section == 0);
    m_paretoPlot->setVisible(all || m_section == 1);
    m_multiples->setVisible(all || m_section == 2);
    if (m_report && !m_multiples->isHidden()) showMultiples();
}

void ComparisonView::resizeEvent(QResizeEvent* event) {
    ViewPage::resizeEvent(event);
    arrange();
}

} // namespace qscope
