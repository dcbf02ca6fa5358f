// SPDX-License-Identifier: GPL-3.0-or-later
// Pins, sweeps and reruns through the whole window.
#include "app/models/value_list.h"
#include "app/views/rerun_dialog.h"
#include "app/views/sweep_dialog.h"
#include "app/views/view_area.h"
#include "app/workspace/board_keeper.h"
#include "tests/gui/studio.h"

#include <QAbstractButton>
#include <QDir>
#include <QDockWidget>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QSpinBox>
#include <QTest>

#include <set>

using namespace qscope;
using namespace qscope::test;

namespace {

using Report = std::shared_ptr<const engine::CompareReport>;

/// A report with results called by their specs; `quality` tells equal ones apart.
std::shared_ptr<engine::CompareReport> reportOf(const std::vector<std::string>& specs, double quality) {
    auto report = std::make_shared<engine::CompareReport>();
    for (const auto& text : specs) {
        engine::MethodResult method;
        method.spec = engine::parseMethodSpec(text).value();
        method.label = text;
        method.metrics.relativeMse = quality;
        report->methods.push_back(std::move(method));
    }
    return report;
}

PinnedColumn pinOf(const char* label) {
    return {engine::parseMethodSpec(label).value(), QString::fromLatin1(label), {}};
}

std::vector<std::string> labelsOf(const engine::CompareReport& report) {
    std::vector<std::string> labels;
    for (const auto& method : report.methods) labels.push_back(method.label);
    return labels;
}

void pinResult(Studio& studio, std::size_t index) {
    auto pins = studio.workspace->board().pinned();
    const auto& method = studio.workspace->report()->methods[index];
    pins.push_back({method.spec, QString::fromStdString(method.label), {}});
    studio.workspace->board().setPinned(std::move(pins), QStringLiteral("Pin"));
}

/// One tensor of the sample is enough to run on.
void openOneTensor(Studio& studio) {
    studio.openSampleModel();
    auto plan = studio.workspace->document().plan();
    plan.selectors = {
        studio.workspace->checkpoint()->tensors[static_cast<std::size_t>(studio.workspace->selection().tensor)].name};
    studio.workspace->document().editPlan(std::move(plan), QStringLiteral("one tensor"));
}

template<class Act>
void awaitReport(Studio& studio, Act act) {
    QSignalSpy reports(studio.workspace.get(), &ViewContext::reportChanged);
    act();
    REQUIRE((reports.count() > 0 || reports.wait(kPatienceMs)));
}

std::string listed(const engine::ParamSpec& param, const char* text) {
    const auto values = parseValueList(param, QString::fromUtf8(text));
    if (!values) return "error: " + values.error().message;
    std::string joined;
    for (const auto& value : *values) joined += (joined.empty() ? "" : " ") + value;
    return joined;
}

} // namespace

TEST_CASE("Values are listed as people write them", "[gui]") {
    const engine::ParamSpec bits{"bits", "Bits", engine::ParamType::Integer, std::int64_t{4}, 2, 8, {}, {}, {}};
    CHECK(listed(bits, "2, 3,4") == "2 3 4");
    CHECK(listed(bits, "2..8") == "2 3 4 5 6 7 8");
    CHECK(listed(bits, "4, 2..4") == "4 2 3");
    CHECK(listed(bits, "") == "");
    CHECK(describeRange(bits) == QStringLiteral("2 to 8, default 4"));
    CHECK(listed(bits, "9").find("from 2 to 8") != std::string::npos);
    CHECK(listed(bits, "many").find("whole number") != std::string::npos);
    CHECK(listed(bits, "8..2").find("no value") != std::string::npos);
    const engine::ParamSpec group{"group", "Group", engine::ParamType::Integer, std::int64_t{128}, 1, 1 << 20, {},
                                  {},      {}};
    CHECK(listed(group, "32..512 x2") == "32 64 128 256 512");
    CHECK(listed(group, "32..512 x1").find("no value") != std::string::npos);
    CHECK(listed(group, "1..1048576").find("more than") != std::string::npos);
    const engine::ParamSpec scale{"scale", "Scale", engine::ParamType::Choice, std::string("f32"), 0, 0, {"f32", "f16"},
                                  {},      {}};
    CHECK(listed(scale, "f16, f32") == "f16 f32");
    CHECK(listed(scale, "f64").rfind("error", 0) == 0);
}

TEST_CASE("Pinned results live on in front of new ones, and an equal one is not kept twice", "[gui]") {
    const Report first = reportOf({"rtn:bits=4", "q4_0", "q8_0"}, 0.5);
    std::vector<PinnedColumn> pins{pinOf("q8_0"), pinOf("rtn:bits=4")};
    // The same spec with other numbers is another result; the order is that of the report before.
    const Report second = withPinned(std::vector{first}, *reportOf({"q4_k", "q8_0"}, 0.25), pins);
    CHECK(labelsOf(*second) == std::vector<std::string>{"rtn:bits=4", "q8_0 #2", "q4_k", "q8_0"});
    CHECK(pins[0].label == "q8_0 #2");
    CHECK(pins[1].label == "rtn:bits=4");
    // Run again with equal numbers: the new one takes the pin.
    const Report third = withPinned(std::vector{second, first}, *reportOf({"q8_0"}, 0.5), pins);
    CHECK(labelsOf(*third) == std::vector<std::string>{"rtn:bits=4", "q8_0"});
    CHECK(pins[0].label == "q8_0");
    // A pin of a session, without a result, takes the first that has its method.
    pins = {pinOf("q4_k")};
    pins[0].label.clear();
    CHECK(labelsOf(*withPinned({}, *reportOf({"q4_k"}, 1), pins)) == std::vector<std::string>{"q4_k"});
    CHECK(pins[0].label == "q4_k");
}

