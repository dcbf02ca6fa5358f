// SPDX-License-Identifier: GPL-3.0-or-later
// The whole model as a map of layers by modules.
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "plugins/view_overview/module_map.h"
#include "plugins/view_overview/overview_numbers.h"
#include "tests/unit/views/sample_model.h"

#include <QComboBox>
#include <QPluginLoader>
#include <QStandardItemModel>
#include <QTest>

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace qscope;
using namespace qscope::test;

namespace {

std::shared_ptr<engine::Checkpoint> catalogue(const std::vector<std::string>& names) {
    auto made = std::make_shared<engine::Checkpoint>();
    for (const auto& name : names) made->tensors.push_back({name, DType::F32, {4, 8}, 0, 0, 128});
    return made;
}

std::unique_ptr<QWidget> makeView(ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_overview.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    return std::unique_ptr<QWidget>(plugin->create(QStringLiteral("overview"), context, nullptr));
}

void choose(QWidget& view, const QString& title) {
    auto* box = view.findChild<QComboBox*>();
    const int at = box->findText(title);
    REQUIRE(at >= 0);
    box->setCurrentIndex(at);
    settle();
}

/// Where a tensor of the sample model lies: q, up and down of each block, the embedding outside.
std::pair<std::int64_t, std::int64_t> placeInSample(std::size_t tensor) {
    if (tensor == 0) return {8, 3};
    return {static_cast<std::int64_t>(tensor - 1) / 3, static_cast<std::int64_t>(tensor - 1) % 3};
}

} // namespace

TEST_CASE("The overview lays tensors out by layer and by module in the order of the flow") {
    const auto map = moduleMap(*catalogue(
        {"model.embed_tokens.weight", "model.layers.0.input_layernorm.weight", "model.layers.0.mlp.down_proj.weight",
         "model.layers.0.self_attn.k_proj.bias", "model.layers.0.self_attn.k_proj.weight",
         "model.layers.0.self_attn.q_proj.weight", "model.layers.10.self_attn.q_proj.weight",
         "model.layers.2.self_attn.q_proj.weight", "lm_head.weight"}));
    CHECK(map.rows == std::vector<QString>{"0", "2", "10", "outside"});
    CHECK(map.columns == std::vector<QString>{"q", "k", "down", "input_norm", "k bias", "embed_tokens", "lm_head"});
    REQUIRE(map.at(2, 0));
    CHECK(map.at(2, 0)->tensors == std::vector<std::size_t>{6});
    CHECK(map.at(3, 6)->tensors == std::vector<std::size_t>{8});
    CHECK(map.at(1, 1) == nullptr);
    CHECK(map.cells[static_cast<std::size_t>(map.cellOf[3])].column == 4);
}

