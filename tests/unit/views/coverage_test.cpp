// SPDX-License-Identifier: GPL-3.0-or-later
// The picture of what a calibration reached, on calibrations made by hand.
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/view_calibration/coverage_map.h"
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

constexpr int kLayers = 4, kHeads = 4;
constexpr std::int64_t kWidth = 32;

/// A catalogue alone: attention, two experts and an output behind the blocks.
std::shared_ptr<const engine::Checkpoint> catalogue() {
    auto made = std::make_shared<engine::Checkpoint>();
    made->config.emplace();
    made->config->heads = kHeads;
    const auto add = [&](const std::string& name, engine::Shape shape) {
        made->tensors.push_back({name, DType::F32, std::move(shape)});
    };
    add("model.embed_tokens.weight", {64, kWidth});
    for (int layer = 0; layer < kLayers; ++layer) {
        const std::string block = "model.layers." + std::to_string(layer);
        for (const char* part : {"v_proj", "o_proj", "q_proj"})
            add(block + ".self_attn." + part + ".weight", {kWidth, kWidth});
        for (const char* expert : {"0", "1"})
            add(block + ".mlp.experts." + expert + ".up_proj.weight", {2 * kWidth, kWidth});
    }
    add("lm_head.weight", {64, kWidth});
    return made;
}

std::shared_ptr<const engine::InputStatistics> seen(std::int64_t tokens, const std::vector<int>& silent) {
    auto made = std::make_shared<engine::InputStatistics>();
    made->channels = kWidth;
    made->tokens = tokens;
    made->channelMax.assign(kWidth, 1.0F);
    for (const int channel : silent) made->channelMax[static_cast<std::size_t>(channel)] = 0;
    return made;
}

/// In layer 2 three channels of head 1 and one of head 3 are silent; expert 1 of layer 3 saw nothing.
std::shared_ptr<const engine::Calibration> sampleCalibration() {
    auto made = std::make_shared<engine::Calibration>();
    made->settings.text = "/texts/page.txt";
    made->sequences = 8;
    made->length = 16;
    made->vocabulary = 64;
    made->distinctTokens = 48;
    for (int layer = 0; layer < kLayers; ++layer) {
        const std::string block = "model.layers." + std::to_string(layer);
        const auto attention = seen(128, {});
        made->inputs[block + ".self_attn.q_proj.weight"] = attention;
        made->inputs[block + ".self_attn.v_proj.weight"] = attention;
        made->inputs[block + ".self_attn.o_proj.weight"] =
            seen(128, layer == 2 ? std::vector{8, 9, 15, 24} : std::vector<int>{});
        made->inputs[block + ".mlp.experts.0.up_proj.weight"] = seen(100, {});
        if (layer < 3) made->inputs[block + ".mlp.experts.1.up_proj.weight"] = seen(20, {});
    }
    made->inputs["lm_head.weight"] = seen(128, {});
    return made;
}

std::unique_ptr<QWidget> makeView(ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_calibration.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    return std::unique_ptr<QWidget>(plugin->create(QStringLiteral("coverage"), context, nullptr));
}

Heatmap* mapOf(QWidget& view, const QString& columns) {
    for (auto* map : view.findChildren<Heatmap*>())
        if (map->info().columnTitle.startsWith(columns)) return map;
    FAIL("no map of " << columns.toStdString());
    return nullptr;
}

} // namespace

