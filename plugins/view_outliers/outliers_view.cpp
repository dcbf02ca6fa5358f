// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_outliers/outliers_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QBoxLayout>
#include <QLabel>
#include <QResizeEvent>

namespace qscope {

namespace {

constexpr int kWideEnough = 720; // pixels: from here the table stands beside the charts

} // namespace

OutliersView::OutliersView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Outliers"), parent) {
    m_readouts = new QLabel;
    m_readouts->setFont(Theme::figures());
    m_readouts->setWordWrap(true);
    m_readouts->setContentsMargins(0, 0, 0, 0);
    m_rows = new PlotArea(context);
    m_columns = new PlotArea(context);
    m_rows->setTitle(tr("Largest magnitude per output channel"));
    m_columns->setTitle(tr("Largest magnitude per input channel"));
    m_table = new NumberTable(context);
    m_table->setColumns({{tr("Rank"), tr("By magnitude, the largest first")},
                         {tr("Row"), tr("Output channel")},
                         {tr("Column"), tr("Input channel")},
                         {tr("Value"), {}}});
    m_table->setMinimumSize(220, 120);
    m_table->setAccessibleName(tr("Largest values"));
    addHelp(header(), tr("Largest magnitude per channel: max |w| over a row (output channel) or a column (input "
                          "channel). A channel that stands out sets the scale of every group it is in, and all others "
                          "in the group lose resolution; that is what methods with outlier columns or smoothing act on "
                          "(Dettmers et al., LLM.int8(), 2022; Xiao et al., SmoothQuant, 2023).\n\n"
                          "Max to mean = max |w| / mean |w|. Kurtosis = E[(w − mean)⁴] / std⁴, 3 for a normal "
                          "distribution. Outliers are values more than six standard deviations from the mean."));
    auto* page = new QVBoxLayout(&body());
    page->setContentsMargins(8, 0, 8, 8);
    page->setSpacing(8);
    page->addWidget(m_readouts);
    m_outer = new QBoxLayout(QBoxLayout::LeftToRight);
    m_outer->setSpacing(16);
    page->addLayout(m_outer, 1);
    auto* charts = new QVBoxLayout;
    charts->setSpacing(8);
    charts->addWidget(m_rows, 1);
    charts->addWidget(m_columns, 1);
    m_outer->addLayout(charts, 3);
    m_outer->addWidget(m_table, 1);
    connect(m_rows, &PlotArea::clicked, this, [this](PlotArea::Hit hit) {
        Selection selection = this->context().selection();
        selection.row = hit.index;
        this->context().select(selection);
    });
    connect(m_columns, &PlotArea::clicked, this, [this](PlotArea::Hit hit) {
        Selection selection = this->context().selection();
        selection.column = hit.index;
        this->context().select(selection);
    });
    connect(m_table, &NumberTable::rowChosen, this, [this](int id) {
        if (!m_statistics || id < 0 || id >= static_cast<int>(m_statistics->extremes.size())) return;
        const engine::ExtremeValue& chosen = m_statistics->extremes[static_cast<std::size_t>(id)];
        Selection selection = this->context().selection();
        selection.row = chosen.row;
        selection.column = chosen.column;
        this->context().select(selection);
    });
    connect(&context, &ViewContext::checkpointChanged, this, &OutliersView::invalidate);
    connect(&context, &ViewContext::statisticsChanged, this, [this](qint64 tensor) {
        if (tensor == this->context().selection().tensor) invalidate();
    });
    connect(&context, &ViewContext::themeChanged, this, &OutliersView::invalidate);
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        if (this->context().selection().tensor != before.tensor)
            invalidate();
        else
            showSelection();
    });
}

void OutliersView::refresh() {
    auto subject = tensorSubject(context());
    if (!context().checkpoint())
        return showNoCheckpoint(tr("A tensor's largest values and the channels that hold them appear here."));
    if (!subject) return showEmpty(tr("Select a tensor in the navigator to see its largest values."));
    subject->method = nullptr; // outliers are those of the stored weights
    header().setSubject(describe(*subject));
    const auto statistics = context().statistics(subject->index);
    if (!statistics) return; // what is there stays until `statisticsChanged`
    m_statistics = statistics;
    showBody();
    showReadouts(*statistics);
    showTable(*statistics);
    showSelection();
}

