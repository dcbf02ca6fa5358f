// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_comparison/overview_page.h"

#include "plugins/sdk/format.h"
#include "plugins/view_comparison/board_rows.h"
#include "plugins/view_comparison/pareto_model.h"

#include <QButtonGroup>
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QSignalBlocker>
#include <QToolButton>

#include <algorithm>

namespace qscope {

namespace {

enum Section { Table, DepthChart, Pareto };

constexpr QSize kRoomForBoth(860, 560); // for both charts below the table
constexpr int kRoomForTable = 430;      // high enough for the table and a chart below it
constexpr int kRoomBeside = 900;        // wide enough for a chart beside the table

QLabel* caption(const QString& text) {
    auto* label = new QLabel(text);
    label->setFont(Theme::caption());
    label->setForegroundRole(QPalette::PlaceholderText);
    return label;
}

QComboBox* smallCombo(const QString& name, const char* objectName) {
    auto* combo = new QComboBox;
    combo->setFont(Theme::caption());
    combo->setAccessibleName(name);
    combo->setObjectName(QLatin1String(objectName));
    combo->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    combo->setMinimumContentsLength(8);
    return combo;
}

const Figure& chosenFigure(const QComboBox& combo, const char* otherwise) {
    const std::string key = combo.currentData().toString().toStdString();
    return figure(key.empty() ? std::string_view(otherwise) : std::string_view(key));
}

} // namespace

OverviewPage::OverviewPage(ViewContext& context, BoardActions actions, QWidget* parent)
    : QWidget(parent)
    , m_context(context)
    , m_actions(std::move(actions))
    , m_table(new NumberTable(context))
    , m_depthPlot(new PlotArea(context))
    , m_paretoPlot(new PlotArea(context))
    , m_sections(new QButtonGroup(this))
    , m_grid(new QGridLayout(this)) {
    m_grid->setContentsMargins(8, 0, 8, 8);
    m_grid->setSpacing(8);
    m_table->horizontalHeader()->setStretchLastSection(true);
    m_table->horizontalHeader()->setResizeContentsPrecision(50); // of hundreds of rows, the first ones give the widths
    m_depthPlot->setTitle(tr("Error across the network"));
    m_depthPlot->setMinimumHeight(100);
    m_grid->addWidget(makeChoices(), 0, 0, 1, 2);
    m_paretoBox = makePareto();
    connect(m_table, &NumberTable::rowChosen, this, [this](int method) { m_actions.choose(method); });
    connect(m_table, &NumberTable::rowActivated, this, [this](int method) { m_actions.exportResult(method); });
    m_table->setMenuHook([this](QMenu& menu, int method) {
        if (method >= 0) m_actions.fillMenu(menu, method);
    });
    connect(m_depthPlot, &PlotArea::clicked, this, &OverviewPage::chooseAt);
    arrange();
}

QWidget* OverviewPage::makeChoices() {
    auto* row = new QWidget;
    auto* layout = new QHBoxLayout(row);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    const QStringList names{tr("Table"), tr("Depth"), tr("Size and quality")};
    for (int i = 0; i < names.size(); ++i) {
        auto* button = new QToolButton;
        button->setText(names[i]);
        button->setFont(Theme::caption());
        button->setAutoRaise(true);
        button->setCheckable(true);
        button->setChecked(i == Table);
        m_sections->addButton(button, i);
        layout->addWidget(button);
    }
    connect(m_sections, &QButtonGroup::idClicked, this, [this](int section) {
        m_section = section;
        arrange();
    });
    m_baseline = smallCombo(tr("Difference to"), "baseline");
    m_baseline->setToolTip(tr("Show numbers as differences to this result"));
    m_baseline->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon); // hundreds are not measured
    m_baseline->setMinimumContentsLength(20);
    connect(m_baseline, &QComboBox::activated, this,
            [this] { m_actions.setBaseline(m_baseline->currentData().toString()); });
    layout->addStretch();
    layout->addWidget(caption(tr("Difference to")));
    layout->addWidget(m_baseline);
    return row;
}