TEST_CASE("A sweep is chosen from the methods' own tables, runs, and is part of the plan", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    openOneTensor(studio);
    studio.addMethod("q8_0", {});
    studio.runPlan();
    pinResult(studio, 0);
    studio.workspace->board().askForSweep();
    auto* dialog = studio.window->findChild<SweepDialog*>();
    REQUIRE(dialog);
    // From the plan's method to another one, by its check box.
    dialog->setMethodChosen(QStringLiteral("q8_0"), false);
    auto& count = *dialog->findChild<QLabel*>("sweepCount");
    auto& run = *dialog->findChild<QPushButton*>("sweepRun");
    CHECK_FALSE(run.isEnabled());
    dialog->setMethodChosen(QStringLiteral("rtn"), true);
    auto* bits = dialog->findChild<QLineEdit*>("sweep_bits");
    REQUIRE(bits);
    bits->selectAll();
    QTest::keyClicks(bits, QStringLiteral("2..99"));
    CHECK(count.text().contains(QStringLiteral("2 to 8")));
    CHECK_FALSE(run.isEnabled());
    bits->selectAll();
    QTest::keyClicks(bits, QStringLiteral("3, 5"));
    auto* group = dialog->findChild<QLineEdit*>("sweep_group");
    group->selectAll();
    QTest::keyClicks(group, QStringLiteral("32..128 x2"));
    CHECK(run.text() == QStringLiteral("Run 6 results"));
    QTest::qWait(50); // rows get their places
    dialog->grab().save(QStringLiteral(QSCOPE_SCREENSHOTS "/sweep-dialog.png"));
    awaitReport(studio, [&] { QTest::mouseClick(&run, Qt::LeftButton); });
    const auto report = studio.workspace->report();
    REQUIRE(report->methods.size() == 7); // the pinned one and six
    CHECK(report->methods[0].label == "q8_0");
    CHECK(report->methods[1].spec.parameters == std::map<std::string, std::string>{{"bits", "3"}, {"group", "32"}});
    std::set<double> qualities;
    for (const auto& method : report->methods) qualities.insert(method.metrics.relativeMse);
    CHECK(qualities.size() == 7);
    // The plan holds the sweep, as a session and the command line take it; quantizing runs the methods alone.
    const auto& plan = studio.workspace->document().plan();
    REQUIRE(plan.sweeps.size() == 1);
    CHECK(engine::planFromJson(engine::toJson(plan)) == plan);
    CHECK(engine::planMethods(plan, studio.registries)->size() == 7);
    studio.runPlan();
    CHECK(studio.workspace->report()->methods.size() == 1); // q8_0 again, equal: its pin has moved on
    CHECK(studio.workspace->board().pinned().size() == 1);
}

TEST_CASE("A sweep stops when cancelled and leaves the results alone", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.openSampleModel();
    auto plan = studio.workspace->document().plan();
    engine::SweepAxis groups{"group", {}};
    for (int group = 1; group <= 200; ++group) groups.values.push_back(std::to_string(group));
    plan.sweeps = {{{{"rtn", {}}}, {groups}}};
    studio.workspace->document().editPlan(std::move(plan), QStringLiteral("sweep"));
    auto& board = studio.workspace->board();
    QSignalSpy changes(&board, &ResultBoard::runChanged);
    board.runSweeps({});
    CHECK(board.jobs().running());
    board.cancel();
    CHECK_FALSE(board.jobs().running());
    await(studio.workspace->jobs(), &JobList::removed, [&] { return studio.workspace->jobs().jobs().empty(); });
    CHECK_FALSE(studio.workspace->report());
    CHECK(board.problem().isEmpty());
    CHECK(changes.count() >= 2);
}

TEST_CASE("A result runs again with other parameters beside the first", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    openOneTensor(studio);
    studio.addMethod("rtn", {{"bits", "4"}});
    studio.runPlan();
    pinResult(studio, 0);
    const auto before = studio.workspace->report();
    studio.workspace->board().askForRerun(0, {});
    auto* dialog = studio.window->findChild<RerunDialog*>();
    REQUIRE(dialog);
    auto* run = dialog->findChild<QPushButton*>("rerunNow");
    CHECK_FALSE(run->isEnabled()); // nothing has changed yet
    dialog->findChild<QSpinBox*>("param_bits")->setValue(6);
    awaitReport(studio, [&] { QTest::mouseClick(run, Qt::LeftButton); });
    const auto after = studio.workspace->report();
    REQUIRE(after->methods.size() == 2);
    CHECK(after->methods[0].tensors[0].quantized == before->methods[0].tensors[0].quantized);
    CHECK(after->methods[1].spec.parameters.at("bits") == "6");
    CHECK(after->methods[1].metrics.relativeMse < after->methods[0].metrics.relativeMse);
    CHECK(studio.workspace->selection().method == 0);
    const auto& pins = studio.workspace->board().pinned();
    REQUIRE(pins.size() == 2);
    CHECK(pins[1].spec == after->methods[1].spec);
    // Pinning is an edit like others.
    studio.workspace->document().undoStack().undo();
    CHECK(studio.workspace->board().pinned().size() == 1);
}

