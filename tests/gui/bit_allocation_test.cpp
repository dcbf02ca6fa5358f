// SPDX-License-Identifier: GPL-3.0-or-later
// Bits per layer through the whole window: the plan, its undo, and what a run of it measures.
#include "app/views/view_area.h"
#include "tests/gui/studio.h"

#include <QDockWidget>
#include <QLabel>
#include <QTest>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("Bits set by hand are in the plan, are run, and can be undone", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.openSampleModel();
    studio.addMethod("rtn", {{"bits", "4"}});
    auto& area = studio.window->modelArea();
    area.raiseView(QStringLiteral("bit_allocation"));
    auto* view = area.dock(QStringLiteral("bit_allocation"))->widget();
    REQUIRE(view);
    auto* quality = view->findChild<QLabel*>(QStringLiteral("allocationQuality"));
    REQUIRE(QTest::qWaitFor([&] { return quality->text().contains(QStringLiteral("relative MSE")); }, kPatienceMs));

    // The bars are the plugin's own class: found by what they are called for assistive tools.
    QWidget* bars = nullptr;
    for (auto* child : view->findChildren<QWidget*>())
        if (child->accessibleName() == QStringLiteral("Bits per layer and tensor")) bars = child;
    REQUIRE(bars);
    auto& document = studio.workspace->document();
    const engine::Plan before = document.plan();
    QTest::keyClick(bars, Qt::Key_End);
    QTest::keyClick(bars, Qt::Key_8);
    REQUIRE_FALSE(document.plan().rules.empty());
    CHECK(document.undoStack().undoText().startsWith(QStringLiteral("8 bits for")));
    CHECK(engine::planFromJson(engine::toJson(document.plan())).value() == document.plan()); // as `qscope run` reads it

    studio.runPlan();
    const auto& result = studio.workspace->report()->methods.back();
    const QString measured = QStringLiteral("relative MSE %1").arg(result.metrics.relativeMse, 0, 'g', 4);
    INFO(measured.toStdString());
    CHECK(QTest::qWaitFor([&] { return quality->text().contains(measured); }, kPatienceMs));

    document.undoStack().undo();
    CHECK(document.plan() == before);
}
