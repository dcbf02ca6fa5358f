// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/studio.h"

#include "app/views/command_palette.h"
#include "app/views/dialogs.h"
#include "app/views/fuzzy.h"
#include "app/views/param_form.h"
#include "app/views/tensor_navigator.h"

#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QComboBox>
#include <QDockWidget>
#include <QDoubleSpinBox>
#include <QFile>
#include <QLineEdit>
#include <QMenuBar>
#include <QPushButton>
#include <QTest>

using namespace qscope;
using namespace qscope::test;

namespace {
QString homeOf(const TemporaryFolder& folder) { return QString::fromStdString((folder / ".").string()); }
} // namespace

TEST_CASE("Fuzzy search prefers starts of words and unbroken runs", "[models]") {
    CHECK_FALSE(fuzzyScore(QStringLiteral("xyz"), QStringLiteral("Open model")));
    CHECK(fuzzyScore(QStringLiteral("om"), QStringLiteral("Open model")));
    CHECK(fuzzyScore(QStringLiteral("om"), QStringLiteral("Open model")) > fuzzyScore(QStringLiteral("om"), QStringLiteral("Zoom in")));
    CHECK(fuzzyScore(QStringLiteral("save"), QStringLiteral("Save session")) > fuzzyScore(QStringLiteral("save"), QStringLiteral("Show all views here")));
    CHECK(fuzzyScore(QStringLiteral("dark"), QStringLiteral("Dark")) > fuzzyScore(QStringLiteral("dark"), QStringLiteral("Switch between light and dark")));
    CHECK(fuzzyScore({}, QStringLiteral("anything")) == 0);
}

TEST_CASE("The command palette finds commands, methods and tensors and runs them", "[gui]") {
    TemporaryFolder home;
    Studio studio(homeOf(home));
    studio.openSampleModel();
    studio.window->openPalette();
    auto& palette = studio.window->commandPalette();
    auto* input = palette.findChild<QLineEdit*>();
    QTest::keyClicks(input, QStringLiteral("add round to near"));
    REQUIRE_FALSE(palette.shownTitles().isEmpty());
    CHECK(palette.shownTitles().front() == QStringLiteral("Add Round to nearest"));
    QTest::keyClick(input, Qt::Key_Return);
    CHECK_FALSE(palette.isVisible());
    CHECK(studio.workspace->document().plan().methods.size() == 1);

    studio.window->openPalette();
    const auto name = QString::fromStdString(studio.workspace->checkpoint()->tensors.back().name);
    input->setText(name);
    CHECK(palette.shownTitles().contains(name));
    QTest::keyClick(input, Qt::Key_Return);
    CHECK(studio.workspace->selection().tensor == static_cast<std::int64_t>(studio.workspace->checkpoint()->tensors.size()) - 1);
}

TEST_CASE("The theme switches while the window is open", "[gui]") {
    TemporaryFolder home;
    Studio studio(homeOf(home));
    QSignalSpy changed(studio.workspace.get(), &ViewContext::themeChanged);
    studio.window->chooseTheme(QStringLiteral("dark"));
    CHECK(changed.count() == 1);
    CHECK(studio.workspace->theme().isDark());
    CHECK(QApplication::palette().color(QPalette::Base) == studio.workspace->theme().color(Role::Surface));
    CHECK(studio.settings.theme() == QStringLiteral("dark"));
    studio.window->chooseTheme(QStringLiteral("light"));
    CHECK(QApplication::palette().color(QPalette::Base) == studio.workspace->theme().color(Role::Surface));
}

TEST_CASE("Every command has a name, no two share a shortcut, every control has an accessible name", "[gui]") {
    TemporaryFolder home;
    Studio studio(homeOf(home));
    std::map<QString, QString> owners;
    for (auto* action : studio.window->menuBar()->findChildren<QAction*>()) {
        if (action->shortcut().isEmpty()) continue;
        const QString shortcut = action->shortcut().toString();
        INFO(shortcut.toStdString() << " of " << action->text().toStdString());
        CHECK(owners.emplace(shortcut, action->text()).second);
    }
    CHECK(owners.size() > 20);
    studio.openSampleModel();
    for (auto* widget : studio.window->findChildren<QWidget*>()) {
        const bool input = qobject_cast<QComboBox*>(widget) || qobject_cast<QAbstractSpinBox*>(widget) ||
                           (qobject_cast<QLineEdit*>(widget) && !qobject_cast<QAbstractSpinBox*>(widget->parentWidget()) &&
                            !qobject_cast<QComboBox*>(widget->parentWidget()));
        if (!input || !widget->window()->objectName().contains(QStringLiteral("mainWindow"))) continue;
        INFO(widget->metaObject()->className() << " " << widget->objectName().toStdString());
        CHECK_FALSE(widget->accessibleName().isEmpty());
    }
}