QWidget* OverviewPage::makePareto() {
    auto* box = new QWidget;
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    auto* row = new QHBoxLayout;
    row->setSpacing(4);
    m_quality = smallCombo(tr("Quality on the vertical axis"), "paretoQuality");
    m_cost = smallCombo(tr("Cost on the horizontal axis"), "paretoCost");
    row->addStretch();
    row->addWidget(m_quality);
    row->addWidget(caption(tr("against")));
    row->addWidget(m_cost);
    layout->addLayout(row);
    layout->addWidget(m_paretoPlot, 1);
    m_paretoPlot->setMinimumHeight(100);
    for (auto* combo : {m_quality, m_cost})
        connect(combo, &QComboBox::activated, this, [this] { showPareto(m_state); });
    m_paretoPlot->setMenuHook([this](QMenu& menu, const std::optional<PlotArea::Hit>& hit) {
        if (hit && hit->layer > 0) m_actions.fillMenu(menu, static_cast<int>(hit->layer) - 1);
    });
    connect(m_paretoPlot, &PlotArea::clicked, this,
            [this](PlotArea::Hit hit) { m_actions.choose(static_cast<int>(hit.layer) - 1); });
    connect(m_paretoPlot, &PlotArea::doubleClickedOn, this,
            [this](PlotArea::Hit hit) { m_actions.exportResult(static_cast<int>(hit.layer) - 1); });
    m_paretoPlot->setReadout([this](const PlotArea::Hit& hit) {
        const auto& method = m_state.report->methods[hit.layer - 1];
        QString text = QString::fromStdString(method.label);
        for (const Figure* one : {&chosenFigure(*m_cost, "bits_per_weight"), &chosenFigure(*m_quality, "sqnr_db")})
            text += QStringLiteral("\n%1 %2").arg(titleOf(*one), textOf(*one, valueOf(*one, method, m_state.scope)));
        return text;
    });
    return box;
}

void OverviewPage::show(const BoardState& state) {
    const bool isSame = m_isFilled && state.report == m_state.report && state.scope == m_state.scope &&
                        state.pinned == m_state.pinned && state.baseline == m_state.baseline;
    if (!m_isFilled || state.report != m_state.report) m_depth = depthOf(*state.report);
    m_state = state;
    m_isFilled = true;
    if (!isSame) {
        fillBaselines(state);
        fillFigures(state);
        showTable(state);
    }
    m_table->setSelectedId(state.selection.method >= 0 ? state.selection.method : -1);
    showDepth(state);
    showPareto(state);
}

void OverviewPage::fillBaselines(const BoardState& state) {
    const QSignalBlocker silent(m_baseline);
    m_baseline->clear();
    m_baseline->addItem(tr("nothing"), QString());
    for (const auto& method : state.report->methods)
        m_baseline->addItem(QString::fromStdString(method.label), QString::fromStdString(method.label));
    m_baseline->setCurrentIndex(std::max(0, m_baseline->findData(state.baseline)));
}

void OverviewPage::fillFigures(const BoardState& state) {
    for (auto* combo : {m_cost, m_quality}) {
        const QSignalBlocker silent(combo);
        const QVariant before = combo->currentData();
        combo->clear();
        for (const Figure& one : figures()) {
            if (one.isCost != (combo == m_cost) || !isKnown(one, *state.report, state.scope)) continue;
            const auto name = engine::metric(one.key).name;
            combo->addItem(QString::fromUtf8(name.data(), static_cast<qsizetype>(name.size())),
                           QString::fromUtf8(one.key.data(), static_cast<qsizetype>(one.key.size())));
        }
        const int kept = combo->findData(before.isValid() ? before : QVariant(QStringLiteral("sqnr_db")));
        combo->setCurrentIndex(std::max(0, kept));
    }
}

void OverviewPage::showTable(const BoardState& state) {
    const ComparisonTable table{*state.report, state.checkpoint.get(), state.scope, state.pinned, state.baseline};
    m_table->setColumns(comparisonColumns(table));
    m_table->setRows(comparisonRows(table));
    arrange();
}

void OverviewPage::showDepth(const BoardState& state) {
    m_depthMethods = distinctResults(*state.report, state.pinned, state.selection.method);
    auto layers = depthLayers(*state.report, m_depth, m_depthMethods);
    const auto place = std::find(m_depth.tensors.begin(), m_depth.tensors.end(), state.selection.tensor);
    for (std::size_t i = 0; i < layers.size(); ++i)
        if (place != m_depth.tensors.end() &&
            (state.selection.method < 0 || state.selection.method == m_depthMethods[i]))
            layers[i].selected = static_cast<int>(place - m_depth.tensors.begin());
    Axis x{tr("Layer"), {}};
    x.fixedTicks = m_depth.ticks;
    m_depthPlot->setAxes(x, {tr("Relative MSE"), {}, Scale::Log});
    m_depthPlot->setBands(m_depth.bands);
    const auto shown = m_depthMethods.size(), all = state.report->methods.size();
    m_depthPlot->setNote([shown, all](const Range&) {
        return shown == all ? QString() : tr("%1 of %2 results; pin those to see here").arg(shown).arg(all);
    });
    m_depthPlot->setLayers(std::move(layers));
}

