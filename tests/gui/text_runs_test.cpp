// SPDX-License-Identifier: GPL-3.0-or-later
// The window runs the bundled model on its text.
#include "app/views/view_area.h"
#include "plugins/sdk/widgets/heatmap.h"
#include "tests/gui/studio.h"

#include <QDockWidget>
#include <QFileInfo>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("The window follows the errors of a plan's methods through the bundled model", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.openSampleModel();
    TextRuns& runs = studio.workspace->textRuns();
    CHECK(runs.text() == QFileInfo(samplePath("bard/page.txt")).absoluteFilePath());
    runs.propagate(24, false);
    CHECK_FALSE(runs.jobs(TextRun::Propagation).running()); // there are no results to follow yet

    studio.addMethod("rtn", {{"bits", "8"}, {"granularity", "output-channel"}});
    studio.addMethod("rtn", {{"bits", "3"}, {"granularity", "output-channel"}});
    studio.runPlan();
    const auto ended = [&] { return !runs.jobs(TextRun::Propagation).running(); };
    runs.propagate(24, false);
    await(runs, &TextRuns::changed, ended);
    INFO(runs.problem(TextRun::Propagation).toStdString());
    const auto report = runs.propagation();
    REQUIRE(report);
    REQUIRE(report->methods.size() == 2);
    CHECK(report->tokens.size() == 24);
    CHECK(report->methods[0].label == studio.workspace->report()->methods[0].label);
    const auto& fine = report->methods[0].layers.back();
    const auto& coarse = report->methods[1].layers.back();
    CHECK(fine.metrics.relativeMse > 0);
    CHECK(coarse.metrics.relativeMse > 20 * fine.metrics.relativeMse); // 8 to 3 bits: about 30 dB

    auto& area = studio.window->modelArea();
    area.raiseView(QStringLiteral("propagation"));
    QCoreApplication::processEvents();
    auto* heatmap = area.dock(QStringLiteral("propagation"))->findChild<Heatmap*>();
    REQUIRE(heatmap);
    CHECK(heatmap->info().columns == 24);
    CHECK(heatmap->info().rows == static_cast<std::int64_t>(report->methods[0].layers.size()));

    // A run that fails says why and leaves the last result.
    runs.setText(samplePath("bard/README.md"));
    CHECK(runs.text().endsWith(QStringLiteral("README.md")));
    runs.propagate(0, false);
    await(runs, &TextRuns::changed, ended);
    CHECK_FALSE(runs.problem(TextRun::Propagation).isEmpty());
    CHECK(runs.propagation() == report);

    // Other results, nothing to show.
    studio.runPlan();
    CHECK_FALSE(runs.propagation());
    CHECK(runs.problem(TextRun::Propagation).isEmpty());
}