TEST_CASE("A form is made from a parameter table and writes only what differs", "[gui]") {
    const std::vector<engine::ParamSpec> table{
        {"bits", "Bits", engine::ParamType::Integer, std::int64_t{4}, 2, 8, {}, "Width of a code", "bit"},
        {"clip", "Clip", engine::ParamType::Real, 1.0, 0, 2, {}, "Part of the range", ""},
        {"sym", "Symmetric", engine::ParamType::Flag, true, 0, 0, {}, "Around zero", ""},
        {"scale", "Scale", engine::ParamType::Choice, std::string("f32"), 0, 0, {"f32", "f16"}, "Type", ""}};
    ParamForm form;
    form.setMethod(table, {"m", {{"bits", "3"}}});
    QSignalSpy edited(&form, &ParamForm::edited);
    CHECK(form.findChild<QSpinBox*>(QStringLiteral("param_bits"))->value() == 3);
    form.findChild<QCheckBox*>(QStringLiteral("param_sym"))->setChecked(false);
    form.findChild<QComboBox*>(QStringLiteral("param_scale"))->setCurrentIndex(1);
    form.findChild<QDoubleSpinBox*>(QStringLiteral("param_clip"))->setValue(0.5);
    form.findChild<QSpinBox*>(QStringLiteral("param_bits"))->setValue(4); // the default again
    CHECK(edited.count() == 4);
    const auto values = engine::resolveParameters(table, form.spec());
    REQUIRE(values);
    CHECK(form.spec().parameters.size() == 3);
    CHECK(std::get<bool>(values->at("sym")) == false);
    CHECK(std::get<std::string>(values->at("scale")) == "f16");
    CHECK(std::get<double>(values->at("clip")) == 0.5);
}

TEST_CASE("The report is written as a page and as numbers", "[gui]") {
    TemporaryFolder home;
    Studio studio(homeOf(home));
    studio.openSampleModel();
    auto plan = studio.workspace->document().plan();
    plan.selectors = {studio.workspace->checkpoint()->tensors[0].name};
    studio.workspace->document().editPlan(plan, QStringLiteral("one"));
    studio.addMethod("rtn", {});
    studio.runPlan();
    for (const char* name : {"report.html", "report.json"}) {
        const QString path = QString::fromStdString((home / name).string());
        QSignalSpy written(studio.window.get(), &MainWindow::reportWritten);
        studio.window->writeReport(path);
        REQUIRE((written.count() > 0 || written.wait(kPatienceMs)));
        QFile file(path);
        REQUIRE(file.open(QIODevice::ReadOnly));
        CHECK(file.readAll().contains("rtn"));
    }
}

TEST_CASE("Each tour is four clicks and leads somewhere", "[gui]") {
    TemporaryFolder home;
    Studio studio(homeOf(home));
    REQUIRE(studio.window->tours().size() == 3);
    for (int tour = 0; tour < 3; ++tour) {
        REQUIRE(studio.window->tours()[static_cast<std::size_t>(tour)].steps.size() == 4);
        studio.window->startTour(tour);
        auto& guide = studio.window->tourGuide();
        QSignalSpy opened(studio.workspace.get(), &Workspace::opened);
        guide.advance();
        REQUIRE((opened.count() > 0 || opened.wait(kPatienceMs)));
        if (tour == 0) studio.awaitStatistics();
        for (int click = 1; click < 4; ++click) {
            CHECK(guide.running());
            guide.advance();
        }
        CHECK_FALSE(guide.running());
    }
    CHECK(studio.workspace->document().plan().methods.size() == 2);
    CHECK(studio.workspace->selection().step == 2);
}

TEST_CASE("The layout of one run is that of the next", "[gui]") {
    TemporaryFolder home;
    {
        Studio studio(homeOf(home));
        studio.openSampleModel();
        studio.child<QDockWidget>("taskDock").hide();
        studio.window->close();
    }
    Studio studio(homeOf(home));
    studio.openSampleModel();
    CHECK_FALSE(studio.child<QDockWidget>("taskDock").isVisible());
    CHECK(studio.child<QDockWidget>("navigatorDock").isVisible());
    studio.window->resetLayout();
    CHECK(studio.child<QDockWidget>("taskDock").isVisible());
}

TEST_CASE("Without plugins the window works and says what is missing", "[gui]") {
    TemporaryFolder home;
    Settings settings(homeOf(home) + QStringLiteral("/settings.ini"));
    PluginHost host({});
    engine::Registries registries;
    Workspace workspace(registries, settings);
    MainWindow window(workspace, host, {homeOf(home) + QStringLiteral("/sessions"), false});
    window.show();
    window.setMode(MainWindow::Mode::Circuit);
    QSignalSpy failed(&workspace, &Workspace::openFailed);
    workspace.open(samplePath("bard/model.safetensors"));
    REQUIRE((failed.count() > 0 || failed.wait(kPatienceMs)));
    CHECK(window.notice().isVisible());
    window.openPalette();
    CHECK_FALSE(window.commandPalette().shownTitles().isEmpty());
}
