// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/studio.h"

#include "app/models/report_models.h"
#include "app/views/export_dialog.h"
#include "app/views/plan_panel.h"
#include "app/views/simulate_panel.h"
#include "app/views/tensor_navigator.h"
#include "app/views/view_area.h"

#include <QComboBox>
#include <QDockWidget>
#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QSpinBox>
#include <QTableView>
#include <QTest>
#include <QTreeWidget>

#include <limits>

using namespace qscope;
using namespace qscope::test;

TEST_CASE("From the sample to an exported file, as a user does it", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    auto& workspace = *studio.workspace;
    auto& window = *studio.window;
    REQUIRE(window.mode() == MainWindow::Mode::Welcome);

    QSignalSpy opened(&workspace, &Workspace::opened);
    QTest::mouseClick(&studio.child<QPushButton>("openSample"), Qt::LeftButton);
    REQUIRE(opened.wait(kPatienceMs));
    REQUIRE(window.mode() == MainWindow::Mode::Model);
    studio.awaitStatistics();

    // Sort the navigator by kurtosis: the first tensor is the one an independent search finds.
    auto& sort = studio.child<QComboBox>("tensorSort");
    sort.setCurrentIndex(sort.findData(TensorTreeModel::Kurtosis));
    emit sort.activated(sort.currentIndex());
    window.tensorNavigator().selectFirst();
    std::int64_t worst = -1;
    double kurtosis = -std::numeric_limits<double>::infinity();
    const auto& rows = workspace.statisticsCache().rows();
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].kurtosis > kurtosis) {
            kurtosis = rows[i].kurtosis;
            worst = static_cast<std::int64_t>(i);
        }
    CHECK(workspace.selection().tensor == worst);

    // Two methods, the second through the browser and its form.
    studio.addMethod("rtn", {{"bits", "4"}});
    window.planPanel().browse();
    auto& tree = studio.child<QTreeWidget>("methodTree");
    const auto found = tree.findItems(QStringLiteral("Q8_0"), Qt::MatchExactly | Qt::MatchRecursive);
    REQUIRE(found.size() == 1);
    emit tree.itemActivated(found.front(), 0);
    REQUIRE(workspace.document().plan().methods.size() == 2);
    CHECK(studio.child<QListWidget>("planSteps").count() == 2);

    auto& run = studio.child<QPushButton>("runPlan");
    const auto count = engine::selectTensors(workspace.document().plan(), *workspace.checkpoint()).size();
    CHECK(run.text() == QStringLiteral("Quantize %1 tensors").arg(count));
    QSignalSpy reports(&workspace, &ViewContext::reportChanged);
    QTest::mouseClick(&run, Qt::LeftButton);
    CHECK(run.text() == QStringLiteral("Stop quantizing"));
    REQUIRE(reports.wait(kPatienceMs));
    const auto report = workspace.report();
    REQUIRE(report);
    REQUIRE(report->methods.size() == 2);
    CHECK(report->methods[1].metrics.sqnrDb > report->methods[0].metrics.sqnrDb);
    CHECK(workspace.selection().method == 0);

    // A click on a row of the results selects that tensor everywhere.
    auto& results = studio.child<QTableView>("tensorResults");
    REQUIRE(results.model()->rowCount() == static_cast<int>(report->methods[0].tensors.size()));
    results.setCurrentIndex(results.model()->index(2, 0));
    const auto clicked = results.model()->index(2, 0).data(IndexRole).toLongLong();
    CHECK(workspace.selection().tensor == clicked);
    Selection selection = workspace.selection();
    selection.method = 1;
    workspace.select(selection);
    CHECK(results.model()->rowCount() == static_cast<int>(report->methods[1].tensors.size()));

    // Export the selected result as GGUF and open what was written.
    const QString target = QString::fromStdString((home / "q8.gguf").string());
    auto* dialog = window.openExport();
    REQUIRE(dialog);
    dialog->setFormat(QStringLiteral("gguf"));
    dialog->setPath(target);
    QSignalSpy exported(dialog, &ExportDialog::exported);
    QSignalSpy failed(dialog, &ExportDialog::failed);
    QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("exportNow")), Qt::LeftButton);
    REQUIRE((exported.count() > 0 || exported.wait(kPatienceMs)));
    CHECK(failed.isEmpty());
    CHECK(QFileInfo::exists(target));
    dialog->close();

    // The written file, compared with its model like a method, is the result that it was written from.
    studio.addMethod("file", {});
    CHECK(studio.child<QListWidget>("planSteps").count() == 3);
    studio.child<QListWidget>("planSteps").setCurrentRow(2);
    auto& path = studio.child<QLineEdit>("param_path");
    path.setText(target);
    emit path.editingFinished();
    REQUIRE(workspace.document().plan().methods.back().parameters.at("path") == target.toStdString());
    studio.runPlan();
    const auto stored = workspace.report();
    REQUIRE(stored->methods.size() == 3);
    CHECK(stored->methods[2].metrics.relativeMse == stored->methods[1].metrics.relativeMse);
    CHECK(stored->methods[2].bitsPerWeight == stored->methods[1].bitsPerWeight);
    if (const QString folder = qEnvironmentVariable("QSCOPE_SCREENSHOT_DIR"); !folder.isEmpty())
        window.grab().save(folder + QStringLiteral("/stored-file.png"));
    const auto tensors = workspace.checkpoint()->tensors.size();
    studio.open(target);
    CHECK(workspace.checkpoint()->format == "gguf");
    CHECK(workspace.checkpoint()->tensors.size() >= tensors);
    CHECK(!workspace.report());
}

