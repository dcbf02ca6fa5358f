// SPDX-License-Identifier: GPL-3.0-or-later
// The view plugins as the window uses them: loaded at run time, made through their interface, driven with the mouse.
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "tests/unit/views/sample_model.h"

#include <QAction>
#include <QLabel>
#include <QPluginLoader>
#include <QPushButton>
#include <QTest>
#include <QToolButton>

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

using namespace qscope;
using namespace qscope::test;

namespace {

std::unique_ptr<QWidget> makeView(const QString& id, ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_%1.so").arg(id));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    REQUIRE(plugin->views().size() == 1);
    CHECK(plugin->views().front().id == id);
    return std::unique_ptr<QWidget>(plugin->create(id, context, nullptr));
}

PlotArea& plotTitled(QWidget& view, const QString& start) {
    for (PlotArea* plot : view.findChildren<PlotArea*>())
        if (plot->accessibleName().startsWith(start)) return *plot;
    FAIL("no plot is titled " << start.toStdString());
    std::abort();
}

void press(QWidget& view, const QString& text) {
    for (QToolButton* button : view.findChildren<QToolButton*>())
        if (button->text() == text) {
            QTest::mouseClick(button, Qt::LeftButton);
            settle();
            return;
        }
    FAIL("no button says " << text.toStdString());
}

constexpr std::int64_t kTensor = 8; // model.layers.2.mlp.up_proj.weight
constexpr int kFourBitGroups = 3;

} // namespace

TEST_CASE("Each view fills its panel in both themes at three sizes") {
    for (const char* id : {"distribution", "heatmap", "outliers", "comparison"})
        for (const char* theme : {"light", "dark"})
            for (const QSize size : {QSize(520, 460), QSize(940, 680), QSize(1600, 1000)}) {
                CAPTURE(id, theme, size.width());
                SampleContext context;
                context.setTheme(theme);
                context.select({kTensor, 12, 78, kFourBitGroups});
                const auto view = makeView(id, context);
                present(*view, size);
                const QImage image = shoot(*view, QStringLiteral("%1-%2-%3").arg(id, theme).arg(size.width()));
                CHECK(image.size() == size);
                CHECK(distinctColors(image) > 40);
                // The selection shows: as accent, and as the method's colour where its grid is drawn.
                const bool grid = QString(id) == "distribution";
                CHECK(pixelsNear(image,
                                 grid ? context.theme().category(kFourBitGroups) : context.theme().color(Role::Accent),
                                 16) > 20);
                const int ground = pixelsNear(image, context.theme().color(Role::Surface), 1);
                CHECK(ground > size.width() * size.height() / 10);
                CHECK(ground < size.width() * size.height() * 98 / 100);
            }
}

TEST_CASE("Every view without a checkpoint says what would be here and offers to open one") {
    for (const char* id : {"distribution", "heatmap", "outliers", "comparison"}) {
        SampleContext context(SampleContext::Holds::Nothing);
        const auto view = makeView(id, context);
        present(*view, {600, 400});
        shoot(*view, QStringLiteral("%1-empty").arg(id));
        auto* empty = view->findChild<EmptyState*>();
        REQUIRE(empty);
        CHECK(empty->isVisible());
        CHECK(empty->text().contains("appear"));
        QTest::mouseClick(empty->findChild<QPushButton*>(), Qt::LeftButton);
        CHECK(context.requests == std::vector{WindowRequest::OpenCheckpoint});
    }
}

TEST_CASE("Views that need a result offer to make one") {
    SampleContext context(SampleContext::Holds::Checkpoint);
    context.select({kTensor});
    const auto comparison = makeView("comparison", context);
    present(*comparison, {700, 500});
    QTest::mouseClick(comparison->findChild<EmptyState*>()->findChild<QPushButton*>(), Qt::LeftButton);
    const auto heatmap = makeView("heatmap", context);
    present(*heatmap, {700, 500});
    press(*heatmap, "Error");
    QTest::mouseClick(heatmap->findChild<EmptyState*>()->findChild<QPushButton*>(), Qt::LeftButton);
    CHECK(context.requests == std::vector{WindowRequest::Quantize, WindowRequest::Quantize});
}

TEST_CASE("A hidden view computes nothing until it is shown") {
    SampleContext context;
    context.select({kTensor, -1, -1, kFourBitGroups});
    std::vector<std::unique_ptr<QWidget>> views;
    for (const char* id : {"distribution", "heatmap", "comparison"}) views.push_back(makeView(id, context));
    context.select({kTensor + 1, -1, -1, 0});
    emit context.reportChanged();
    settle();
    CHECK(context.jobsStarted == 0);
    present(*views.front(), {600, 400});
    CHECK(context.jobsStarted == 1);
}

