// SPDX-License-Identifier: GPL-3.0-or-later
// Tabs of views where there is no room for all.
#include "app/views/view_area.h"
#include "tests/gui/studio.h"

#include <QDockWidget>
#include <QMenu>
#include <QTabBar>
#include <QTest>
#include <QToolButton>

#include <algorithm>

using namespace qscope;
using namespace qscope::test;

namespace {

/// Whether every tab lies inside its row, and beside the button that lists the others where there is one.
bool allFit(const ViewArea& area) {
    for (const auto* row : area.findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly)) {
        if (!row->isVisible() || row->count() == 0) continue;
        int room = row->width();
        for (const auto* button : area.findChildren<QToolButton*>(QStringLiteral("moreViews"), Qt::FindDirectChildrenOnly))
            if (button->isVisible() && row->geometry().intersects(button->geometry())) room = button->x() - row->x();
        if (row->tabRect(row->count() - 1).right() >= room || row->tabRect(0).left() < 0) return false;
    }
    return true;
}

QString frontOf(const ViewArea& area, const QString& among) {
    for (const auto* row : area.findChildren<QTabBar*>(QString(), Qt::FindDirectChildrenOnly))
        for (int i = 0; row->isVisible() && i < row->count(); ++i)
            if (row->tabText(i) == among) return row->tabText(row->currentIndex());
    return {};
}

} // namespace

TEST_CASE("No tab is cut off, and every view that has none is in a list", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.open(samplePath("circuits/ghz_5.qasm"));
    auto& area = studio.window->circuitArea();
    for (const QSize size : {QSize(1280, 800), QSize(1024, 700), QSize(1920, 1080)}) {
        studio.window->resize(size);
        INFO(size.width());
        CHECK(QTest::qWaitFor([&] { return allFit(area); }));
    }
    studio.window->resize(1280, 800);
    const auto away = [&]() -> const OfferedView* {
        const auto found = std::ranges::find_if(area.views(), [&](const OfferedView& view) { return area.dock(view.info.id)->isHidden(); });
        return found == area.views().end() ? nullptr : &*found;
    };
    REQUIRE(QTest::qWaitFor([&] { return allFit(area) && away(); }));
    const ViewInfo wanted = away()->info;

    QToolButton* more = nullptr;
    for (auto* button : area.findChildren<QToolButton*>(QStringLiteral("moreViews"))) if (button->isVisible()) more = button;
    REQUIRE(more);
    QTest::keyClick(more, Qt::Key_Space);
    auto* menu = more->findChild<QMenu*>();
    REQUIRE(menu);
    QStringList headings;
    QAction* entry = nullptr;
    for (auto* action : menu->actions()) {
        if (action->isSeparator()) headings << action->text();
        if (action->text() == wanted.title) entry = action;
    }
    CHECK(headings == QStringList{"Outcomes", "Qubits", "Along the circuit"});
    REQUIRE(entry);
    entry->trigger();
    menu->close();
    CHECK(QTest::qWaitFor([&] { return allFit(area) && frontOf(area, wanted.title) == wanted.title; }));
    CHECK(area.current() == area.dock(wanted.id));

    // From the keyboard every view comes to the front in turn.
    for (std::size_t i = 0; i < area.views().size(); ++i) {
        area.raiseNeighbour(1);
        QTest::qWait(1);
        CHECK(area.current()->isVisible());
        CHECK(QTest::qWaitFor([&] { return allFit(area); }));
    }
}