void OverviewPage::showPareto(const BoardState& state) {
    const Figure& cost = chosenFigure(*m_cost, "bits_per_weight");
    const Figure& quality = chosenFigure(*m_quality, "sqnr_db");
    ParetoChart chart{*state.report, cost, quality, state.scope, state.selection.method, {}};
    for (std::size_t i = 0; i < state.report->methods.size(); ++i)
        if (state.pinned.contains(QString::fromStdString(state.report->methods[i].label)))
            chart.named.insert(static_cast<int>(i));
    m_paretoPlot->setTitle(tr("Quality against cost"));
    m_paretoPlot->setAxes(axisOf(cost), axisOf(quality));
    auto layers = paretoLayers(chart);
    std::optional<Range> x, y; // with room for the names at the ends
    for (const PlotLayer& layer : layers) {
        x = united(x, extentX(layer, axisOf(cost).scale));
        y = united(y, extentY(layer, axisOf(quality).scale));
    }
    if (x && y)
        m_paretoPlot->setFullRange(padded(axisOf(cost).scale, *x, 0.08), padded(axisOf(quality).scale, *y, 0.14));
    m_paretoPlot->setLayers(std::move(layers));
}

void OverviewPage::chooseAt(PlotArea::Hit hit) {
    Selection selection = m_context.selection();
    selection.method = m_depthMethods[hit.layer];
    const std::int64_t tensor = m_depth.tensors[static_cast<std::size_t>(hit.index)];
    if (tensor != selection.tensor) selection.row = selection.column = -1;
    selection.tensor = tensor;
    m_context.select(selection);
}

void OverviewPage::arrange() {
    const bool both = width() >= kRoomForBoth.width() && height() >= kRoomForBoth.height();
    const bool above = both || height() >= kRoomForTable;
    const bool beside = !above && width() >= kRoomBeside;
    const bool single = !above && !beside;
    // With the table always there, choosing it means the first chart.
    const int section = !single && m_section == Table ? static_cast<int>(DepthChart) : m_section;
    for (auto* part : std::initializer_list<QWidget*>{m_table, m_depthPlot, m_paretoBox}) m_grid->removeWidget(part);
    const int chartRow = above ? 2 : 1, chartColumn = beside ? 1 : 0, span = both || beside ? 1 : 2;
    m_grid->addWidget(m_table, 1, 0, 1, beside ? 1 : 2);
    m_grid->addWidget(m_depthPlot, chartRow, chartColumn, 1, span);
    m_grid->addWidget(m_paretoBox, chartRow, both ? 1 : chartColumn, 1, span);
    m_grid->setColumnStretch(0, beside ? 3 : 1);
    m_grid->setColumnStretch(1, beside ? 2 : 1);
    m_grid->setRowStretch(1, above ? 0 : 1);
    m_grid->setRowStretch(2, above ? 1 : 0);
    m_sections->button(Table)->setVisible(single);
    for (const int chart : {DepthChart, Pareto}) m_sections->button(chart)->setVisible(!both);
    m_sections->button(section)->setChecked(true);
    m_table->setVisible(!single || section == Table);
    m_depthPlot->setVisible(both || section == DepthChart);
    m_paretoBox->setVisible(both || section == Pareto);
    // Above charts, as many rows as there are, as long as the charts keep most of the page.
    const int row = m_table->verticalHeader()->defaultSectionSize();
    const int rows = std::clamp(m_table->model()->rowCount(), 2, std::max(3, height() * 2 / 5 / row));
    const int fixed = m_table->horizontalHeader()->sizeHint().height() + rows * row + 20;
    m_table->setMinimumHeight(above ? fixed : 0);
    m_table->setMaximumHeight(above ? fixed : QWIDGETSIZE_MAX);
}

void OverviewPage::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    arrange();
}

} // namespace qscope
