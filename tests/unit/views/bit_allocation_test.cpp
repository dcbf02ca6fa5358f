// SPDX-License-Identifier: GPL-3.0-or-later
// Widths per layer and tensor, edited and filled to a budget.
#include "plugins/round_to_nearest/rtn_method.h"
#include "plugins/view_bit_allocation/bit_allocation_view.h"
#include "tests/unit/views/fake_plan.h"
#include "tests/unit/views/sample_model.h"

#include <QAction>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QPushButton>
#include <QTest>

#include <catch2/catch.hpp>

#include <cmath>

using namespace qscope;
using namespace qscope::test;

namespace {

AdjustableMethod rtnAt(int bits) {
    return {{"rtn", {{"bits", std::to_string(bits)}}}, 0, "bits", bits, {2, 3, 4, 5, 6, 7, 8}};
}

/// The sample model with a plan that rounds all of it.
struct Bench {
    SampleContext context{SampleContext::Holds::Checkpoint};
    FakePlan plan{context};
    std::unique_ptr<QWidget> view;

    explicit Bench(std::vector<engine::MethodSpec> methods = {{"rtn", {{"bits", "4"}, {"group", "64"}}}}) {
        REQUIRE(plan.methods.methods.add(engine::makeRoundToNearest()));
        plan.held.methods = std::move(methods);
        view = std::make_unique<BitAllocationView>(context, nullptr);
        present(*view, {900, 420});
    }
    BitBars& bars() { return *view->findChild<BitBars*>(); }
    QString text(const char* label) const { return view->findChild<QLabel*>(QLatin1String(label))->text(); }
    void press(Qt::Key key) {
        QTest::keyClick(&bars(), key);
        settle();
    }
    void trigger(const QString& text) {
        for (QAction* action : view->findChildren<QAction*>())
            if (action->text() == text) return action->trigger(), settle();
        FAIL("no action " << text.toStdString());
    }
    /// A real run of the plan, whose numbers are measured apart from the view's.
    std::shared_ptr<const engine::CompareReport> run() {
        TestRun run;
        auto report = engine::runPlan(plan.held, *context.checkpoint(), plan.methods, run.context);
        REQUIRE(report);
        return *report;
    }
};

} // namespace

TEST_CASE("A width is found in a spec and put into one, and the plan's own stays as written") {
    AdjustableMethod method = rtnAt(4);
    CHECK(withBits(method, 4) == method.spec);
    CHECK(engine::toText(withBits(method, 6)) == "rtn:bits=6");
    CHECK(widthOf(method, {"rtn", {{"bits", "7"}}}) == 7);
    CHECK_FALSE(widthOf(method, {"rtn", {{"bits", "7"}, {"group", "32"}}}));
    CHECK_FALSE(widthOf(method, {"q4_k", {}}));
    CHECK_FALSE(widthOf(method, {"rtn", {{"bits", "many"}}}));
    method.spec.parameters.clear(); // at its default
    CHECK(widthOf(method, {"rtn", {}}) == 4);
    CHECK(withBits(method, 4) == engine::MethodSpec{"rtn", {}});
}

TEST_CASE("Rules for single tensors come before globs and go when they say nothing new") {
    const engine::MethodSpec base{"rtn", {{"bits", "4"}}}, six{"rtn", {{"bits", "6"}}}, keep{"keep", {}};
    engine::Plan plan;
    plan.methods = {base};
    plan.rules = {{"*.q.*", keep}, {"a.up", six}};
    plan = withMethods(plan, {{"a.q.w", six}, {"b.up", six}}, base);
    CHECK(PlanRules(plan.rules).methodFor("a.q.w", base) == six);
    CHECK(PlanRules(plan.rules).methodFor("b.q.w", base) == keep);
    CHECK(PlanRules(plan.rules).methodFor("a.up", base) == six);
    CHECK(PlanRules(plan.rules).methodFor("c.up", base) == base);
    plan = withMethods(plan, {{"a.q.w", keep}, {"b.up", base}, {"a.up", base}}, base);
    CHECK(plan.rules == std::vector<engine::TensorRule>{{"*.q.*", keep}});
    // Back to the method against a glob takes a rule.
    plan = withMethods(plan, {{"a.q.w", base}}, base);
    REQUIRE(plan.rules.size() == 2);
    CHECK(PlanRules(plan.rules).methodFor("a.q.w", base) == base);
}