TEST_CASE("The overview knows GGUF's names, experts, and two stacks of layers") {
    const auto gguf = moduleMap(*catalogue({"blk.0.attn_norm.weight", "blk.0.attn_output.weight", "blk.0.attn_q.weight",
                                            "blk.0.ffn_up.weight", "output.weight"}));
    CHECK(gguf.columns == std::vector<QString>{"q", "o", "up", "attn_norm", "output"});

    const auto experts = moduleMap(
        *catalogue({"model.layers.0.mlp.experts.0.up_proj.weight", "model.layers.0.mlp.experts.11.up_proj.weight"}));
    REQUIRE(experts.cells.size() == 1);
    CHECK(experts.cells[0].tensors.size() == 2);

    const auto stacks = moduleMap(*catalogue({"encoder.layers.0.fc1.weight", "decoder.layers.0.fc1.weight"}));
    CHECK(stacks.rows == std::vector<QString>{"encoder 0", "decoder 0"});

    // Names without any order among them do not squeeze the blocks into nothing.
    std::vector<std::string> names{"model.layers.0.fc1.weight"};
    for (int i = 0; i < 100'000; ++i) names.push_back("MatMul_" + std::to_string(i));
    const auto many = moduleMap(*catalogue(names));
    CHECK(many.columns.size() == 26);
    CHECK(many.at(1, 25)->tensors.size() == 100'000 - 24);
}

TEST_CASE("Colours of the overview span what is known") {
    const auto numbers = overviewNumbers();
    const auto find = [&](std::string_view key) { return *std::ranges::find(numbers, key, &OverviewNumber::key); };
    const float none = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
    CHECK(rangeOf(find("kurtosis"), std::vector{none, 3.0F, 200.0F, 0.0F}) == Range{3, 200}); // no zero on a log scale
    CHECK(rangeOf(find("sqnr_db"), std::vector{20.0F, infinite, 30.0F}) == Range{20, 30});
    CHECK(rangeOf(find("mean"), std::vector{-0.5F, 0.25F}) == Range{-0.5, 0.5});
    CHECK(rangeOf(find("outliers"), std::vector{2.0F, 4.0F}) == Range{0, 4});
    for (const auto& number : numbers) {
        for (const auto& values : {std::vector<float>{}, std::vector{none}, std::vector{0.0F}, std::vector{5.0F}}) {
            const Range range = rangeOf(number, values);
            CHECK(range.low < range.high);
            CHECK((number.scale == Scale::Linear || range.low > 0));
        }
    }
    CHECK(isWorse(find("relative_mse"), 0.2, 0.1));
    CHECK(isWorse(find("sqnr_db"), 10, 20));
    CHECK(isWorse(find("mean"), -2, 1));
}

TEST_CASE("The overview draws every tensor at its place and selects what is clicked") {
    const SampleModel& sample = sampleModel();
    for (const char* theme : {"light", "dark"}) {
        SampleContext context(SampleContext::Holds::Report);
        context.setTheme(QLatin1String(theme));
        const auto view = makeView(context);
        present(*view, {900, 480});
        auto* map = view->findChild<Heatmap*>();
        REQUIRE(map);
        CHECK(map->info().valueTitle == QStringLiteral("Kurtosis"));
        for (const auto& [tensor, statistics] : sample.statistics) {
            const auto [row, column] = placeInSample(static_cast<std::size_t>(tensor));
            CHECK(map->valueAt(row, column) == static_cast<float>(statistics->kurtosis));
        }
        (void)shoot(*view, QStringLiteral("overview-kurtosis-%1").arg(QLatin1String(theme)));

        QTest::mouseClick(map, Qt::LeftButton, {}, map->toPixel(5, 1).toPoint());
        CHECK(context.selection().tensor == 1 + 5 * 3 + 1);
        CHECK(context.selection().layer == 5);
        QTest::mouseClick(map, Qt::LeftButton, {}, map->toPixel(8, 0).toPoint()); // there is no such tensor
        CHECK(context.selection().tensor == 1 + 5 * 3 + 1);

        choose(*view, QStringLiteral("SQNR (dB)"));
        Selection selection = context.selection();
        for (const int method : {0, 3}) {
            selection.method = method;
            context.select(selection);
            settle();
            const auto& result = sample.report->methods[static_cast<std::size_t>(method)].tensors[7];
            const auto [row, column] = placeInSample(result.tensor);
            CHECK(map->valueAt(row, column) == static_cast<float>(result.metrics.sqnrDb));
        }
        (void)shoot(*view, QStringLiteral("overview-sqnr-%1").arg(QLatin1String(theme)));
    }
}

TEST_CASE("The overview shows what is not known as missing until it is announced") {
    SampleContext context(SampleContext::Holds::Checkpoint);
    const auto all = std::exchange(context.knownStatistics, {});
    const auto view = makeView(context);
    present(*view, {900, 480});
    auto* map = view->findChild<Heatmap*>();
    CHECK(std::isnan(*map->valueAt(2, 1)));
    const QImage before = view->grab().toImage();
    CHECK(before.pixelColor(map->mapTo(view.get(), map->toPixel(2, 1).toPoint())) ==
          context.theme().color(Role::Sunken));
    CHECK(before.pixelColor(map->mapTo(view.get(), map->toPixel(8, 0).toPoint())) ==
          context.theme().color(Role::Surface));
    CHECK(map->info().note.startsWith(QStringLiteral("0 of 25 tensors known so far")));

    context.knownStatistics = {{8, all.at(8)}};
    emit context.statisticsChanged(8);
    REQUIRE(QTest::qWaitFor([&] { return !std::isnan(*map->valueAt(2, 1)); }));
    CHECK(map->valueAt(2, 1) == static_cast<float>(all.at(8)->kurtosis));
    CHECK(map->info().note.startsWith(QStringLiteral("1 of 25 tensors known so far")));

    // Without a result its numbers cannot be chosen.
    auto* box = view->findChild<QComboBox*>();
    auto* items = qobject_cast<QStandardItemModel*>(box->model());
    CHECK_FALSE(items->item(box->findText(QStringLiteral("Relative MSE")))->isEnabled());
    CHECK(items->item(box->findText(QStringLiteral("Kurtosis")))->isEnabled());
}
