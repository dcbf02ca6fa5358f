// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/studio.h"

#include "app/views/library_dialog.h"
#include "app/views/view_area.h"

#include <QAction>
#include <QApplication>
#include <QDir>
#include <QFile>
#include <QLabel>
#include <QMessageBox>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QTest>

using namespace qscope;
using namespace qscope::test;

namespace {

QByteArray contents(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

QPlainTextEdit& sourceOf(Studio& studio) {
    for (auto* editor : studio.window->findChildren<QPlainTextEdit*>())
        if (editor->accessibleName() == QLatin1String("Circuit source")) return *editor;
    FAIL("no editor");
    throw 0;
}

QMessageBox& questionOf(Studio& studio) { return studio.child<QMessageBox>("unsavedCircuit"); }

/// The command that these keys mean.
QAction& commandOf(Studio& studio, QKeySequence::StandardKey keys) {
    for (auto* action : studio.window->findChildren<QAction*>())
        if (action->shortcut() == QKeySequence(keys)) return *action;
    FAIL("no command");
    throw 0;
}

/// A copy of the sample in the test's own folder, open.
QString openCopy(Studio& studio, const TemporaryFolder& folder) {
    const QString path = QString::fromStdString((folder / "bell.qasm").string());
    REQUIRE(QFile::copy(samplePath("circuits/bell.qasm"), path));
    studio.open(path);
    return path;
}

void type(Studio& studio, const QString& text) {
    auto& editor = sourceOf(studio);
    editor.moveCursor(QTextCursor::End);
    QTest::keyClicks(&editor, text);
}

} // namespace

TEST_CASE("An edited circuit is simulated, marked in the title, and saved", "[gui]") {
    TemporaryFolder folder;
    Studio studio(QString::fromStdString((folder / "home").string()));
    const QString path = openCopy(studio, folder);
    auto& text = studio.workspace->circuitText();
    CHECK(studio.window->windowTitle().startsWith("bell.qasm"));
    CHECK(!studio.window->isWindowModified());
    type(studio, QStringLiteral("x q[0];"));
    CHECK(studio.window->isWindowModified());
    await(text, &CircuitText::checked, [&] { return text.inStep(); });
    CHECK(studio.workspace->circuit()->circuit->operations.size() == 5);
    CHECK(studio.workspace->selection().step == 5);
    const auto before = contents(path);
    QSignalSpy saved(studio.workspace.get(), &Workspace::circuitSaved);
    commandOf(studio, QKeySequence::Save).trigger();
    REQUIRE((saved.count() > 0 || saved.wait(kPatienceMs)));
    CHECK(contents(path) == before + "x q[0];");
    CHECK(!studio.window->isWindowModified());
}

TEST_CASE("Unsaved changes are asked about before another circuit or the end", "[gui]") {
    TemporaryFolder folder;
    Studio studio(QString::fromStdString((folder / "home").string()));
    const QString path = openCopy(studio, folder);
    type(studio, QStringLiteral("x q[0];"));
    studio.workspace->open(samplePath("circuits/ghz_5.qasm"));
    questionOf(studio).button(QMessageBox::Cancel)->click();
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    CHECK(studio.workspace->circuitText().modified());
    CHECK(studio.workspace->circuitText().path() == path);

    studio.workspace->open(samplePath("circuits/ghz_5.qasm"));
    QSignalSpy opened(studio.workspace.get(), &Workspace::opened);
    const auto before = contents(path);
    questionOf(studio).button(QMessageBox::Save)->click();
    REQUIRE((opened.count() > 0 || opened.wait(kPatienceMs)));
    CHECK(contents(path) == before + "x q[0];");
    CHECK(studio.workspace->circuitText().path().endsWith("ghz_5.qasm"));
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);

    type(studio, QStringLiteral("x q[0];"));
    CHECK(!studio.window->close());
    questionOf(studio).button(QMessageBox::Discard)->click();
    CHECK(!studio.window->isVisible());
}

TEST_CASE("Unsaved text comes back with the session", "[gui]") {
    TemporaryFolder folder;
    const QString session = QString::fromStdString((folder / "s.qscope").string());
    {
        Studio studio(QString::fromStdString((folder / "home").string()));
        openCopy(studio, folder);
        type(studio, QStringLiteral("x q[0];"));
        QSignalSpy saved(studio.workspace.get(), &Workspace::sessionSaved);
        studio.workspace->saveSessionTo(session, studio.window->session());
        REQUIRE((saved.count() > 0 || saved.wait(kPatienceMs)));
    }
    Studio studio(QString::fromStdString((folder / "other").string()));
    studio.open(session);
    CHECK(studio.workspace->circuitText().text().endsWith("x q[0];"));
    CHECK(studio.workspace->circuitText().modified());
    CHECK(studio.workspace->circuitText().path().endsWith("bell.qasm"));
}

TEST_CASE("Undo and redo of the window work on the circuit in its mode", "[gui]") {
    TemporaryFolder folder;
    Studio studio(QString::fromStdString((folder / "home").string()));
    openCopy(studio, folder);
    const QString before = studio.workspace->circuitText().text();
    type(studio, QStringLiteral("x"));
    auto& undo = commandOf(studio, QKeySequence::Undo);
    CHECK(undo.isEnabled());
    undo.trigger();
    CHECK(studio.workspace->circuitText().text() == before);
    CHECK(sourceOf(studio).toPlainText() == before);
    studio.window->setMode(MainWindow::Mode::Model);
    CHECK(!undo.isEnabled());
}