TEST_CASE("Sensitivity is divergence per squared error, layer by layer") {
    engine::CompareReport report;
    report.methods.resize(1);
    report.methods[0].label = "a";
    const auto tensor = [&](std::optional<int> layer, double error) {
        engine::TensorResult result;
        result.layer = layer;
        result.sums.difference = error;
        report.methods[0].tensors.push_back(std::move(result));
    };
    tensor(0, 1), tensor(0, 3), tensor(1, 0), tensor({}, 8);
    engine::PropagationReport propagation;
    propagation.tokens.resize(12);
    propagation.methods.resize(1);
    propagation.methods[0].label = "a";
    CHECK_FALSE(sensitivityOf(&propagation, &report, "a")); // no attribution
    propagation.methods[0].attribution = {{0, {0.5, 0}, {}, {}}, {1, {0.7, 0}, {}, {}}};
    propagation.methods[0].outside = {2, 0};
    const auto found = sensitivityOf(&propagation, &report, "another");
    REQUIRE(found);
    CHECK(found->natsPerError == std::map<int, double>{{-1, 0.25}, {0, 0.125}}); // layer 1 has no error to compare with
    CHECK(found->tokens == 12);
    report.methods[0].label = "b";
    CHECK_FALSE(sensitivityOf(&propagation, &report, "a"));
}

TEST_CASE("The bits of all layers are shown, edited, and a run measures what was predicted") {
    Bench bench;
    auto& bars = bench.bars();
    REQUIRE(bars.bars().size() == 9); // 8 layers, and the embedding outside
    CHECK(bars.bars()[3].bits == 4);
    CHECK(bars.bars()[8].label == QStringLiteral("other"));

    bars.setFocus();
    bench.press(Qt::Key_Right);
    bench.press(Qt::Key_Up); // layer 1 to 5 bits
    CHECK(bars.bars()[1].bits == 5);
    CHECK(bench.plan.edits.back() == QStringLiteral("5 bits for Layer 1"));
    CHECK(bench.plan.held.rules.size() == 3);
    bench.press(Qt::Key_Return);
    REQUIRE(bars.bars().size() == 12);
    CHECK(bars.bars()[2].label == QStringLiteral("q_proj"));
    bench.press(Qt::Key_Right);
    bench.press(Qt::Key_8); // its first tensor
    CHECK(bars.bars()[2].bits == 8);
    CHECK(bars.bars()[1].bits == Approx(6)); // three matrices of one size
    (void)shoot(*bench.view, QStringLiteral("bit-allocation-light"));

    const auto report = bench.run();
    const auto& result = report->methods.front();
    CHECK(bench.text("allocationSize")
              .contains(QStringLiteral("%1 bits per weight").arg(result.bitsPerWeight, 0, 'f', 2)));
    CHECK(bench.text("allocationQuality")
              .contains(QStringLiteral("relative MSE %1").arg(result.metrics.relativeMse, 0, 'g', 4)));

    bench.trigger(QStringLiteral("Even out"));
    CHECK(bench.plan.held.rules.empty());
}

TEST_CASE("A bar is dragged: the numbers follow, and the plan hears of it once") {
    Bench bench;
    auto& bars = bench.bars();
    const QString before = bench.text("allocationSize");
    const auto at = [&](double bits) { return bars.toPixel(4, bits).toPoint(); };
    QTest::mousePress(&bars, Qt::LeftButton, {}, at(4));
    for (const double bits : {3.4, 3.0, 2.2}) QTest::mouseMove(&bars, at(bits));
    settle();
    CHECK(bars.bars()[4].bits == 2);
    CHECK(bench.text("allocationSize") != before);
    CHECK(bench.plan.edits.empty());
    QTest::mouseRelease(&bars, Qt::LeftButton, {}, at(2.2));
    settle();
    CHECK(bench.plan.edits == std::vector<QString>{QStringLiteral("2 bits for Layer 4")});

    // Escape forgets a drag.
    QTest::mousePress(&bars, Qt::LeftButton, {}, at(2));
    QTest::mouseMove(&bars, at(7));
    bench.press(Qt::Key_Escape);
    QTest::mouseRelease(&bars, Qt::LeftButton, {}, at(7));
    CHECK(bars.bars()[4].bits == 2);
    CHECK(bench.plan.edits.size() == 1);
}

