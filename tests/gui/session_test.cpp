// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/studio.h"

#include "app/views/dialogs.h"
#include "app/workspace/session.h"

#include <QDir>
#include <QFile>

using namespace qscope;
using namespace qscope::test;

namespace {
QString at(const TemporaryFolder& folder, const char* name) { return QString::fromStdString((folder / name).string()); }
} // namespace

TEST_CASE("A session brings back files, plan, notes and selection", "[gui]") {
    TemporaryFolder home;
    const QString path = at(home, "work.qscope");
    engine::Plan plan;
    std::string tensor;
    {
        Studio studio(at(home, "first"));
        studio.openSampleModel();
        studio.open(samplePath("circuits/ghz_5.qasm"));
        studio.addMethod("rtn", {{"bits", "3"}});
        studio.workspace->document().annotate(QStringLiteral("lm_head.weight"), QStringLiteral("tied?"));
        Selection selection = studio.workspace->selection();
        selection.tensor = 5;
        selection.row = 7;
        selection.step = 2;
        studio.workspace->select(selection);
        plan = studio.workspace->document().plan();
        tensor = studio.workspace->checkpoint()->tensors[5].name;
        QSignalSpy saved(studio.workspace.get(), &Workspace::sessionSaved);
        studio.workspace->saveSessionTo(path, studio.window->session());
        REQUIRE(saved.wait(kPatienceMs));
    }
    Studio studio(at(home, "second"));
    studio.open(path);
    const auto& workspace = *studio.workspace;
    REQUIRE(workspace.checkpoint());
    REQUIRE(workspace.circuit());
    CHECK(studio.workspace->document().plan() == plan);
    CHECK(studio.workspace->document().annotations().at(QStringLiteral("lm_head.weight")) == QStringLiteral("tied?"));
    CHECK(workspace.checkpoint()->tensors[static_cast<std::size_t>(workspace.selection().tensor)].name == tensor);
    CHECK(workspace.selection().row == 7);
    CHECK(workspace.selection().step == 2);
}

TEST_CASE("A run that did not end well is offered again and loses nothing", "[gui]") {
    TemporaryFolder home;
    const QString sessions = at(home, "sessions");
    const auto snapshot = [] {
        SessionData session;
        session.checkpoint = samplePath("bard/model.safetensors");
        session.plan.methods.push_back({"rtn", {{"bits", "2"}}});
        return session;
    };
    QDir().mkpath(sessions);
    // What a crash leaves: the file of a run whose lock nobody holds.
    const QString left = sessions + QStringLiteral("/autosave-dead.qscope");
    REQUIRE(saveSession(snapshot(), left));

    Studio studio(at(home, "."));
    REQUIRE(studio.window->notice().isVisible());
    QSignalSpy opened(studio.workspace.get(), &Workspace::opened);
    studio.window->notice().accept();
    REQUIRE(opened.wait(kPatienceMs));
    CHECK(studio.workspace->document().plan().methods == snapshot().plan.methods);
    CHECK(QFile::exists(left)); // until this run's own file holds it
    QSignalSpy saved(&studio.window->autosave(), &Autosave::saved);
    REQUIRE((saved.count() > 0 || saved.wait(kPatienceMs)));
    CHECK(!QFile::exists(left));
    saved.clear();

    // The running program's own file is kept and never offered while it lives.
    studio.workspace->document().annotate(QStringLiteral("x"), QStringLiteral("y"));
    REQUIRE(saved.wait(kPatienceMs));
    CHECK(studio.window->autosave().leftBehind().isEmpty());
    studio.window->close();
    CHECK(QFile::exists(studio.window->autosave().lastSession()));
    CHECK(QDir(sessions).entryList({QStringLiteral("autosave-*.qscope")}).isEmpty());
}

TEST_CASE("A session file that is wrong is refused with the field's name", "[gui]") {
    SessionData session;
    session.checkpoint = QStringLiteral("/data/model.gguf");
    session.annotations[QStringLiteral("w")] = QStringLiteral("note");
    session.layout[QStringLiteral("window")] = QByteArray("\x01\x00\xff", 3);
    const Json json = toJson(session, QStringLiteral("/data"));
    CHECK(json["checkpoint"] == "model.gguf");
    const auto same = sessionFromJson(json, QStringLiteral("/data"));
    REQUIRE(same);
    CHECK(same->checkpoint == session.checkpoint);
    CHECK(same->annotations == session.annotations);
    CHECK(same->layout == session.layout);
    for (const auto& [key, value] : json.items()) {
        Json broken = json;
        broken[key] = nullptr;
        const auto refused = sessionFromJson(broken, QStringLiteral("/data"));
        REQUIRE_FALSE(refused);
        INFO(key);
        CHECK(refused.error().message.find(key) != std::string::npos);
    }
    Json newer = json;
    newer["version"] = 2;
    CHECK(sessionFromJson(newer, QStringLiteral("/data")).error().code == ErrorCode::Unsupported);
}
