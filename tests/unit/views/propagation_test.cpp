// SPDX-License-Identifier: GPL-3.0-or-later
// The view of error propagation, loaded as the window does, on a report made by hand.
#include "engine/core/random.h"
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_propagation/propagation_model.h"
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

constexpr int kLayers = 8;
constexpr std::size_t kTokenCount = 96;

engine::PropagatedPlace place(int layer, const std::string& part, double error, std::uint64_t stream) {
    engine::PropagatedPlace made;
    made.layer = layer;
    made.name = "model.layers." + std::to_string(layer) + part;
    made.metrics = {error, -10 * std::log10(error), 1, 1 - error / 2};
    made.referenceKurtosis = 4 + layer;
    made.kurtosis = made.referenceKurtosis * (1 + error);
    made.referenceMaxToMean = 9 + layer;
    made.maxToMean = made.referenceMaxToMean * (1 - error);
    for (std::size_t token = 0; token < kTokenCount; ++token) {
        made.tokenError.push_back(static_cast<float>(error * (0.5 + uniform(5, stream, token))));
        for (std::size_t i = 0; i < engine::kWorstChannels; ++i)
            made.worst.push_back({static_cast<std::int32_t>(17 * (i + 1) + token), 0.4F / static_cast<float>(i + 1)});
    }
    return made;
}

std::shared_ptr<engine::PropagationReport> sampleReport(bool attribution) {
    auto report = std::make_shared<engine::PropagationReport>();
    report->text = "/texts/page.txt";
    for (std::size_t token = 0; token < kTokenCount; ++token) {
        report->tokens.push_back(static_cast<std::int32_t>(token));
        report->pieces.push_back(token % 7 == 6 ? "\n" : " word" + std::to_string(token));
    }
    for (const auto& result : sampleModel().report->methods) {
        const auto m = report->methods.size();
        engine::MethodPropagation method;
        method.label = result.label;
        const double base = result.metrics.relativeMse * 0.2;
        for (int layer = 0; layer < kLayers; ++layer) {
            const double error = base * (1 + layer) * (1 + 0.1 * static_cast<double>(m));
            const auto stream = m * 100 + static_cast<std::uint64_t>(layer);
            for (const char* part : {".input_layernorm", ".self_attn", ".post_attention_layernorm", ".mlp"})
                method.parts.push_back(place(layer, part, error * 1.5, stream));
            method.layers.push_back(place(layer, "", error, stream));
            if (attribution)
                method.attribution.push_back(
                    {layer, {error / 4, error}, {error, error}, {base * kLayers - error / 4, error}});
        }
        method.logits = {base * kLayers, 0.99, base * 3, 0.91, std::vector<float>(kTokenCount)};
        report->methods.push_back(std::move(method));
    }
    return report;
}

std::unique_ptr<QWidget> makeView(ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_propagation.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    REQUIRE(plugin->views().size() == 1);
    return std::unique_ptr<QWidget>(plugin->create(QStringLiteral("propagation"), context, nullptr));
}

/// A context in which the runs have been made.
class RanContext : public SampleContext {
public:
    explicit RanContext(bool attribution) {
        runs.chosenText = QStringLiteral("/texts/page.txt");
        runs.propagated = sampleReport(attribution);
    }
};

QPushButton& emptyButton(QWidget& view) {
    for (auto* empty : view.findChildren<EmptyState*>())
        if (empty->isVisible()) return *empty->findChild<QPushButton*>();
    FAIL("no empty state is shown");
    std::abort();
}

} // namespace

TEST_CASE("Lines through the depth carry the report's numbers and end with the last one") {
    const auto report = sampleReport(false);
    const auto lines = depthLines(*report, Quantity::RelativeMse, Places::Stream, 3);
    REQUIRE(lines.size() == report->methods.size());
    for (std::size_t m = 0; m < lines.size(); ++m) {
        REQUIRE(lines[m].x.size() == kLayers);
        for (std::size_t i = 0; i < kLayers; ++i) {
            CHECK(lines[m].x[i] == Approx(static_cast<double>(i)).margin(1e-9));
            CHECK(lines[m].y[i] == report->methods[m].layers[i].metrics.relativeMse);
        }
        CHECK(lines[m].selected == 3);
        CHECK(lines[m].endLabel.endsWith(QString::fromStdString(report->methods[m].label)));
    }
    const auto parts = depthLines(*report, Quantity::Sqnr, Places::Parts, -1);
    REQUIRE(parts[0].x.size() == 4 * kLayers);
    CHECK(parts[0].x[4] == Approx(0.625)); // the first of four parts of block 1, which begins at 0.5
    CHECK(parts[0].labels[5] == "model.layers.1.self_attn");
    const auto shapes = depthLines(*report, Quantity::Kurtosis, Places::Stream, -1);
    REQUIRE(shapes.size() == report->methods.size() + 1);
    CHECK(shapes.back().ink.category == -1);
    CHECK(shapes.back().y[7] == 11);
    const DepthAxis depth = depthAxis(*report);
    CHECK(depth.bands.size() == kLayers / 2);
    CHECK(depth.bands[0] == Range{0.5, 1.5});
}