TEST_CASE("A budget is filled with the least error that fits") {
    Bench bench;
    bench.view->findChild<QDoubleSpinBox*>()->setValue(5);
    bench.trigger(QStringLiteral("Fill"));
    CHECK(bench.plan.edits.back() == QStringLiteral("Fill 5 bits per weight"));
    const double filled = bench.run()->methods.front().metrics.relativeMse;
    CHECK(bench.run()->methods.front().bitsPerWeight <= 5);
    // Every swap of a bit between two layers' tensors of one size is worse.
    const engine::Plan best = bench.plan.held;
    const auto& tensors = bench.context.checkpoint()->tensors;
    for (const auto& [up, down] : std::vector<std::pair<std::size_t, std::size_t>>{{1, 24}, {24, 1}, {5, 9}, {14, 2}}) {
        const auto moved = [&](std::size_t tensor, int by) {
            const engine::MethodSpec spec = PlanRules(best.rules).methodFor(tensors[tensor].name, best.methods.front());
            AdjustableMethod method = rtnAt(4);
            method.spec = best.methods.front();
            return withBits(method, widthOf(method, spec).value() + by);
        };
        bench.plan.held = withMethods(best, {{tensors[up].name, moved(up, 1)}, {tensors[down].name, moved(down, -1)}},
                                      best.methods.front());
        CHECK(bench.run()->methods.front().metrics.relativeMse >= filled);
    }
    bench.plan.held = best;

    bench.view->findChild<QDoubleSpinBox*>()->setValue(1);
    bench.trigger(QStringLiteral("Fill"));
    CHECK(bench.text("allocationQuality").contains(QStringLiteral("budget")));
    CHECK(bench.plan.held == best);
}

TEST_CASE("What rules keep is hatched and stays, until its own bar is moved") {
    Bench bench;
    bench.plan.edit(
        [&] {
            engine::Plan plan = bench.plan.held;
            plan.rules = {{"*.layers.2.mlp.up_proj.*", {"keep", {}}}};
            return plan;
        }(),
        {});
    settle();
    auto& bars = bench.bars();
    CHECK(bench.text("allocationSize").contains(QStringLiteral("1 kept")));
    bars.setFocus();
    for (int i = 0; i < 2; ++i) bench.press(Qt::Key_Right);
    bench.press(Qt::Key_3);
    bench.press(Qt::Key_Return);
    CHECK(bars.bars()[2].bits == 3);
    CHECK(bars.bars()[4].isFixed);
    CHECK(bars.bars()[4].bits == 32); // stored as F32
    CHECK(bench.run()->methods.front().tensors.size() == 24);
    bench.press(Qt::Key_Right);
    bench.press(Qt::Key_Right);
    bench.press(Qt::Key_6);
    CHECK_FALSE(bars.bars()[4].isFixed);
    CHECK(bench.run()->methods.front().tensors.size() == 25);
}

TEST_CASE("The bit allocation predicts divergence from a measured attribution, and says what is missing") {
    Bench bench;
    auto* goal = bench.view->findChild<QComboBox*>(QStringLiteral("allocationGoal"));
    CHECK(bench.text("allocationQuality").contains(QStringLiteral("relative MSE")));

    auto report = std::make_shared<engine::CompareReport>(*bench.run());
    auto propagation = std::make_shared<engine::PropagationReport>();
    propagation->tokens.resize(256);
    propagation->methods.resize(1);
    propagation->methods[0].label = report->methods[0].label;
    for (int layer = 0; layer < 8; ++layer)
        propagation->methods[0].attribution.push_back({layer, {0.01 * (layer + 1), 0}, {}, {}});
    propagation->methods[0].outside = {0.04, 0};
    bench.context.runs.propagated = propagation;
    bench.context.setReport(report);
    settle();
    goal->setCurrentIndex(1);
    emit goal->activated(1);
    // As measured: the sum of the layers' own, 0.01 (1 + ... + 8) + 0.04.
    CHECK(bench.text("allocationQuality").contains(QStringLiteral("KL divergence 0.4000 nats")));
    CHECK(bench.bars().bars()[7].share == Approx(0.2));
    for (const char* theme : {"light", "dark"}) {
        bench.context.setTheme(QLatin1String(theme));
        settle();
        (void)shoot(*bench.view, QStringLiteral("bit-allocation-divergence-%1").arg(QLatin1String(theme)));
    }
}

TEST_CASE("An empty bit allocation says what would fill it, and fills it") {
    Bench bench(std::vector<engine::MethodSpec>{});
    auto* button = bench.view->findChild<QPushButton*>();
    REQUIRE(button);
    CHECK(button->text() == QStringLiteral("Add round to nearest"));
    button->click();
    settle();
    CHECK(bench.plan.held.methods == std::vector<engine::MethodSpec>{{"rtn", {}}});
    CHECK(bench.bars().bars().size() == 9);
}