void OutliersView::showChannels(PlotArea& plot, const std::vector<float>& largest, const QString& channel,
                                std::int64_t selected) {
    PlotLayer bars{Mark::Bars, tr("Largest magnitude"), Ink::ofCategory(-1), {}, {largest.begin(), largest.end()}};
    for (std::size_t i = 0; i <= largest.size(); ++i) bars.x.push_back(static_cast<double>(i) - 0.5);
    if (selected >= 0 && selected < static_cast<std::int64_t>(largest.size()))
        bars.selected = static_cast<int>(selected);
    Axis x{channel, {}, Scale::Linear, false, true};
    plot.setAxes(x, {tr("Magnitude"), {}});
    plot.setReadout([&plot, channel](const PlotArea::Hit& hit) {
        return tr("%1 %2\n%3")
            .arg(channel, formatInteger(hit.index),
                 formatNumber(plot.layers().front().y[static_cast<std::size_t>(hit.index)]));
    });
    plot.setLayers({std::move(bars)});
}

void OutliersView::showReadouts(const engine::TensorStatistics& statistics) {
    const QString muted = context().theme().color(Role::Muted).name();
    const double share = statistics.count > 0
                             ? 100.0 * static_cast<double>(statistics.outliers) / static_cast<double>(statistics.count)
                             : 0;
    QStringList parts;
    const auto part = [&](const QString& name, const QString& value) {
        parts << QStringLiteral("<span style='color:%1'>%2</span>&nbsp;<b>%3</b>")
                     .arg(muted, QString(name).replace(QLatin1Char(' '), QStringLiteral("&nbsp;")),
                          value.toHtmlEscaped());
    };
    part(tr("Kurtosis"), formatNumber(statistics.kurtosis));
    part(tr("Max to mean"), formatNumber(statistics.maxToMean));
    part(tr("Outliers"), tr("%1 (%2 %)").arg(formatInteger(statistics.outliers), formatNumber(share, 2)));
    part(tr("Largest magnitude"), formatNumber(statistics.absmax));
    m_readouts->setText(parts.join(QStringLiteral(" &nbsp; &nbsp; ")));
    m_readouts->setToolTip(QStringList{metricTooltip("kurtosis"), metricTooltip("max_to_mean"),
                                       metricTooltip("outliers"), metricTooltip("absmax")}
                               .join(QStringLiteral("<br><br>")));
}

void OutliersView::showTable(const engine::TensorStatistics& statistics) {
    std::vector<NumberRow> rows;
    for (std::size_t i = 0; i < statistics.extremes.size(); ++i) {
        const engine::ExtremeValue& extreme = statistics.extremes[i];
        rows.push_back({{{formatInteger(static_cast<std::int64_t>(i) + 1), static_cast<double>(i) + 1},
                         {formatInteger(extreme.row), static_cast<double>(extreme.row)},
                         {formatInteger(extreme.column), static_cast<double>(extreme.column)},
                         {formatNumber(extreme.value), extreme.value}},
                        static_cast<int>(i)});
    }
    m_table->setRows(rows);
    m_table->setMinimumWidth(m_table->contentWidth());
}

void OutliersView::showSelection() {
    if (!m_statistics) return;
    const Selection& now = context().selection();
    showChannels(*m_rows, m_statistics->rowAbsMax, tr("Output channel"), now.row);
    showChannels(*m_columns, m_statistics->columnAbsMax, tr("Input channel"), now.column);
    m_rows->setVisible(m_statistics->rowAbsMax.size() > 1);
    std::optional<int> chosen;
    for (std::size_t i = 0; i < m_statistics->extremes.size(); ++i)
        if (m_statistics->extremes[i].row == now.row && m_statistics->extremes[i].column == now.column)
            chosen = static_cast<int>(i);
    m_table->setSelectedId(chosen);
}

void OutliersView::resizeEvent(QResizeEvent* event) {
    ViewPage::resizeEvent(event);
    m_outer->setDirection(event->size().width() >= kWideEnough ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
}

} // namespace qscope
