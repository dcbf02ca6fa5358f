// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/check_start.h"
#include "app/views/source_plurals.h"
#include "app/views/style.h"
#include "plugins/host/bundled_fonts.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QStandardPaths>

int main(int argc, char** argv) {
    QApplication::setApplicationName(QStringLiteral("quantoscope"));
    QApplication::setApplicationDisplayName(QStringLiteral("Quantoscope"));
    QApplication::setApplicationVersion(QStringLiteral(QSCOPE_VERSION));
    QApplication::setDesktopFileName(QStringLiteral("quantoscope"));

    QCommandLineParser parser;
    parser.setApplicationDescription(QApplication::tr("See what quantization does to a network, and what a circuit does to its state."));
    const QCommandLineOption help = parser.addHelpOption();
    const QCommandLineOption version = parser.addVersionOption();
    const QCommandLineOption theme(QStringLiteral("theme"), QApplication::tr("Appearance: light, dark or system."), QStringLiteral("name"));
    const QCommandLineOption device(QStringLiteral("device"), QApplication::tr("Compute device: auto, cpu, vulkan, vulkan:N or a name."), QStringLiteral("name"));
    QCommandLineOption checkStart(QStringLiteral("check-start"), QApplication::tr("Leave once everything is open and painted."));
    checkStart.setFlags(QCommandLineOption::HiddenFromHelp);
    parser.addOptions({theme, device, checkStart});
    parser.addPositionalArgument(QStringLiteral("files"), QApplication::tr("Models, circuits or a session to open."), QStringLiteral("[files...]"));
    {
        const QCoreApplication console(argc, argv); // what is only printed needs no display
        parser.parse(QCoreApplication::arguments());
        if (parser.isSet(help) || parser.isSet(QStringLiteral("help-all")) || parser.isSet(version)) parser.process(console);
    }

    qscope::useBundledFonts();
    QApplication application(argc, argv);
    qscope::SourcePlurals plurals;
    QApplication::installTranslator(&plurals);
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
    const QStringList files = parser.positionalArguments();
    workspace.openAll(files);
    if (parser.isSet(checkStart)) qscope::leaveOnceStarted(window, workspace, host, files.size());
    return QApplication::exec();
}
