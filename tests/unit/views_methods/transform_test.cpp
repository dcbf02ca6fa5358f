// SPDX-License-Identifier: GPL-3.0-or-later
// Inputs of a layer before and after a result's column factors.
#include "engine/quant/forms.h"
#include "plugins/sdk/view_plugin.h"
#include "plugins/sdk/widgets/number_table.h"
#include "plugins/sdk/widgets/panel.h"
#include "plugins/sdk/widgets/plot_area.h"
#include "plugins/view_activations/input_transform.h"
#include "tests/support/random_values.h"
#include "tests/unit/views/sample_model.h"

#include <QPluginLoader>
#include <QPushButton>
#include <QTest>

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>

using namespace qscope;
using namespace qscope::engine;
using namespace qscope::test;

namespace {

constexpr std::int64_t kTensor = 8; // 128 x 192

/// Normal inputs whose channel 17 is forty times as large.
std::shared_ptr<InputStatistics> sampleInputs() {
    auto inputs = std::make_shared<InputStatistics>();
    inputs->channels = 192;
    inputs->sampleRows = inputs->tokens = 64;
    inputs->samples = normalValues(192 * 64, 2);
    for (std::size_t i = 17; i < inputs->samples.size(); i += 192) inputs->samples[i] *= 40;
    return inputs;
}

/// The sample's report, where method 1 multiplies input 17 by 1/40 and rounds inputs to 8 bits per token.
std::shared_ptr<const CompareReport> transformingReport() {
    auto report = std::make_shared<CompareReport>(*sampleModel().report);
    auto& quantized = report->methods[1].tensors[kTensor].quantized;
    ColumnTransformed form;
    form.base = quantized;
    form.factors.assign(192, 1);
    form.factors[17] = 1 / 40.0F;
    quantized = std::make_shared<const QuantizedTensor>(tensorOf({128, 192}, std::move(form)));
    ActivationQuantization what;
    what.linearInputs = true;
    what.inputGrid = {8, true, ActivationScope::Token};
    report->methods[1].activations = what;
    return report;
}

std::unique_ptr<QWidget> makeView(ViewContext& context) {
    QPluginLoader loader(QStringLiteral(QSCOPE_PLUGIN_DIR "/libview_activations.so"));
    INFO(loader.errorString().toStdString());
    auto* plugin = qobject_cast<ViewPlugin*>(loader.instance());
    REQUIRE(plugin);
    return std::unique_ptr<QWidget>(plugin->create(QStringLiteral("input_transform"), context, nullptr));
}

} // namespace

TEST_CASE("Factors of nested transforms multiply, in the order of the inputs") {
    ColumnTransformed inner, outer;
    inner.base = std::make_shared<const QuantizedTensor>(QuantizedTensor{{1, 3}, GridCodes{}});
    inner.factors = {2, 3, 5};
    LowRankSum sum;
    sum.base = std::make_shared<const QuantizedTensor>(tensorOf({1, 3}, std::move(inner)));
    outer.base = std::make_shared<const QuantizedTensor>(tensorOf({1, 3}, std::move(sum)));
    outer.order = {2, 0, 1}; // input 0 is column 2 of the inside
    outer.factors = {1, 10, 100};
    CHECK(inputFactors(tensorOf({1, 3}, std::move(outer))) == std::vector<float>{5, 20, 300});
    CHECK(inputFactors({{1, 3}, GridCodes{}}).empty());
}

TEST_CASE("What a transform does to inputs is counted on the same bins, and rounding after it loses less") {
    const auto inputs = sampleInputs();
    std::vector<float> factors(192, 1);
    factors[17] = 1 / 40.0F;
    const ActivationGrid grid{4, true, ActivationScope::Token};
    const auto made = transformedInputs(*inputs, factors, &grid, nullptr);
    REQUIRE(made);
    const auto all = static_cast<double>(inputs->samples.size());
    for (const auto* counts : {&made->before.counts, &made->after.counts, &made->rounded})
        CHECK(std::accumulate(counts->begin(), counts->end(), 0.0) == all);
    CHECK(made->before.channelMax[17] == Approx(40 * made->after.channelMax[17]));
    CHECK(made->before.channelMax[3] == made->after.channelMax[3]);
    CHECK(made->after.kurtosis == Approx(3).epsilon(0.1)); // normal again
    CHECK(made->before.kurtosis > 50);
    REQUIRE(made->before.sqnrDb);
    REQUIRE(made->after.sqnrDb);
    CHECK(*made->after.sqnrDb > *made->before.sqnrDb);
    const auto shapes = transformedInputs(*inputs, factors, nullptr, nullptr, true);
    REQUIRE(shapes);
    CHECK(shapes->edges.back() == Approx(made->before.largest / made->before.rootMeanSquare));
    CHECK(shapes->rounded.empty());
    CHECK_FALSE(shapes->after.sqnrDb);
    CHECK_FALSE(transformedInputs(*inputs, {1, 2}, nullptr, nullptr));
}

TEST_CASE("The view of transformed inputs offers what is missing, step by step, and draws both distributions") {
    SampleContext context;
    context.shownReport = transformingReport();
    context.runs.chosenText = QStringLiteral("/texts/page.txt");
    context.select({kTensor, -1, -1, 0});
    const auto view = makeView(context);
    present(*view, {1000, 560});
    const auto pressOffer = [&] {
        QTest::mouseClick(view->findChild<EmptyState*>()->findChild<QPushButton*>(), Qt::LeftButton);
        settle();
    };
    pressOffer(); // method 0 transforms nothing: the other one is offered
    CHECK(context.selection().method == 1);
    pressOffer();
    REQUIRE(context.runs.asked.size() == 1);
    CHECK(context.runs.asked[0].run == TextRun::Calibration);
    auto calibration = std::make_shared<Calibration>();
    calibration->inputs[context.checkpoint()->tensors[kTensor].name] = sampleInputs();
    context.runs.calibrated = calibration;
    emit context.runs.changed(TextRun::Calibration);
    settle();
    CHECK(distinctColors(shoot(*view, QStringLiteral("input-transform-light"))) > 20);
    PlotArea* histogram = nullptr;
    for (auto* plot : view->findChildren<PlotArea*>())
        if (plot->accessibleName().startsWith(QStringLiteral("Inputs before"))) histogram = plot;
    REQUIRE(histogram);
    REQUIRE(histogram->layers().size() == 3);
    CHECK(histogram->layers()[0].x == histogram->layers()[1].x);
    CHECK(view->findChild<NumberTable*>()->asText().count(QLatin1Char('\n')) >= 2);
    context.setTheme(QStringLiteral("dark"));
    settle();
    shoot(*view, QStringLiteral("input-transform-dark"));
    context.shownReport = sampleModel().report;
    emit context.reportChanged();
    settle();
    pressOffer();
    CHECK(context.requests == std::vector<WindowRequest>{WindowRequest::Quantize});
}