TEST_CASE("A circuit of the library is chosen, set, previewed and opened", "[gui]") {
    TemporaryFolder folder;
    Studio studio(QString::fromStdString((folder / "home").string()));
    auto* dialog = studio.window->openLibrary();
    dialog->choose(QStringLiteral("bernstein-vazirani"));
    auto& facts = *dialog->findChild<QLabel*>(QStringLiteral("libraryFacts"));
    auto& open = *dialog->findChild<QPushButton*>(QStringLiteral("libraryOpen"));
    await(*dialog, &LibraryDialog::previewed, [&] { return facts.text().startsWith("6 qubits"); });
    dialog->findChild<QSpinBox*>(QStringLiteral("param_qubits"))->setValue(3);
    await(*dialog, &LibraryDialog::previewed, [&] { return facts.text().startsWith("4 qubits"); });
    dialog->findChild<QSpinBox*>(QStringLiteral("param_secret"))->setValue(9);
    await(*dialog, &LibraryDialog::previewed, [&] { return facts.text().contains("needs more than 3 qubits"); });
    CHECK(!open.isEnabled());
    dialog->findChild<QSpinBox*>(QStringLiteral("param_secret"))->setValue(6);
    await(*dialog, &LibraryDialog::previewed, [&] { return open.isEnabled(); });
    open.click();
    REQUIRE(studio.workspace->circuit());
    CHECK(studio.workspace->circuit()->circuit->qubits == 4);
    CHECK(studio.window->mode() == MainWindow::Mode::Circuit);
    CHECK(studio.window->windowTitle().startsWith("untitled circuit"));
    studio.awaitState();
    REQUIRE(studio.workspace->simulation());
    CHECK(studio.workspace->simulation()->counts.front().bits == "110");
}

TEST_CASE("Inputs of a circuit are 0 until a slider moves them", "[gui]") {
    TemporaryFolder folder;
    Studio studio(QString::fromStdString((folder / "home").string()));
    studio.workspace->newCircuit(
        QStringLiteral("OPENQASM 3.0;\ninclude \"stdgates.inc\";\ninput float a;\nqubit[1] q;\nrx(a) q[0];\n"));
    studio.awaitState();
    REQUIRE(studio.workspace->simulation());
    CHECK(studio.workspace->simulation()->probabilities.front().index == 0);
    studio.workspace->circuitText().setInput(QStringLiteral("a"), 3.14159265358979);
    studio.awaitState();
    REQUIRE(studio.workspace->simulation());
    CHECK(studio.workspace->simulation()->probabilities.front().index == 1);
}

TEST_CASE("The circuit editor and the library are pictured in both themes", "[gui][pictures]") {
    const QString folder = qEnvironmentVariable("QSCOPE_SCREENSHOT_DIR", QStringLiteral(QSCOPE_SCREENSHOTS));
    REQUIRE(QDir().mkpath(folder));
    for (const auto size : {QSize(1280, 800), QSize(1920, 1080)})
        for (const char* theme : {"light", "dark"}) {
            TemporaryFolder home;
            Studio studio(QString::fromStdString((home / ".").string()));
            studio.window->chooseTheme(QLatin1String(theme));
            studio.window->resize(size);
            const auto shoot = [&](QWidget& widget, const char* page) {
                QCoreApplication::sendPostedEvents();
                QTest::qWait(200); // views follow in jobs of their own
                const QString name = QStringLiteral("%1/%2-%3x%4-%5.png")
                                         .arg(folder, QLatin1String(page))
                                         .arg(size.width())
                                         .arg(size.height())
                                         .arg(QLatin1String(theme));
                REQUIRE(widget.grab().save(name));
            };
            auto* dialog = studio.window->openLibrary();
            dialog->choose(QStringLiteral("qaoa"));
            await(*dialog, &LibraryDialog::previewed,
                  [&] { return dialog->findChild<QPushButton*>(QStringLiteral("libraryOpen"))->isEnabled(); });
            shoot(*dialog, "library");
            dialog->close();
            studio.workspace->newCircuit(
                QString::fromStdString(*engine::libraryProgram({"vqe-ising", {{"spins", "4"}, {"inputs", "true"}}})));
            studio.window->circuitArea().raiseView(QStringLiteral("circuit"));
            auto& text = studio.workspace->circuitText();
            studio.workspace->circuitText().setInput(QStringLiteral("bond_0"), 0.8);
            const auto end = static_cast<int>(text.text().size());
            text.replace(end, 0, QStringLiteral("rz(pi/3) q[2];\ncx q[0], q[3];\n"), QStringLiteral("Typing"));
            text.parseSoon();
            await(text, &CircuitText::checked, [&] { return text.inStep(); });
            Selection selection = studio.workspace->selection();
            selection.step = static_cast<std::int64_t>(studio.workspace->circuit()->circuit->operations.size()) - 1;
            studio.workspace->select(selection);
            studio.awaitState();
            shoot(*studio.window, "circuit-sliders");
            type(studio, QStringLiteral("hh q[1];"));
            await(text, &CircuitText::checked, [&] { return text.hasErrors(); });
            shoot(*studio.window, "circuit-error");
            text.markSaved();
        }
}