TEST_CASE("The histogram's edges fall on the levels of the selected result's grid") {
    SampleContext context;
    context.select({kTensor, 12, 78, kFourBitGroups});
    const auto view = makeView("distribution", context);
    present(*view, {900, 600});
    PlotArea& histogram = plotTitled(*view, "Values");
    REQUIRE(histogram.layers().size() == 4);
    const PlotLayer& bars = histogram.layers()[0];
    const PlotLayer& levels = histogram.layers()[3];
    CHECK(levels.mark == Mark::Ticks);
    CHECK(levels.x.size() == 15);
    for (const double level : levels.x) CHECK(std::count(bars.x.begin(), bars.x.end(), level) == 1);
    const double stored = std::accumulate(bars.y.begin(), bars.y.end(), 0.0);
    CHECK(stored == 128 * 192);
    const PlotLayer& steps = histogram.layers()[1];
    CHECK(std::accumulate(steps.y.begin(), steps.y.end(), 0.0) == stored);
    // Another group, another grid.
    context.select({kTensor, 100, 3, kFourBitGroups});
    settle();
    CHECK(histogram.layers()[3].x != levels.x);
    // No method: the plain histogram of the statistics.
    context.select({kTensor, 100, 3, -1});
    settle();
    CHECK(histogram.layers().size() == 1);
    press(*view, "Log");
    CHECK(histogram.frame().yAxis.scale == Scale::Log);
    shoot(*view, "distribution-plain-log");
}

TEST_CASE("A click in the heatmap selects row and column for all views, also when sorted") {
    SampleContext context;
    context.select({kTensor, -1, -1, kFourBitGroups});
    const auto view = makeView("heatmap", context);
    present(*view, {900, 600});
    auto* heatmap = view->findChild<Heatmap*>();
    REQUIRE(heatmap);
    QTest::mouseClick(heatmap, Qt::LeftButton, {}, heatmap->toPixel(30, 40).toPoint());
    CHECK(context.selection() == Selection{kTensor, 30, 40, kFourBitGroups});
    press(*view, "Sort columns");
    QTest::mouseClick(heatmap, Qt::LeftButton, {}, heatmap->toPixel(30, 0).toPoint());
    const auto& norms = context.statistics(kTensor)->columnNorms;
    CHECK(context.selection().column == std::max_element(norms.begin(), norms.end()) - norms.begin());
    shoot(*view, "heatmap-sorted");
    press(*view, "Error");
    const auto value = heatmap->valueAt(30, 0);
    REQUIRE(value);
    CHECK(std::abs(*value) <=
          static_cast<float>(context.report()->methods[kFourBitGroups].tensors[kTensor].metrics.maxError));
    shoot(*view, "heatmap-error");
}

TEST_CASE("A click on a channel or on a large value selects it") {
    SampleContext context;
    context.select({kTensor});
    const auto view = makeView("outliers", context);
    present(*view, {1000, 600});
    PlotArea& columns = plotTitled(*view, "Largest magnitude per input");
    QTest::mouseClick(&columns, Qt::LeftButton, {}, columns.frame().toPixel(78, columns.viewY().high * 0.1).toPoint());
    CHECK(context.selection().column == 78);
    CHECK(context.selection().row == -1);
    auto* table = view->findChild<NumberTable*>();
    const auto index = table->model()->index(2, 0);
    QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, table->visualRect(index).center());
    const auto& third = context.statistics(kTensor)->extremes[2];
    CHECK(context.selection().row == third.row);
    CHECK(context.selection().column == third.column);
}

TEST_CASE("Choosing a method in the comparison selects its result everywhere and a double click exports it") {
    SampleContext context;
    context.select({kTensor});
    const auto view = makeView("comparison", context);
    present(*view, {1200, 800});
    auto* table = view->findChild<NumberTable*>();
    REQUIRE(table->model()->rowCount() == 6); // full precision and five methods
    CHECK(table->model()->index(0, 0).data().toString() == "Full precision");
    QTest::mouseClick(table->viewport(), Qt::LeftButton, {}, table->visualRect(table->model()->index(2, 0)).center());
    CHECK(context.selection().method == 1);
    settle();
    PlotArea& pareto = plotTitled(*view, "Quality against");
    const PlotLayer point = pareto.layers()[4];
    const QPoint at = pareto.frame().toPixel(point.x[0], point.y[0]).toPoint();
    QTest::mouseClick(&pareto, Qt::LeftButton, {}, at);
    CHECK(context.selection().method == 3);
    settle();
    CHECK(table->selectedId() == 3);
    QTest::mouseDClick(&pareto, Qt::LeftButton, {}, at);
    CHECK(context.requests == std::vector{WindowRequest::Export});
    PlotArea& depth = plotTitled(*view, "Error across");
    const PlotLayer line = depth.layers()[0];
    QTest::mouseClick(&depth, Qt::LeftButton, {}, depth.frame().toPixel(line.x[5], line.y[5]).toPoint());
    CHECK(context.selection().method == 0);
    CHECK(context.selection().tensor == 5);
}
