// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/sdk/widgets/chart_export.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "tests/unit/views/sample_model.h"

#include <QFile>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>

#include <catch2/catch.hpp>

using namespace qscope;
using namespace qscope::test;

namespace {

void wheel(QWidget& widget, QPointF at, int notches) {
    QWheelEvent event(at, widget.mapToGlobal(at), {}, {0, notches * 120}, Qt::NoButton, Qt::NoModifier,
                      Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(&widget, &event);
}

void drag(QWidget& widget, QPoint from, QPoint to) {
    QTest::mousePress(&widget, Qt::LeftButton, {}, from);
    QTest::mouseMove(&widget, (from + to) / 2);
    QTest::mouseMove(&widget, to);
    QTest::mouseRelease(&widget, Qt::LeftButton, {}, to);
}

struct Plot {
    SampleContext context{SampleContext::Holds::Nothing};
    PlotArea area{context};
    Plot() {
        area.setTitle("Plot");
        area.setAxes({"x", {}}, {"y", {}});
        area.setLayers({{Mark::Bars, "bars", Ink::ofCategory(0), {0, 1, 2, 3, 4}, {1, 5, 2, 8}},
                        {Mark::Points, "points", Ink::ofCategory(1), {0.5, 3.5}, {6, 4}}});
        present(area, {400, 300});
    }
    [[nodiscard]] QPoint at(double x, double y) const { return area.frame().toPixel(x, y).toPoint(); }
};

} // namespace

TEST_CASE("A plot's full range holds its data and bars stand on zero") {
    Plot plot;
    CHECK(plot.area.viewX() == Range{0, 4});
    CHECK(plot.area.viewY().low == 0);
    CHECK(plot.area.viewY().high > 8);
}

TEST_CASE("The wheel zooms about the cursor and a double click resets") {
    Plot plot;
    const QPoint cursor = plot.at(3, 4);
    const double before = plot.area.frame().toValue(cursor).x();
    wheel(plot.area, cursor, 3);
    CHECK(plot.area.viewX().length() == Approx(4 * 0.512).epsilon(1e-6));
    CHECK(plot.area.frame().toValue(cursor).x() == Approx(before).epsilon(1e-9));
    QTest::mouseDClick(&plot.area, Qt::LeftButton, {}, cursor);
    CHECK(plot.area.viewX() == Range{0, 4});
}

TEST_CASE("Dragging zooms to the rectangle; a flat one zooms one axis alone") {
    Plot plot;
    drag(plot.area, plot.at(1, 6), plot.at(3, 2));
    CHECK(plot.area.viewX().low == Approx(1).margin(0.05));
    CHECK(plot.area.viewX().high == Approx(3).margin(0.05));
    CHECK(plot.area.viewY().high == Approx(6).margin(0.2));
    plot.area.setView(std::nullopt, std::nullopt);
    drag(plot.area, plot.at(1, 4), plot.at(3, 4));
    CHECK(plot.area.viewX().high == Approx(3).margin(0.05));
    CHECK(plot.area.viewY().low == 0);
}

TEST_CASE("A click reports the bar under it, or the point beside it") {
    Plot plot;
    std::vector<PlotArea::Hit> hits;
    QObject::connect(&plot.area, &PlotArea::clicked, [&](PlotArea::Hit hit) { hits.push_back(hit); });
    QTest::mouseClick(&plot.area, Qt::LeftButton, {}, plot.at(1.5, 1));
    QTest::mouseClick(&plot.area, Qt::LeftButton, {}, plot.at(0.5, 6));
    REQUIRE(hits.size() == 2);
    CHECK(hits[0].layer == 0);
    CHECK(hits[0].index == 1);
    CHECK(hits[1].layer == 1);
    CHECK(hits[1].index == 0);
}

TEST_CASE("Bars and points are drawn in their category's colour in both themes") {
    Plot plot;
    for (const char* name : {"light", "dark"}) {
        plot.context.setTheme(name);
        const QImage image = plot.area.grab().toImage();
        CHECK(pixelsNear(image, plot.context.theme().category(0)) > 2000);
        CHECK(pixelsNear(image, plot.context.theme().category(1)) > 40);
        CHECK(pixelsNear(image, plot.context.theme().color(Role::Surface), 2) > 20000);
    }
}

TEST_CASE("A hundred thousand points paint as few strokes and keep their outlier") {
    SampleContext context(SampleContext::Holds::Nothing);
    PlotArea area(context);
    PlotLayer line{Mark::Line, "line", Ink::ofCategory(0), {}, {}};
    for (int i = 0; i < 100000; ++i) line.x.push_back(i), line.y.push_back(i == 70000 ? 100.0 : i % 7);
    area.setAxes({"x", {}}, {"y", {}});
    area.setLayers({line});
    present(area, {600, 300});
    const QImage image = area.grab().toImage();
    const QRect top(area.frame().toPixel(69000, 95).toPoint(), area.frame().toPixel(71000, 50).toPoint());
    CHECK(pixelsNear(image.copy(top), context.theme().category(0), 60) > 20);
}

TEST_CASE("A chart saves as PNG, SVG and CSV") {
    Plot plot;
    TemporaryFolder folder;
    for (const char* name : {"chart.png", "chart.svg"}) {
        const QString path = QString::fromStdString((folder / name).string());
        REQUIRE((QString(name).endsWith("png") ? savePng(plot.area, path) : saveSvg(plot.area, path)));
        QFile file(path);
        REQUIRE(file.open(QIODevice::ReadOnly));
        const QByteArray bytes = file.readAll();
        CHECK((bytes.startsWith("\x89PNG") || bytes.contains("<svg")));
        CHECK(bytes.size() > 1000);
    }
    CHECK(plot.area.asCsv().contains("bars,1,2,5,"));
    CHECK_FALSE(savePng(plot.area, "/nowhere/at/all.png"));
}

TEST_CASE("A heatmap asks for what is on screen, coarser when zoomed out") {
    SampleContext context(SampleContext::Holds::Nothing);
    Heatmap heatmap(context);
    std::vector<TileRequest> requests;
    QObject::connect(&heatmap, &Heatmap::tileWanted, [&](const TileRequest& request) { requests.push_back(request); });
    present(heatmap, {500, 400});
    HeatmapInfo info;
    info.rows = 8192;
    info.columns = 300;
    heatmap.setMatrix(info);
    REQUIRE_FALSE(requests.empty());
    CHECK(requests.back().rows == 8192);
    CHECK(requests.back().columns == 300);
    CHECK(requests.back().columnFactor == 1);
    CHECK(requests.back().rowFactor >= 16);
    CHECK(requests.back().cellRows() <= 2 * 400 + 2);
    heatmap.setView({100, 4000, 20, 30});
    CHECK(requests.back().rowFactor == 1);
    CHECK(requests.back().row <= 4000);
    CHECK(requests.back().row + requests.back().rows >= 4030);
}

TEST_CASE("A single outlier stays visible however far a heatmap is zoomed out") {
    SampleContext context(SampleContext::Holds::Nothing);
    Heatmap heatmap(context);
    present(heatmap, {420, 320});
    HeatmapInfo info;
    info.rows = info.columns = 600;
    heatmap.setMatrix(info);
    MatrixTile tile{{0, 600, 0, 600, 1, 1}, std::vector<float>(360000)};
    tile.cells[300 * 600 + 299] = 1;
    heatmap.setTile(tile);
    const QRect cells = heatmap.matrixRect().toRect();
    const QImage image = heatmap.grab().toImage().copy(cells);
    const QColor end(colorMap("diverging").back());
    CHECK(pixelsNear(image, end, 4) >= 1);
    CHECK(heatmap.valueAt(300, 299) == 1.0F);
}

TEST_CASE("A click on a heatmap gives its cell, beside it the row alone, above it the column alone") {
    SampleContext context(SampleContext::Holds::Nothing);
    Heatmap heatmap(context);
    present(heatmap, {420, 320});
    HeatmapInfo info;
    info.rows = 10;
    info.columns = 20;
    info.rowMarginal.assign(10, 1);
    info.columnMarginal.assign(20, 1);
    heatmap.setMatrix(info);
    std::vector<std::pair<qint64, qint64>> clicks;
    QObject::connect(&heatmap, &Heatmap::clicked, [&](qint64 row, qint64 column) { clicks.emplace_back(row, column); });
    const QPoint cell = heatmap.toPixel(3, 7).toPoint();
    QTest::mouseClick(&heatmap, Qt::LeftButton, {}, cell);
    QTest::mouseClick(&heatmap, Qt::LeftButton, {}, {static_cast<int>(heatmap.matrixRect().right()) + 10, cell.y()});
    QTest::mouseClick(&heatmap, Qt::LeftButton, {}, {cell.x(), static_cast<int>(heatmap.matrixRect().top()) - 10});
    CHECK(clicks == std::vector<std::pair<qint64, qint64>>{{3, 7}, {3, -1}, {-1, 7}});
}
