// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/views/main_window.h"
#include "app/views/source_plurals.h"
#include "app/views/style.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QStandardPaths>

int main(int argc, char** argv) {
    QApplication application(argc, argv);
    QApplication::setApplicationName(QStringLiteral("quantoscope"));
    QApplication::setApplicationDisplayName(QStringLiteral("Quantoscope"));
    QApplication::setApplicationVersion(QStringLiteral(QSCOPE_VERSION));
    QApplication::setDesktopFileName(QStringLiteral("quantoscope"));
    qscope::SourcePlurals plurals;
    QApplication::installTranslator(&plurals);

    QCommandLineParser parser;
    parser.setApplicationDescription(QApplication::tr("See what quantization does to a network, and what a circuit does to its state."));
    parser.addHelpOption();
    parser.addVersionOption();
    const QCommandLineOption theme(QStringLiteral("theme"), QApplication::tr("Appearance: light, dark or system."), QStringLiteral("name"));
    const QCommandLineOption device(QStringLiteral("device"), QApplication::tr("Compute device: auto, cpu, vulkan, vulkan:N or a name."), QStringLiteral("name"));
    parser.addOptions({theme, device});
    parser.addPositionalArgument(QStringLiteral("files"), QApplication::tr("Models, circuits or a session to open."), QStringLiteral("[files...]"));
    parser.process(application);

    qscope::Settings settings;
    if (parser.isSet(theme)) settings.setTheme(parser.value(theme));
    qscope::PluginHost host(qscope::PluginHost::searchPath(settings.userPlugins()), settings.disabledPlugins());
    qscope::engine::Registries registries;
    host.loadMethods(registries);
    qscope::Workspace workspace(registries, settings);
    qscope::MainWindow window(workspace, host,
                              {QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + QStringLiteral("/sessions"),
                               qscope::systemIsDark(application)});
    const QString choice = parser.isSet(device) ? parser.value(device) : settings.device();
    if (choice != QLatin1String("cpu")) workspace.useDevice(choice);
    window.show();
    workspace.openAll(parser.positionalArguments());
    return QApplication::exec();
}
