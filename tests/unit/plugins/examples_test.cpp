// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/host/plugin_host.h"
#include "plugins/sdk/view_plugin.h"
#include "tests/support/fake_text_runs.h"
#include "tests/support/test_data.h"

#include <catch2/catch.hpp>

#include <QApplication>
#include <QLabel>


using namespace qscope;

namespace {

/// A context with nothing open but what a test puts there.
class FakeContext : public ViewContext {
public:
    std::shared_ptr<const engine::Checkpoint> opened;
    test::FakeTextRuns runs;
    Selection selected;
    Theme look = Theme::named(QStringLiteral("light"));

    [[nodiscard]] std::shared_ptr<const engine::Checkpoint> checkpoint() const override { return opened; }
    [[nodiscard]] std::shared_ptr<const engine::TensorStatistics> statistics(std::int64_t) const override { return nullptr; }
    [[nodiscard]] std::shared_ptr<const engine::CompareReport> report() const override { return nullptr; }
    [[nodiscard]] std::shared_ptr<const OpenCircuit> circuit() const override { return nullptr; }
    [[nodiscard]] std::shared_ptr<const engine::SimulationResult> simulation() const override { return nullptr; }
    [[nodiscard]] TextRuns& textRuns() override { return runs; }
    [[nodiscard]] const Selection& selection() const override { return selected; }
    void select(const Selection& selection) override {
        const Selection before = selected;
        selected = selection;
        emit selectionChanged(before);
    }
    [[nodiscard]] const Theme& theme() const override { return look; }
    [[nodiscard]] std::unique_ptr<Jobs> makeJobs() override { return nullptr; }
    void showMessage(const QString&, Severity) override {}
    void request(WindowRequest) override {}
};

} // namespace

TEST_CASE("the example method, built by itself, loads and does what it says", "[plugins]") {
    PluginHost host({QStringLiteral(QSCOPE_EXAMPLES)});
    engine::Registries registries;
    host.loadMethods(registries);
    for (const auto& record : host.records()) CHECK(record.error.toStdString() == "");
    CHECK(host.records().size() == 2);
    const auto* method = registries.methods.find("pow2");
    REQUIRE(method != nullptr);

    test::TestRun run;
    const std::vector<float> weights{0.5f, -1.0f, 0.3f, 100.0f, 3.0f, -7.0f, 0.0f, 0.0f, 0.0f};
    const auto parameters = engine::resolveParameters(method->info().parameters, {"pow2", {{"bits", "4"}}});
    REQUIRE(parameters);
    const auto quantized = method->quantize(engine::inputOf(engine::makeTensor({3, 3}, weights)), *parameters, 0, run.context);
    REQUIRE(quantized);
    // Codes to 7: the rows need scales of 1/4 (1 / 7 rounded up), 16 (100 / 7) and none.
    const auto& codes = std::get<engine::GridCodes>(quantized->codes).values;
    CHECK(codes.scales == std::vector<float>{0.25f, 16.0f, 0.0f});
    std::vector<float> decoded(9);
    REQUIRE(dequantize(*quantized, 0, decoded));
    CHECK(decoded == std::vector<float>{0.5f, -1.0f, 0.25f, 96.0f, 0.0f, -0.0f, 0.0f, 0.0f, 0.0f});
    CHECK(engine::bitsPerWeight(*method->outline({{3, 3}}, *parameters)) ==
          Approx(static_cast<double>(storedBits(*quantized)) / 9));
}

TEST_CASE("the example view, built by itself, loads and reads out the selected weight", "[plugins]") {
    qputenv("QT_QPA_PLATFORM", "offscreen");
    int count = 1;
    char name[] = "examples";
    char* arguments[] = {name, nullptr};
    const QApplication application(count, arguments);

    PluginHost host({QStringLiteral(QSCOPE_EXAMPLES)});
    auto* plugin = qobject_cast<ViewPlugin*>(host.viewPlugin(QStringLiteral("example_view")));
    REQUIRE(plugin != nullptr);
    REQUIRE(plugin->views().size() == 1);
    FakeContext context;
    CHECK(plugin->create(QStringLiteral("unknown"), context, nullptr) == nullptr);
    const std::unique_ptr<QWidget> widget(plugin->create(plugin->views().front().id, context, nullptr));
    auto* label = qobject_cast<QLabel*>(widget.get());
    REQUIRE(label != nullptr);
    CHECK(label->text().startsWith(QLatin1String("Open a checkpoint")));

    auto checkpoint = std::make_shared<engine::Checkpoint>();
    checkpoint->tensors.push_back({"<b>w</b>", DType::F32, {2, 2}, 0, 0, 0});
    context.opened = checkpoint;
    emit context.checkpointChanged();
    CHECK(label->text().startsWith(QLatin1String("Select a tensor")));
    context.select({0, -1, -1, -1, -1, -1});
    CHECK(label->text().startsWith(QLatin1String("<b>w</b>")));
    CHECK(label->textFormat() == Qt::PlainText);
}