TEST_CASE("A circuit is stepped through and the state follows", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    auto& workspace = *studio.workspace;
    studio.open(samplePath("circuits/bell.qasm"));
    REQUIRE(studio.window->mode() == MainWindow::Mode::Circuit);
    const auto circuit = workspace.circuit()->circuit;
    REQUIRE(circuit);

    studio.window->simulatePanel().step(-1000);
    CHECK(workspace.selection().step == 0);
    studio.awaitState();
    REQUIRE(workspace.simulation());
    REQUIRE(workspace.simulation()->probabilities.size() == 1);
    CHECK(workspace.simulation()->probabilities[0].index == 0);

    studio.window->simulatePanel().step(1); // a Hadamard gate
    studio.awaitState();
    CHECK(workspace.simulation()->probabilities.size() == 2);
    studio.window->simulatePanel().step(1); // a controlled X: 00 and 11
    studio.awaitState();
    REQUIRE(workspace.simulation()->probabilities.size() == 2);
    for (const auto& entry : workspace.simulation()->probabilities) {
        CHECK((entry.index == 0 || entry.index == 3));
        CHECK(entry.probability == Approx(0.5).epsilon(1e-12));
    }
    auto& facts = studio.child<QTableView>("simulationFacts");
    CHECK(facts.model()->rowCount() >= 7);
    CHECK(studio.child<QLabel>("stepPosition").text().startsWith(QStringLiteral("After 2 of")));
}

TEST_CASE("Every edit of the plan is undone and redone", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    studio.openSampleModel();
    auto& document = studio.workspace->document();
    auto& stack = document.undoStack();
    const auto empty = document.plan();
    auto& panel = studio.window->planPanel();

    panel.addMethod(QStringLiteral("rtn"));
    auto& bits = studio.child<QSpinBox>("param_bits");
    bits.setValue(5);
    bits.setValue(6);
    CHECK(document.plan().methods[0].parameters.at("bits") == "6");
    CHECK(stack.count() == 2); // both turns of one knob are one step
    panel.duplicateCurrent();
    REQUIRE(document.plan().methods.size() == 2);
    auto& scope = studio.child<QComboBox>("tensorScope");
    emit scope.activated(1);
    REQUIRE(document.plan().selectors.size() == 1);
    CHECK(studio.child<QPushButton>("runPlan").text() == QStringLiteral("Quantize 1 tensor"));
    document.annotate(QStringLiteral("lm_head.weight"), QStringLiteral("keep"));
    const auto full = document.plan();
    CHECK(stack.count() == 5);

    while (stack.canUndo()) stack.undo();
    CHECK(document.plan() == empty);
    CHECK(document.annotations().empty());
    while (stack.canRedo()) stack.redo();
    CHECK(document.plan() == full);
    CHECK(document.annotations().at(QStringLiteral("lm_head.weight")) == QStringLiteral("keep"));

    panel.removeCurrent();
    CHECK(document.plan().methods.size() == 1);
    stack.undo();
    CHECK(document.plan() == full);
}

