// SPDX-License-Identifier: GPL-3.0-or-later
// Qt says on its log what a widget does wrong (negative sizes, painters left open): no view may.
#include "app/views/view_area.h"
#include "tests/gui/studio.h"

#include <QDockWidget>
#include <QTest>

using namespace qscope;
using namespace qscope::test;

namespace {

QStringList* said = nullptr;

/// Collects what Qt has to say while it lives.
class Listening {
public:
    Listening() {
        said = &m_said;
        m_before = qInstallMessageHandler([](QtMsgType type, const QMessageLogContext&, const QString& text) {
            // The offscreen platform of the tests says this itself, of any window.
            if (type != QtDebugMsg && !text.contains(QStringLiteral("This plugin does not support"))) *said << text;
        });
    }
    ~Listening() { qInstallMessageHandler(m_before); }
    [[nodiscard]] std::string text() const { return m_said.join(QLatin1Char('\n')).toStdString(); }

private:
    QStringList m_said;
    QtMessageHandler m_before;
};

/// Each view as a tab, beside another, floating and back, at both ends of the sizes.
void handle(ViewArea& area, QWidget& window) {
    for (const auto& view : area.views()) {
        auto* dock = area.dock(view.info.id);
        for (const QSize size : {QSize(1024, 700), QSize(1920, 1080)}) {
            window.resize(size);
            area.raiseView(view.info.id);
            QTest::qWait(1);
            area.splitCurrent(Qt::Horizontal);
            QTest::qWait(1);
            area.splitCurrent(Qt::Vertical);
            QTest::qWait(1);
            dock->setFloating(true);
            QTest::qWait(1);
            dock->resize(160, 120);
            QTest::qWait(1);
            dock->setFloating(false);
            area.resetLayout();
            QTest::qWait(1);
        }
    }
}

} // namespace

TEST_CASE("No view makes Qt complain, wherever it is docked", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    const Listening listening;
    handle(studio.window->modelArea(), *studio.window); // empty states
    studio.openSampleModel();
    auto plan = studio.workspace->document().plan();
    plan.selectors = {"model.layers.1.*"};
    studio.workspace->document().editPlan(plan, QStringLiteral("one layer"));
    studio.addMethod("rtn", {{"bits", "4"}});
    studio.runPlan();
    TextRuns& runs = studio.workspace->textRuns();
    const auto idle = [&](TextRun run) { await(runs, &TextRuns::changed, [&] { return !runs.jobs(run).running(); }); };
    runs.propagate(16, false);
    idle(TextRun::Propagation);
    runs.calibrate(1, 16);
    idle(TextRun::Calibration);
    handle(studio.window->modelArea(), *studio.window);
    studio.open(samplePath("circuits/bell.qasm"));
    studio.awaitState();
    handle(studio.window->circuitArea(), *studio.window);
    CHECK(listening.text() == "");
}
