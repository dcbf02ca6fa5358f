// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/view_distribution/distribution_view.h"

#include "plugins/sdk/format.h"
#include "plugins/sdk/widgets/view_help.h"

#include <QBoxLayout>
#include <QResizeEvent>

#include <algorithm>
#include <cmath>

namespace qscope {

namespace {

constexpr int kBinsOnGrid = 192;
constexpr double kPeakRatio = 1.8;
constexpr int kWideEnough = 880; // pixels: from here the histogram stands beside the rest

} // namespace

DistributionView::DistributionView(ViewContext& context, QWidget* parent)
    : ViewPage(context, tr("Distribution"), parent) {
    m_histogram = new PlotArea(context);
    m_quantiles = new PlotArea(context);
    m_moments = new NumberTable(context);
    m_moments->setColumns({{tr("Statistic"), {}, true}, {tr("Value"), {}}});
    m_moments->setSortingEnabled(false);
    m_moments->setAccessibleName(tr("Moments and errors"));
    m_moments->setMinimumSize(220, 140);
    m_outer = new QBoxLayout(QBoxLayout::LeftToRight, &body());
    m_outer->setContentsMargins(8, 0, 8, 8);
    m_outer->setSpacing(16);
    m_side = new QBoxLayout(QBoxLayout::TopToBottom);
    m_side->setSpacing(8);
    m_outer->addWidget(m_histogram, 3);
    m_outer->addLayout(m_side, 2);
    m_side->addWidget(m_quantiles, 1);
    m_side->addWidget(m_moments, 1);
    m_histogram->setTitle(tr("Values"));
    m_histogram->setNote([this](const Range& view) { return tailNote(view); });
    m_histogram->setReadout([this](const PlotArea::Hit& hit) { return readout(hit); });
    m_quantiles->setTitle(tr("Q–Q plot against the normal"));
    header().addChoice({tr("Linear"), tr("Log")}, 0,
                       [this](int index) {
                           m_logCounts = index == 1;
                           setHistogramLayers(m_histogram->layers());
                       },
                       {tr("Counts on a linear scale"), tr("Counts on a logarithmic scale: shows the tails")});
    addHelp(header(),
             tr("The histogram counts the selected tensor's values; with a result selected its bins end on "
                "the levels of the grid, and the second series counts the values after rounding. Values "
                "beyond the part on show are counted in the corner.\n\n"
                "The Q–Q plot sets the values' quantiles against those of a normal distribution of the same "
                "mean and deviation (Wilk and Gnanadesikan, Biometrika 55, 1968): a straight line is a normal "
                "distribution, ends that bend away are heavy tails.\n\n"
                "The table: moments over the finite values, kurtosis = E[(w − mean)⁴] / std⁴ (3 for a normal "
                "distribution), and for a result the error against the stored weights: relative MSE = Σ(w − "
                "ŵ)² / Σw², SQNR = −10 log₁₀ of it in dB."));
    connect(&context, &ViewContext::checkpointChanged, this, &DistributionView::invalidate);
    connect(&context, &ViewContext::reportChanged, this, &DistributionView::invalidate);
    connect(&context, &ViewContext::statisticsChanged, this, [this](qint64 tensor) {
        if (tensor == this->context().selection().tensor) invalidate();
    });
    connect(&context, &ViewContext::selectionChanged, this, [this](const Selection& before) {
        const Selection& now = this->context().selection();
        const bool groupMoved = now.method >= 0 && (now.row != before.row || now.column != before.column);
        if (now.tensor != before.tensor || now.method != before.method || groupMoved) invalidate();
    });
}

void DistributionView::refresh() {
    const auto subject = tensorSubject(context());
    if (!context().checkpoint()) return showNoCheckpoint(tr("The spread of a tensor's values appears here."));
    if (!subject) return showEmpty(tr("Select a tensor in the navigator to see how its values are spread."));
    header().setSubject(describe(*subject));
    const auto statistics = context().statistics(subject->index);
    if (!statistics) return; // what is there stays until `statisticsChanged`
    showBody();
    m_notFinite = statistics->nan + statistics->inf;
    showQuantiles(*statistics);
    showMoments(*subject, *statistics);
    if (!subject->result) return showPlain(*statistics);
    const Grid grid = gridOf(*subject, *statistics);
    auto edges = edgesOnLevels(grid.levels, {statistics->min, statistics->max}, kBinsOnGrid);
    run(
        tr("Count values on the grid"),
        [subject = *subject, edges = std::move(edges)](const RunContext& job) {
            return countBoth(subject.view(), *subject.result->quantized, edges, job);
        },
        [this, subject = *subject, grid](const BinnedCounts& counts) { showCounts(subject, counts, grid); });
}

DistributionView::Grid DistributionView::gridOf(const TensorSubject& subject,
                                                const engine::TensorStatistics& statistics) const {
    const engine::QuantizedTensor& quantized = *subject.result->quantized;
    const auto* codes = std::get_if<engine::GridCodes>(&quantized.codes);
    if (codes && codes->grouping.count() == 1)
        return {engine::gridLevels(quantized, 0, 0), tr("One grid for the whole tensor")};
    const Selection& selection = context().selection();
    const engine::MatrixShape matrix = subject.matrix();
    if (selection.row >= 0 || selection.column >= 0) {
        const std::int64_t row = std::clamp<std::int64_t>(selection.row, 0, matrix.rows - 1);
        const std::int64_t column = std::clamp<std::int64_t>(selection.column, 0, matrix.columns - 1);
        return {engine::gridLevels(quantized, row, column),
                tr("Grid of the group at row %1, column %2").arg(formatInteger(row), formatInteger(column))};
    }
    if (statistics.extremes.empty()) return {};
    // With nothing selected the widest grid says most: that of the group with the largest value.
    const engine::ExtremeValue& largest = statistics.extremes.front();
    return {engine::gridLevels(quantized, largest.row, largest.column),
            tr("Grid of the group with the largest value, row %1, column %2")
                .arg(formatInteger(largest.row), formatInteger(largest.column))};
}

void DistributionView::showPlain(const engine::TensorStatistics& statistics) {
    cancelRun();
    m_levels.clear();
    m_origin.clear();
    PlotLayer bars{Mark::Bars,
                   tr("Stored"),
                   Ink::ofCategory(-1),
                   statistics.histogram.edges,
                   {statistics.histogram.counts.begin(), statistics.histogram.counts.end()}};
    setHistogramLayers({std::move(bars)});
}

void DistributionView::showCounts(const TensorSubject& subject, const BinnedCounts& counts, const Grid& grid) {
    m_levels = grid.levels;
    m_origin = grid.origin;
    const QString label = QString::fromStdString(subject.method->label);
    const Ink ink = Ink::ofCategory(subject.methodIndex);
    std::vector<PlotLayer> layers;
    layers.push_back({Mark::Bars, tr("Stored"), Ink::ofCategory(-1), counts.edges, counts.original});
    layers.push_back({Mark::Steps, label, ink, counts.edges, counts.quantized});
    if (grid.levels.size() >= 2) {
        PlotLayer thresholds{Mark::Ticks, tr("Thresholds"), Ink::of(Role::Muted), thresholdsOf(grid.levels), {}};
        thresholds.onHover = true;
        thresholds.inLegend = false;
        layers.push_back(std::move(thresholds));
        layers.push_back({Mark::Ticks, tr("Levels"), ink, {grid.levels.begin(), grid.levels.end()}, {}});
    }
    setHistogramLayers(std::move(layers));
}

void DistributionView::setHistogramLayers(std::vector<PlotLayer> layers) {
    const Axis x{tr("Value"), {}, Scale::Linear, true};
    const Axis y{tr("Count per bin"), {}, m_logCounts ? Scale::Log : Scale::Linear, false, !m_logCounts};
    m_histogram->setAxes(x, y);
    // Codes of zero pile up in one bin: rather cut that peak, and say so, than flatten everything else.
    std::optional<Range> counts;
    m_peakNote.clear();
    if (!m_logCounts && layers.size() > 1) {
        const double stored = *std::max_element(layers[0].y.begin(), layers[0].y.end());
        const double peak = *std::max_element(layers[1].y.begin(), layers[1].y.end());
        if (peak > kPeakRatio * stored && stored > 0) {
            counts = Range{0, kPeakRatio * stored};
            m_peakNote = tr("Peak of %1 cut off").arg(formatInteger(static_cast<std::int64_t>(peak)));
        }
    }
    m_histogram->setFullRange(std::nullopt, counts);
    m_histogram->setLayers(std::move(layers));
}

void DistributionView::showQuantiles(const engine::TensorStatistics& statistics) {
    PlotLayer points{Mark::Points, tr("Values"), Ink::ofCategory(-1), {}, {}};
    const std::size_t count = statistics.quantiles.size();
    for (std::size_t i = 0; i < count; ++i) {
        points.x.push_back(normalQuantile((static_cast<double>(i) + 0.5) / static_cast<double>(count)));
        points.y.push_back(statistics.quantiles[i]);
    }
    PlotLayer line{Mark::Line, tr("Normal with this mean and deviation"), Ink::of(Role::Muted), {-4, 4}, {}};
    for (const double x : line.x) line.y.push_back(statistics.mean + statistics.std * x);
    line.dash = Qt::DashLine;
    line.interactive = false;
    points.inLegend = line.inLegend = false;
    m_quantiles->setAxes({tr("Normal quantile"), QStringLiteral("σ")}, {tr("Value"), {}});
    m_quantiles->setFullRange(Range{-4, 4}, std::nullopt);
    m_quantiles->setLayers({std::move(line), std::move(points)});
}

void DistributionView::showMoments(const TensorSubject& subject, const engine::TensorStatistics& statistics) {
    std::vector<NumberRow> rows;
    const auto add = [&](const char* key, const QString& name, double value, const QString& text) {
        rows.push_back({{{name, 0, false, metricTooltip(key)}, {text, value}}, static_cast<int>(rows.size())});
    };
    const auto number = [&](const char* key, const QString& name, double value) {
        add(key, name, value, formatNumber(value));
    };
    const auto counted = [&](const char* key, const QString& name, std::int64_t value) {
        const double share =
            statistics.count > 0 ? 100.0 * static_cast<double>(value) / static_cast<double>(statistics.count) : 0;
        const QString text =
            value == 0 ? QStringLiteral("0") : tr("%1 (%2 %)").arg(formatInteger(value), formatNumber(share, 2));
        add(key, name, static_cast<double>(value), text);
    };
    if (subject.result) {
        const engine::ErrorMetrics& metrics = subject.result->metrics;
        add("bits_per_weight", tr("Bits per weight"), subject.result->bits, formatBits(subject.result->bits));
        number("relative_mse", tr("Relative MSE"), metrics.relativeMse);
        add("sqnr_db", tr("SQNR"), metrics.sqnrDb, formatDecibels(metrics.sqnrDb));
        number("max_error", tr("Largest error"), metrics.maxError);
        number("cosine", tr("Cosine"), metrics.cosine);
    }
    add("count", tr("Values"), static_cast<double>(statistics.count), formatInteger(statistics.count));
    number("mean", tr("Mean"), statistics.mean);
    number("std", tr("Standard deviation"), statistics.std);
    number("min", tr("Minimum"), statistics.min);
    number("max", tr("Maximum"), statistics.max);
    number("kurtosis", tr("Kurtosis"), statistics.kurtosis);
    number("max_to_mean", tr("Max to mean"), statistics.maxToMean);
    counted("outliers", tr("Outliers"), statistics.outliers);
    counted("zeros", tr("Zeros"), statistics.zeros);
    counted("nan", tr("NaN"), statistics.nan);
    counted("inf", tr("Infinite"), statistics.inf);
    m_moments->setRows(rows);
    m_moments->setMinimumWidth(m_moments->contentWidth());
}

QString DistributionView::tailNote(const Range& view) const {
    QStringList notes;
    if (!m_origin.isEmpty()) notes << m_origin;
    if (!m_peakNote.isEmpty()) notes << m_peakNote;
    if (!m_histogram->layers().empty()) {
        const PlotLayer& bars = m_histogram->layers().front();
        double below = 0, above = 0, all = 0;
        for (std::size_t i = 0; i < bars.y.size(); ++i) {
            all += bars.y[i];
            if (bars.x[i + 1] <= view.low) below += bars.y[i];
            if (bars.x[i] >= view.high) above += bars.y[i];
        }
        const auto side = [&](double count, const QString& where) {
            if (count > 0)
                notes << tr("%1 (%2 %) %3")
                             .arg(formatInteger(static_cast<std::int64_t>(count)), formatNumber(100 * count / all, 2),
                                  where);
        };
        side(below, tr("below the view"));
        side(above, tr("above the view"));
    }
    if (m_notFinite > 0) notes << tr("%1 not finite, left out").arg(formatInteger(m_notFinite));
    return notes.join(QLatin1Char('\n'));
}

QString DistributionView::readout(const PlotArea::Hit& hit) const {
    const std::vector<PlotLayer>& layers = m_histogram->layers();
    const auto bin = static_cast<std::size_t>(hit.index);
    const PlotLayer& bars = layers.front();
    QStringList lines{tr("%1 to %2").arg(formatNumber(bars.x[bin]), formatNumber(bars.x[bin + 1]))};
    for (const PlotLayer& layer : layers)
        if (layer.mark != Mark::Ticks)
            lines << tr("%1: %2").arg(layer.name, formatInteger(static_cast<std::int64_t>(layer.y[bin])));
    if (m_levels.size() >= 2) {
        const auto middle = static_cast<float>((bars.x[bin] + bars.x[bin + 1]) / 2);
        auto level = std::min_element(m_levels.begin(), m_levels.end(),
                                      [&](float a, float b) { return std::abs(a - middle) < std::abs(b - middle); });
        const auto thresholds = thresholdsOf(m_levels);
        const auto index = static_cast<std::size_t>(level - m_levels.begin());
        const QString from = index == 0 ? QStringLiteral("−∞") : formatNumber(thresholds[index - 1]);
        const QString to = index == thresholds.size() ? QStringLiteral("∞") : formatNumber(thresholds[index]);
        lines << tr("Level %1 takes %2 to %3").arg(formatNumber(static_cast<double>(*level)), from, to);
    }
    return lines.join(QLatin1Char('\n'));
}

void DistributionView::resizeEvent(QResizeEvent* event) {
    ViewPage::resizeEvent(event);
    const bool wide = event->size().width() >= kWideEnough;
    m_outer->setDirection(wide ? QBoxLayout::LeftToRight : QBoxLayout::TopToBottom);
    m_side->setDirection(wide ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
}

} // namespace qscope
