// SPDX-License-Identifier: GPL-3.0-or-later
// What flows into layers, attention, and the cost of tokens, on runs made by hand.
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "tests/unit/views/sample_model.h"

#include <QPluginLoader>
#include <QPushButton>
#include <QTest>
#include <QTextCursor>
#include <QTextEdit>
#include <QToolButton>

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::test;

namespace {

constexpr std::int64_t kTensor = 8; // model.layers.2.mlp.up_proj.weight, 192 inputs

std::unique_ptr<QWidget> makeView(const QString& id, ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_activations.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    return std::unique_ptr<QWidget>(plugin->create(id, context, nullptr));
}

std::shared_ptr<const engine::Calibration> sampleCalibration(const std::string& name) {
    auto inputs = std::make_shared<engine::InputStatistics>();
    inputs->channels = 192;
    inputs->tokens = 64;
    for (int i = 0; i < 192; ++i)
        inputs->channelMax.push_back(i % 61 == 17 ? 9.0F : 1 + 0.5F * std::sin(static_cast<float>(i)));
    inputs->meanSquares.assign(192, 0.5F);
    inputs->meanSquares[3] = 0;
    for (int i = 0; i < 64; ++i) inputs->tokenMax.push_back(i == 0 ? 9.0F : 2 + std::cos(static_cast<float>(i)));
    for (int i = 0; i <= 20; ++i) inputs->histogram.edges.push_back(i - 10);
    for (int i = 0; i < 20; ++i) inputs->histogram.counts.push_back(1 + 1000 / (1 + (i - 10) * (i - 10)));
    auto calibration = std::make_shared<engine::Calibration>();
    calibration->inputs[name] = inputs;
    return calibration;
}

std::shared_ptr<const engine::ActivationMaps> sampleAttention() {
    auto maps = std::make_shared<engine::ActivationMaps>();
    engine::AttentionMap map{"model.layers.2.self_attn.attention", 2, 2, 24, 24, {}};
    for (int head = 0; head < 2; ++head)
        for (int query = 0; query < 24; ++query)
            for (int key = 0; key < 24; ++key)
                map.probabilities.push_back(key > query ? 0.0F
                                            : head == 0 ? 1.0F / static_cast<float>(query + 1)
                                            : key == 0  ? 1.0F
                                                        : 0.0F);
    maps->attention.push_back(std::move(map));
    return maps;
}

void press(QWidget& view, const QString& text) {
    for (auto* button : view.findChildren<QToolButton*>())
        if (button->text() == text) QTest::mouseClick(button, Qt::LeftButton);
    settle();
}

} // namespace

TEST_CASE("The activations view asks for a calibration and draws what flows into the selected layer") {
    SampleContext context;
    context.select({kTensor});
    context.runs.chosenText = QStringLiteral("/texts/page.txt");
    const auto view = makeView(QStringLiteral("activations"), context);
    present(*view, {900, 620});
    QTest::mouseClick(view->findChild<EmptyState*>()->findChild<QPushButton*>(), Qt::LeftButton);
    REQUIRE(context.runs.asked.size() == 1);
    CHECK(context.runs.asked[0].run == TextRun::Calibration);
    context.runs.calibrated = sampleCalibration(context.checkpoint()->tensors[kTensor].name);
    emit context.runs.changed(TextRun::Calibration);
    settle();
    shoot(*view, QStringLiteral("activations-inputs-light"));
    PlotArea* channels = nullptr;
    for (auto* plot : view->findChildren<PlotArea*>())
        if (plot->accessibleName().startsWith(QStringLiteral("Largest magnitude per channel"))) channels = plot;
    REQUIRE(channels);
    REQUIRE(channels->layers()[0].y.size() == 192);
    CHECK(channels->layers()[0].y[78] == 9);
    QTest::mouseClick(channels, Qt::LeftButton, {}, channels->frame().toPixel(78, 4).toPoint());
    CHECK(context.selection().column == 78);
}