TEST_CASE("Codes that were not kept are made again when the result is selected", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    openOneTensor(studio);
    studio.addMethod("rtn", {{"bits", "4"}});
    studio.addMethod("rtn", {{"bits", "3"}});
    studio.runPlan();
    auto stripped = std::make_shared<engine::CompareReport>(*studio.workspace->report());
    stripped->methods[1].tensors[0].quantized.reset();
    studio.workspace->document().updateReport(stripped);
    Selection selection = studio.workspace->selection();
    selection.method = 1;
    awaitReport(studio, [&] { studio.workspace->select(selection); });
    const auto full = studio.workspace->report();
    REQUIRE(full->methods[1].tensors[0].quantized);
    CHECK(full->methods[1].tensors[0].metrics.relativeMse == stripped->methods[1].tensors[0].metrics.relativeMse);
    CHECK(studio.workspace->selection().method == 1);
}

TEST_CASE("A session brings back pins and baseline, and their results on demand", "[gui]") {
    TemporaryFolder home;
    const QString path = QString::fromStdString((home / "work.qscope").string());
    std::vector<PinnedColumn> pins;
    {
        Studio studio(QString::fromStdString((home / "first").string()));
        openOneTensor(studio);
        studio.addMethod("rtn", {{"bits", "4"}});
        studio.addMethod("q8_0", {});
        studio.runPlan();
        pinResult(studio, 1);
        pinResult(studio, 0);
        studio.workspace->board().setBaseline(QStringLiteral("q8_0"));
        pins = studio.workspace->board().pinned();
        QSignalSpy saved(studio.workspace.get(), &Workspace::sessionSaved);
        studio.workspace->saveSessionTo(path, studio.window->session());
        REQUIRE(saved.wait(kPatienceMs));
    }
    Studio studio(QString::fromStdString((home / "second").string()));
    studio.open(path);
    auto& board = studio.workspace->board();
    REQUIRE(board.pinned().size() == 2);
    CHECK(board.pinned()[0].spec == pins[0].spec);
    CHECK(board.baseline() == QStringLiteral("q8_0"));
    awaitReport(studio, [&] { board.runMissing(); });
    CHECK(board.pinned() == pins); // labels too
    CHECK(studio.workspace->report()->methods.size() == 2);
}

TEST_CASE("The board of a sweep over the whole sample is pictured in both themes and two sizes", "[gui][pictures]") {
    REQUIRE(QDir().mkpath(QStringLiteral(QSCOPE_SCREENSHOTS)));
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.openSampleModel();
    studio.addMethod("q4_k", {});
    studio.addMethod("rtn", {{"bits", "3"}});
    studio.runPlan();
    pinResult(studio, 0);
    auto plan = studio.workspace->document().plan();
    plan.sweeps = {{{{"rtn", {}}, {"nf4", {}}}, {{"bits", {"2", "3", "4", "5", "6"}}, {"group", {"32", "64", "128"}}}}};
    studio.workspace->document().editPlan(std::move(plan), QStringLiteral("sweep"));
    awaitReport(studio, [&] { studio.workspace->board().runSweeps({}); });
    auto& jobs = studio.workspace->jobs();
    auto& area = studio.window->modelArea();
    area.raiseView(QStringLiteral("comparison"));
    const auto settled = [&] {
        do {
            QTest::qWait(60);
            await(jobs, &JobList::removed, [&] { return jobs.jobs().empty(); });
        } while (!jobs.jobs().empty());
        QTest::qWait(60);
    };
    studio.workspace->textRuns().propagate(48, false);
    settled();
    for (const QSize size : {QSize(1280, 800), QSize(1920, 1080)})
        for (const char* theme : {"light", "dark"}) {
            studio.window->chooseTheme(QLatin1String(theme));
            studio.window->resize(size);
            for (const char* page : {"Overview", "Columns", "Sweep map"}) {
                for (auto* button : area.dock(QStringLiteral("comparison"))->findChildren<QAbstractButton*>())
                    if (button->text() == QLatin1String(page)) QTest::mouseClick(button, Qt::LeftButton);
                settled();
                const QImage image = studio.window->grab().toImage();
                CHECK(image.size() == size);
                CHECK(image.save(QStringLiteral(QSCOPE_SCREENSHOTS "/window-%1-%2-%3.png")
                                     .arg(QLatin1String(page).left(5))
                                     .arg(size.width())
                                     .arg(QLatin1String(theme))));
            }
        }
}