TEST_CASE("Several files open one after the other and a bad one is explained", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    QSignalSpy opened(studio.workspace.get(), &Workspace::opened);
    QSignalSpy failed(studio.workspace.get(), &Workspace::openFailed);
    studio.workspace->openAll({samplePath("bard/model.safetensors"), QStringLiteral("/nowhere/at.all"), samplePath("circuits/bell.qasm")});
    await(*studio.workspace, &Workspace::opened, [&] { return opened.count() == 2; });
    CHECK(failed.count() == 1);
    CHECK(studio.workspace->checkpoint());
    CHECK(studio.workspace->circuit());
    CHECK(studio.settings.recentFiles().size() == 2);
}

TEST_CASE("Views come from plugins and are made when they are first seen", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    auto& area = studio.window->circuitArea();
    REQUIRE(!area.views().empty());
    for (const auto& view : area.views()) CHECK(!area.dock(view.info.id)->widget());
    studio.open(samplePath("circuits/ghz_5.qasm"));
    for (const auto& view : area.views()) {
        area.raiseView(view.info.id);
        INFO(view.info.id.toStdString());
        CHECK(area.dock(view.info.id)->widget());
    }
}

TEST_CASE("An export is cut into files of the size that the dialogue is told", "[gui]") {
    TemporaryFolder home;
    Studio studio(QString::fromStdString((home / ".").string()));
    auto& window = *studio.window;
    studio.openSampleModel();
    const auto source = studio.workspace->checkpoint();
    auto* dialog = window.openExport();
    REQUIRE(dialog);
    auto* size = dialog->findChild<QLineEdit*>(QStringLiteral("exportShardSize"));
    auto* now = dialog->findChild<QPushButton*>(QStringLiteral("exportNow"));
    REQUIRE(size);
    REQUIRE(now);
    dialog->setFormat(QStringLiteral("gguf"));
    CHECK_FALSE(size->isVisible()); // written in one file
    dialog->setFormat(QStringLiteral("safetensors"));
    CHECK(size->isVisible());
    CHECK(now->isEnabled());
    size->setText(QStringLiteral("much"));
    CHECK_FALSE(now->isEnabled());
    size->setText(QStringLiteral("4MB"));
    CHECK(now->isEnabled());

    const QString target = QString::fromStdString((home / "cut.safetensors").string());
    dialog->setPath(target);
    QSignalSpy exported(dialog, &ExportDialog::exported);
    QTest::mouseClick(now, Qt::LeftButton);
    REQUIRE((exported.count() > 0 || exported.wait(kPatienceMs)));
    CHECK_FALSE(QFileInfo::exists(target));
    const auto shards = QDir(QString::fromStdString((home / ".").string())).entryInfoList({QStringLiteral("cut-*.safetensors")});
    CHECK(shards.size() > 1);
    for (const auto& shard : shards) CHECK(shard.size() < 5'000'000); // no tensor of the sample is larger
    QSignalSpy opened(studio.workspace.get(), &Workspace::opened);
    QSignalSpy asked(dialog, &ExportDialog::openRequested);
    QTest::mouseClick(dialog->findChild<QPushButton*>(QStringLiteral("exportOpen")), Qt::LeftButton);
    REQUIRE(asked.count() == 1);
    REQUIRE((opened.count() > 0 || opened.wait(kPatienceMs)));
    CHECK(studio.workspace->checkpoint()->files.size() == static_cast<std::size_t>(shards.size()));
    CHECK(engine::parameterCount(*studio.workspace->checkpoint()) == engine::parameterCount(*source));
}