TEST_CASE("Coverage is laid out by layer and by module in the order of the flow, by head and by expert") {
    const auto checkpoint = catalogue();
    const auto calibration = sampleCalibration();
    const auto weights = engine::coverage(*checkpoint, *calibration);

    const CoverageMap modules = coverageMap(weights, CoverageSplit::Modules, kHeads);
    CHECK(modules.rows == std::vector<QString>{"0", "1", "2", "3", "other"});
    CHECK(modules.columns == std::vector<QString>{"q", "v", "o", "up", "lm_head"});
    const CoverageCell& experts = modules.at(3, 3);
    CHECK(experts.weights == 2);
    CHECK(experts.unreached == 1);
    CHECK(experts.tokens == 0);
    CHECK(modules.at(2, 3).tokens == 20); // the expert seen least
    CHECK(modules.at(4, 0).weight == nullptr);
    const auto silent = valuesOf(modules, CoverageQuantity::Silent);
    CHECK(silent[2 * 5 + 2] == 12.5F); // 4 of 32
    CHECK(silent[4 * 5 + 0] < 0);
    CHECK(describeMap(modules, CoverageQuantity::Silent).limit == 12.5);
    CHECK(describeMap(modules, CoverageQuantity::Tokens).limit == 128);

    const CoverageMap heads = coverageMap(weights, CoverageSplit::Heads, kHeads);
    REQUIRE(heads.rows == modules.rows);
    REQUIRE(heads.columns.size() == kHeads);
    CHECK(heads.at(2, 1).silent == 3);
    CHECK(heads.at(2, 1).channels == 8);
    CHECK(heads.at(2, 1).firstChannel == 8);
    CHECK(heads.at(2, 3).silent == 1);
    CHECK(heads.at(1, 1).silent == 0);
    CHECK(readoutOf(heads, 2, 1) ==
          QStringLiteral("Layer 2, self_attn.o_proj, head 1\n128 tokens\n3 of 8 channels silent (37.5 %)"));

    const CoverageMap perExpert = coverageMap(weights, CoverageSplit::Experts, kHeads);
    REQUIRE(perExpert.columns == std::vector<QString>{"0", "1"});
    CHECK(valuesOf(perExpert, CoverageQuantity::Tokens)[2 * 2 + 1] == 20);
    CHECK(std::isnan(valuesOf(perExpert, CoverageQuantity::Tokens)[3 * 2 + 1]));
    CHECK(readoutOf(perExpert, 3, 1) ==
          QStringLiteral("Layer 3, mlp.experts.*.up_proj, expert 1\nNo token reached it"));
    CHECK(readoutOf(perExpert, 2, 1).endsWith(QStringLiteral("Fewer tokens than its 32 inputs")));

    CHECK(coverageMap(weights, CoverageSplit::Heads, 0).cells.empty());
}

TEST_CASE("The coverage view asks for a calibration, draws it and selects what is clicked") {
    for (const char* theme : {"light", "dark"}) {
        SampleContext context(SampleContext::Holds::Nothing);
        context.setTheme(QLatin1String(theme));
        context.openedCheckpoint = catalogue();
        const auto view = makeView(context);
        present(*view, {1000, 340});
        QTest::mouseClick(view->findChild<EmptyState*>()->findChild<QPushButton*>(), Qt::LeftButton);
        CHECK(context.requests == std::vector{WindowRequest::Calibrate});

        context.runs.calibrated = sampleCalibration();
        emit context.runs.changed(TextRun::Calibration);
        settle();
        const QImage silent = shoot(*view, QStringLiteral("coverage-silent-%1").arg(QLatin1String(theme)));
        auto* heads = mapOf(*view, QStringLiteral("Attention"));
        CHECK(heads->isVisible());
        CHECK(heads->valueAt(2, 1) == 37.5F);
        QTest::mouseClick(heads, Qt::LeftButton, {}, heads->toPixel(2, 1).toPoint());
        const auto& tensor = context.checkpoint()->tensors[static_cast<std::size_t>(context.selection().tensor)];
        CHECK(tensor.name == "model.layers.2.self_attn.o_proj.weight");
        CHECK(context.selection().column == 8);
        CHECK(context.selection().layer == 2);

        for (auto* button : view->findChildren<QToolButton*>())
            if (button->text() == QStringLiteral("Tokens")) QTest::mouseClick(button, Qt::LeftButton);
        settle();
        const QImage tokens = shoot(*view, QStringLiteral("coverage-tokens-%1").arg(QLatin1String(theme)));
        auto* experts = mapOf(*view, QStringLiteral("Expert"));
        CHECK(experts->valueAt(2, 1) == 20.0F);
        CHECK(std::isnan(*experts->valueAt(3, 1)));
        // An expert that saw no token wears the colour of warnings.
        const QPoint middle = experts->mapTo(view.get(), experts->toPixel(3, 1).toPoint());
        CHECK(tokens.pixelColor(middle) == context.theme().color(Role::Warn));
        CHECK(silent != tokens);

        // Another file has other weights, even under the calibration of the first.
        auto dense = std::make_shared<engine::Checkpoint>(*catalogue());
        std::erase_if(dense->tensors,
                      [](const auto& entry) { return entry.name.find("experts") != std::string::npos; });
        auto calibration = std::make_shared<engine::Calibration>(*sampleCalibration());
        std::erase_if(calibration->inputs,
                      [](const auto& entry) { return entry.first.find("experts") != std::string::npos; });
        context.runs.calibrated = calibration;
        context.setCheckpoint(dense);
        settle();
        CHECK_FALSE(experts->isVisible());
        CHECK(mapOf(*view, QStringLiteral("Module"))->info().columns == 4);
    }
}