TEST_CASE("The token matrix clips its colours at a percentile and says how many lie beyond") {
    auto report = sampleReport(false);
    report->methods[0].layers[2].tokenError[5] = 1000;
    const TokenMatrix matrix = tokenMatrix(report->methods[0]);
    CHECK(matrix.info.rows == kLayers);
    CHECK(matrix.info.columns == kTokenCount);
    CHECK(matrix.values[2 * kTokenCount + 5] == 1000);
    CHECK(matrix.info.limit < 10);
    CHECK(matrix.info.note.contains("beyond"));
    const MatrixTile tile = reducedTile(matrix.values, matrix.info.columns, {0, kLayers, 4, 4, 4, 2});
    REQUIRE(tile.cells.size() == 4);
    CHECK(tile.cells[0] == 1000);
    CHECK(tile.cells[1] < 10);
}

TEST_CASE("Pieces of text show what cannot be seen") {
    CHECK(shownPiece(" a\n") == QString::fromUtf8("“\u00a0a\\n”"));
    CHECK(shownPiece("\t") == QString::fromUtf8("“\\x09”"));
}

TEST_CASE("The propagation view fills its panel in both themes at three sizes") {
    for (const char* theme : {"light", "dark"})
        for (const QSize size : {QSize(520, 420), QSize(940, 680), QSize(1600, 1000)}) {
            CAPTURE(theme, size.width());
            RanContext context(true);
            context.setTheme(theme);
            context.select({8, -1, -1, 3, -1, -1, 4, 40});
            const auto view = makeView(context);
            present(*view, size);
            const QImage image = shoot(*view, QStringLiteral("propagation-%1-%2").arg(theme).arg(size.width()));
            CHECK(distinctColors(image) > 40);
            CHECK(pixelsNear(image, context.theme().color(Role::Accent), 16) > 10);
        }
}

TEST_CASE("The propagation view asks for what is missing, step by step") {
    SampleContext nothing(SampleContext::Holds::Nothing);
    auto view = makeView(nothing);
    present(*view, {700, 500});
    QTest::mouseClick(&emptyButton(*view), Qt::LeftButton);
    CHECK(nothing.requests == std::vector{WindowRequest::OpenCheckpoint});

    SampleContext context(SampleContext::Holds::Checkpoint);
    view = makeView(context);
    present(*view, {700, 500});
    QTest::mouseClick(&emptyButton(*view), Qt::LeftButton);
    CHECK(context.requests == std::vector{WindowRequest::Quantize});

    context.setReport(sampleModel().report);
    settle();
    QTest::mouseClick(&emptyButton(*view), Qt::LeftButton);
    CHECK(context.requests.back() == WindowRequest::ChooseText);

    context.runs.setText(QStringLiteral("/texts/page.txt"));
    settle();
    shoot(*view, QStringLiteral("propagation-offer"));
    QTest::mouseClick(&emptyButton(*view), Qt::LeftButton);
    REQUIRE(context.runs.asked.size() == 1);
    CHECK(context.runs.asked[0].tokens == 256);
    CHECK_FALSE(context.runs.asked[0].attribution);

    context.runs.busy = true;
    emit context.runs.changed(TextRun::Propagation);
    settle();
    for (auto* button : view->findChildren<QToolButton*>())
        if (button->text() == QStringLiteral("Cancel")) QTest::mouseClick(button, Qt::LeftButton);
    CHECK(context.runs.cancelled == std::vector{TextRun::Propagation});

    context.runs.busy = false;
    context.runs.failure = QStringLiteral("page.txt: no such file");
    emit context.runs.changed(TextRun::Propagation);
    settle();
    CHECK(emptyButton(*view).text() == QStringLiteral("Try again"));

    context.runs.failure.clear();
    context.runs.propagated = sampleReport(false);
    emit context.runs.changed(TextRun::Propagation);
    present(*view, {1100, 800});
    shoot(*view, QStringLiteral("propagation-no-attribution"));
    QTest::mouseClick(&emptyButton(*view), Qt::LeftButton); // the bars by layer
    CHECK(context.runs.asked.back().attribution);
}

TEST_CASE("A click on a line selects method and layer, one on a cell layer and token with its worst channels") {
    RanContext context(false);
    context.select({8, -1, -1, 0});
    const auto view = makeView(context);
    present(*view, {1200, 900});
    PlotArea* lines = nullptr;
    for (auto* plot : view->findChildren<PlotArea*>())
        if (plot->accessibleName().startsWith(QStringLiteral("Error of the residual"))) lines = plot;
    REQUIRE(lines);
    const PlotLayer line = lines->layers()[2];
    QTest::mouseClick(lines, Qt::LeftButton, {}, lines->frame().toPixel(line.x[5], line.y[5]).toPoint());
    CHECK(context.selection().method == 2);
    CHECK(context.selection().layer == 5);
    settle();
    auto* heatmap = view->findChild<Heatmap*>();
    QTest::mouseClick(heatmap, Qt::LeftButton, {}, heatmap->toPixel(6, 70).toPoint());
    CHECK(context.selection().layer == 6);
    CHECK(context.selection().token == 70);
    settle();
    auto* table = view->findChild<NumberTable*>();
    REQUIRE(table->model()->rowCount() == static_cast<int>(engine::kWorstChannels));
    CHECK(table->model()->index(0, 0).data().toString() == QStringLiteral("87"));
}
