// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures for people: nothing is compared, but every page must come out with something on it.
#include "tests/gui/studio.h"

#include "app/views/command_palette.h"
#include "app/views/dialogs.h"
#include "app/views/export_dialog.h"
#include "app/views/plan_panel.h"
#include "app/views/tensor_navigator.h"
#include "app/views/view_area.h"

#include <QApplication>
#include <QDir>
#include <QPixmap>
#include <QPushButton>
#include <QTest>
#include <QTreeWidget>

using namespace qscope;
using namespace qscope::test;

namespace {

/// Waits until no job has run for a while of the event loop's own: all views have what they asked for.
void awaitQuiet(Studio& studio) {
    auto& jobs = studio.workspace->jobs();
    do {
        QCoreApplication::sendPostedEvents();
        QTest::qWait(120); // a veil shows for jobs over 100 ms; pictures must not catch it on its way out
        await(jobs, &JobList::removed, [&] { return jobs.jobs().empty(); });
        QTest::qWait(60);
    } while (!jobs.jobs().empty());
}

void shoot(QWidget& widget, const QString& folder, const QString& name) {
    const QPixmap picture = widget.grab();
    const QImage image = picture.toImage();
    int different = 0;
    for (int y = 0; y < image.height(); y += 8)
        for (int x = 0; x < image.width(); x += 8) different += image.pixel(x, y) != image.pixel(0, 0);
    CHECK(different > 50);
    REQUIRE(picture.save(QStringLiteral("%1/%2.png").arg(folder, name)));
}

/// "1280x800" in the environment pictures one size alone.
std::vector<QSize> sizes() {
    const QStringList wanted = qEnvironmentVariable("QSCOPE_SCREENSHOT_SIZE").split(QLatin1Char('x'));
    if (wanted.size() == 2) return {QSize(wanted[0].toInt(), wanted[1].toInt())};
    return {QSize(1024, 700), QSize(1280, 800), QSize(1920, 1080)};
}

} // namespace

TEST_CASE("Every page is pictured in both themes and three sizes", "[gui][pictures]") {
    const QString folder = qEnvironmentVariable("QSCOPE_SCREENSHOT_DIR", QStringLiteral(QSCOPE_SCREENSHOTS));
    REQUIRE(QDir().mkpath(folder));
    for (const auto size : sizes())
        for (const char* theme : {"light", "dark"}) {
            TemporaryFolder home;
            Studio studio(QString::fromStdString((home / ".").string()));
            auto& window = *studio.window;
            window.chooseTheme(QLatin1String(theme));
            window.resize(size);
            const auto name = [&](const char* page) {
                return QStringLiteral("%1-%2x%3-%4").arg(QLatin1String(page)).arg(size.width()).arg(size.height()).arg(QLatin1String(theme));
            };
            shoot(window, folder, name("welcome"));
            studio.openSampleModel();
            studio.awaitStatistics();
            window.tensorNavigator().sortBy(TensorTreeModel::Kurtosis);
            window.tensorNavigator().selectFirst();
            studio.addMethod("rtn", {{"bits", "4"}});
            studio.addMethod("rtn", {{"bits", "8"}, {"granularity", "output-channel"}});
            studio.addMethod("q4_k", {});
            auto plan = studio.workspace->document().plan();
            plan.calibration = {studio.workspace->textRuns().text().toStdString(), 4, 64};
            studio.workspace->document().editPlan(plan, QStringLiteral("calibrate"));
            awaitQuiet(studio);
            studio.runPlan();
            for (const auto& view : window.modelArea().views()) {
                window.modelArea().raiseView(view.info.id);
                awaitQuiet(studio);
                shoot(window, folder, name(qPrintable(QStringLiteral("model-") + view.info.id)));
            }
            auto* dialog = window.openExport();
            shoot(*dialog, folder, name("export"));
            dialog->close();
            auto& browser = *studio.child<QTreeWidget>("methodTree").window();
            QTest::mouseClick(&studio.child<QPushButton>("addMethod"), Qt::LeftButton);
            shoot(browser, folder, name("browser"));
            browser.hide();
            window.openPalette();
            shoot(window.commandPalette(), folder, name("palette"));
            window.commandPalette().hide();
            studio.open(samplePath("circuits/phase_estimation_5.qasm"));
            for (const auto& view : window.circuitArea().views()) {
                window.circuitArea().raiseView(view.info.id);
                awaitQuiet(studio);
                shoot(window, folder, name(qPrintable(QStringLiteral("circuit-") + view.info.id)));
            }
        }
}
