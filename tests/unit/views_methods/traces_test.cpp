// SPDX-License-Identifier: GPL-3.0-or-later
// What methods left to be seen, grouped into charts and drawn.
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_traces/trace_charts.h"
#include "tests/unit/views/sample_model.h"

#include <QPluginLoader>
#include <QPushButton>
#include <QTest>
#include <QToolButton>

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::test;

namespace {

constexpr std::int64_t kTensor = 8;

std::unique_ptr<QWidget> makeView(ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_traces.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    return std::unique_ptr<QWidget>(plugin->create(QStringLiteral("traces"), context, nullptr));
}

engine::Trace falling(const std::string& title, double to) {
    engine::Trace trace{title, "step", "squared error per token", {}, {}};
    for (int step = 1; step <= 150; ++step) {
        trace.x.push_back(step);
        trace.y.push_back(to + std::exp(-step / 20.0) * (1 + 0.2 * std::sin(step)));
    }
    return trace;
}

/// The sample's report, where two methods left traces of one tensor.
std::shared_ptr<const engine::CompareReport> tracedReport() {
    auto report = std::make_shared<engine::CompareReport>(*sampleModel().report);
    auto& first = report->methods[1].tensors[kTensor].traces;
    auto& second = report->methods[3].tensors[kTensor].traces;
    first.push_back(falling("Loss while it is learned: block 2", 0.05));
    second.push_back(falling("Loss while it is learned: block 2", 0.01));
    const std::string range = "Error over the range of the grid: ", x = "part of each group's range";
    second.push_back(
        {range + "all groups alike", x, "relative squared error", {1, 0.8, 0.6, 0.4}, {0.02, 0.012, 0.02, 0.1}});
    second.push_back({range + "chosen", x, "relative squared error", {0.78}, {0.009}});
    second.push_back({"Rounded up: learned", "place", "rounded up (%)", {0.25, 0.75}, {10, 92}});
    second.push_back({"No places", "step", "value", {}, {3, 2, 1}});
    second.push_back({"Crooked", "step", "value", {1, 2}, {3}});
    return report;
}

PlotArea& plotTitled(QWidget& view, const QString& start) {
    for (PlotArea* plot : view.findChildren<PlotArea*>())
        if (plot->accessibleName().startsWith(start)) return *plot;
    FAIL("no plot is titled " << start.toStdString());
    std::abort();
}

} // namespace

TEST_CASE("Traces of the same title and axes share a chart, a single point is a mark, crooked ones are left out") {
    const auto charts = traceCharts(*tracedReport(), kTensor);
    REQUIRE(charts.size() == 4);
    CHECK(charts[0].title == QStringLiteral("Loss while it is learned"));
    CHECK(charts[0].methods == std::vector<int>{1, 3});
    CHECK(charts[0].mayBeLog);
    CHECK(charts[0].layers[1].name.endsWith(QStringLiteral(", block 2")));
    REQUIRE(charts[1].layers.size() == 2);
    CHECK(charts[1].layers[0].mark == Mark::Line);
    CHECK(charts[1].layers[1].mark == Mark::Points);
    CHECK(charts[1].layers[1].name == QStringLiteral("chosen"));
    CHECK_FALSE(charts[2].mayBeLog); // a percentage
    CHECK(charts[2].title == QStringLiteral("Rounded up, learned"));
    CHECK(charts[3].layers[0].x == std::vector<double>{1, 2, 3});
    CHECK(traceCharts(*tracedReport(), 0).empty());
    CHECK(tracedTensors(*tracedReport()) == std::vector<std::size_t>{kTensor});
}

TEST_CASE("The traces view draws a chart per kind, and a click on a curve selects its method") {
    SampleContext context;
    context.shownReport = tracedReport();
    context.select({kTensor});
    const auto view = makeView(context);
    present(*view, {1100, 700});
    const QImage light = shoot(*view, QStringLiteral("traces-light"));
    CHECK(distinctColors(light) > 20);
    PlotArea& loss = plotTitled(*view, QStringLiteral("Loss"));
    CHECK(loss.frame().yAxis.scale == Scale::Log);
    CHECK(plotTitled(*view, QStringLiteral("Rounded up")).frame().yAxis.scale == Scale::Linear);
    QTest::mouseClick(&loss, Qt::LeftButton, {}, loss.frame().toPixel(120, loss.layers()[0].y[119]).toPoint());
    CHECK(context.selection().method == 1);
    for (auto* button : view->findChildren<QToolButton*>())
        if (button->text() == QStringLiteral("Linear")) QTest::mouseClick(button, Qt::LeftButton);
    settle();
    CHECK(loss.frame().yAxis.scale == Scale::Linear);
    context.setTheme(QStringLiteral("dark"));
    settle();
    shoot(*view, QStringLiteral("traces-dark"));
}

TEST_CASE("Without traces the view says which tensor has some, or what would leave them") {
    SampleContext context;
    context.shownReport = tracedReport();
    context.select({2});
    const auto view = makeView(context);
    present(*view, {600, 400});
    auto* button = view->findChild<EmptyState*>()->findChild<QPushButton*>();
    CHECK(button->text().contains(QStringLiteral("model.layers.2.mlp.up_proj")));
    QTest::mouseClick(button, Qt::LeftButton);
    settle();
    CHECK(context.selection().tensor == kTensor);
    CHECK(plotTitled(*view, QStringLiteral("Loss")).isVisible());
    context.setReport(sampleModel().report);
    settle();
    CHECK(view->findChild<EmptyState*>()->text().startsWith(QStringLiteral("None of the methods")));
    QTest::mouseClick(button, Qt::LeftButton);
    CHECK(context.requests == std::vector<WindowRequest>{WindowRequest::Quantize});
}