TEST_CASE("The inputs of a layer are found under the names of any format") {
    SampleContext context(SampleContext::Holds::Nothing);
    auto gguf = std::make_shared<engine::Checkpoint>();
    gguf->format = "gguf";
    gguf->architecture = "llama";
    gguf->naming = engine::Naming::Gguf;
    gguf->tensors.push_back({"blk.3.ffn_up.weight", DType::F32, {128, 192}});
    context.openedCheckpoint = gguf;
    context.select({0});
    context.runs.calibrated = sampleCalibration("model.layers.3.mlp.up_proj.weight");
    const auto view = makeView(QStringLiteral("activations"), context);
    present(*view, {900, 620});
    shoot(*view, QStringLiteral("activations-gguf-light"));
    const PlotArea* histogram = nullptr;
    for (auto* plot : view->findChildren<PlotArea*>())
        if (plot->accessibleName().startsWith(QStringLiteral("Distribution of the inputs"))) histogram = plot;
    REQUIRE(histogram);
    CHECK(histogram->isVisible());
    REQUIRE(histogram->layers().size() == 1);
    CHECK(histogram->layers()[0].x.size() == 21);
    CHECK(histogram->layers()[0].y[10] == 1001);
}

TEST_CASE("The attention of a head is drawn as it was recorded") {
    SampleContext context;
    context.setTheme(QStringLiteral("dark"));
    context.select({kTensor});
    context.runs.chosenText = QStringLiteral("/texts/page.txt");
    const auto view = makeView(QStringLiteral("activations"), context);
    present(*view, {700, 560});
    press(*view, QStringLiteral("Attention"));
    QTest::mouseClick(view->findChild<EmptyState*>()->findChild<QPushButton*>(), Qt::LeftButton);
    CHECK(context.runs.asked.back().run == TextRun::Activations);
    context.runs.recorded = sampleAttention();
    emit context.runs.changed(TextRun::Activations);
    settle();
    auto* map = view->findChild<Heatmap*>();
    shoot(*view, QStringLiteral("activations-attention-dark"));
    CHECK(map->info().rows == 24);
    CHECK(map->valueAt(9, 4) == 0.1F);
    CHECK(map->valueAt(4, 9) == 0.0F);
    QTest::mouseClick(map, Qt::LeftButton, {}, map->toPixel(5, 5).toPoint());
    CHECK(context.selection().token == 5);
}

TEST_CASE("Each token of the text wears what the method costs it") {
    SampleContext context;
    auto report = std::make_shared<engine::CompareReport>(*sampleModel().report);
    auto text = std::make_shared<engine::EvaluatedText>();
    text->pieces = {"The", " quick", " \xC3", "\xA9", "lan"};
    text->reference.loss = {std::nanf(""), 2, 2, 2, 2};
    auto quality = std::make_shared<engine::TextQuality>();
    quality->loss = {std::nanf(""), 2, 6, 2, 1};
    report->text = text;
    report->methods[0].quality = quality;
    context.shownReport = report;
    context.select({kTensor, -1, -1, 0});
    const auto view = makeView(QStringLiteral("text_loss"), context);
    present(*view, {600, 300});
    shoot(*view, QStringLiteral("text-loss-light"));
    auto* shown = view->findChild<QTextEdit*>();
    CHECK(shown->toPlainText() == QString::fromUtf8("The quick \u00e9lan"));
    const auto groundAt = [&](int position) {
        QTextCursor cursor(shown->document());
        cursor.setPosition(position);
        return cursor.charFormat().background().color();
    };
    const QColor better = groundAt(13); // one nat less, in the last token
    CHECK(better.green() > better.red());
    const QColor worse = groundAt(11); // four nats more, in the first byte of the letter
    CHECK(worse.red() > worse.green());
    const QColor free = groundAt(6);
    CHECK(free == context.theme().color(Role::Surface));
    QTextCursor cursor(shown->document());
    cursor.setPosition(5);
    shown->setTextCursor(cursor);
    CHECK(context.selection().token == 1);
}
