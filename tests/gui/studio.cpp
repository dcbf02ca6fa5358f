// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/studio.h"

#include "app/views/plan_panel.h"
#include "app/views/tensor_navigator.h"

#include <QApplication>

namespace qscope::test {

Studio::Studio(const QString& home)
    : settings(home + QStringLiteral("/settings.ini")), host({QStringLiteral(QSCOPE_PLUGIN_DIR)}, settings.disabledPlugins()) {
    QApplication::installTranslator(&plurals);
    settings.setDevice(QStringLiteral("cpu"));
    if (settings.theme() == QLatin1String("system")) settings.setTheme(QStringLiteral("light"));
    host.loadMethods(registries);
    workspace = std::make_unique<Workspace>(registries, settings);
    window = std::make_unique<MainWindow>(*workspace, host, WindowOptions{home + QStringLiteral("/sessions"), false});
    window->show();
}

Studio::~Studio() {
    window.reset();
    workspace.reset();
}

void Studio::open(const QString& path) {
    QSignalSpy opened(workspace.get(), &Workspace::opened);
    QSignalSpy failed(workspace.get(), &Workspace::openFailed);
    workspace->open(path);
    REQUIRE((opened.count() > 0 || opened.wait(kPatienceMs)));
    REQUIRE(failed.isEmpty());
}

void Studio::openSampleModel() { open(samplePath("bard/model.safetensors")); }

void Studio::runPlan() {
    QSignalSpy reports(workspace.get(), &ViewContext::reportChanged);
    workspace->runPlan();
    REQUIRE((reports.count() > 0 || reports.wait(kPatienceMs)));
}

void Studio::awaitStatistics() {
    auto& model = window->tensorNavigator().model();
    await(model, &QAbstractItemModel::modelReset, [&] { return model.rowCount() > 0; });
    await(workspace->statisticsCache(), &StatisticsCache::changed, [&] {
        const auto& rows = workspace->statisticsCache().rows();
        return std::all_of(rows.begin(), rows.end(), [](const auto& row) { return row.known; });
    });
}

void Studio::awaitState() {
    await(*workspace, &ViewContext::simulationChanged,
          [&] { return workspace->simulation() || !workspace->simulationProblem().isEmpty(); });
}

void Studio::addMethod(const char* id, std::map<std::string, std::string> parameters) {
    auto plan = workspace->document().plan();
    plan.methods.push_back({id, std::move(parameters)});
    workspace->document().editPlan(std::move(plan), QStringLiteral("Add method"));
}

QString samplePath(const char* relative) {
    return QStringLiteral(QSCOPE_SOURCE_DIR "/resources/samples/%1").arg(QLatin1String(relative));
}

} // namespace qscope::test
