// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/man_page.h"
#include "engine/core/parallel.h"
#include "plugins/host/bundled_fonts.h"

#include <QGuiApplication>

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

namespace {

using namespace qscope;
using namespace qscope::cli;

volatile std::sig_atomic_t interrupted = 0;

/// Turns Ctrl-C and SIGTERM into a stop request. A handler may not touch a stop_source, so a thread polls the flag.
class InterruptWatcher {
public:
    InterruptWatcher() {
        struct sigaction action {};
        action.sa_handler = [](int) { interrupted = 1; };
        ::sigaction(SIGINT, &action, nullptr);
        ::sigaction(SIGTERM, &action, nullptr);
        m_thread = std::jthread([this](const std::stop_token& ended) {
            while (!ended.stop_requested() && interrupted == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
            if (interrupted != 0) m_stop.request_stop();
        });
    }
    [[nodiscard]] std::stop_token token() const { return m_stop.get_token(); }

private:
    std::stop_source m_stop;
    std::jthread m_thread;
};

/// Drawing needs fonts, hence a QGuiApplication, which runs without a display; everything else starts faster without.
std::unique_ptr<QCoreApplication> makeApplication(const CLI::App& program, int& argc, char** argv) {
    const auto* circuit = program.get_subcommand("circuit");
    // What Qt has to say about the desktop is nothing to a script; errors of ours take their own way.
    qInstallMessageHandler([](QtMsgType type, const QMessageLogContext&, const QString& message) {
        if (type == QtCriticalMsg || type == QtFatalMsg) fmt::print(stderr, "{}\n", message.toStdString());
    });
    if (circuit->count("--draw") == 0) return std::make_unique<QCoreApplication>(argc, argv);
    qputenv("QT_QPA_PLATFORM", "offscreen");
    // Qt remarks on a missing desktop session; stderr is for notes about the user's files.
    qInstallMessageHandler([](QtMsgType type, const QMessageLogContext&, const QString& text) {
        if (type == QtCriticalMsg || type == QtFatalMsg) fmt::print(stderr, "error: {}\n", text.toStdString());
    });
    useBundledFonts();
    return std::make_unique<QGuiApplication>(argc, argv);
}

int usageError(const std::string& what) {
    fmt::print(stderr, "error: {}\n", what);
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    GlobalOptions options;
    Command chosen;
    CLI::App program{"Quantoscope: look into checkpoints and circuits, quantize, compare, export, simulate.", "qscope"};
    program.set_version_flag("--version", "qscope " QSCOPE_VERSION);
    program.add_flag_callback("--man", [&program] {
        fmt::print("{}", manPage(program, QSCOPE_VERSION));
        throw CLI::Success();
    }, "Print the manual page")->group(""); // for the build, not for users
    program.require_subcommand(1);
    program.fallthrough();
    program.add_option("--device", options.device, "auto, cpu, vulkan, vulkan:N or part of a device's name")
        ->capture_default_str();
    program.add_option("--threads", options.threads, "Threads to use; 0: all cores")
        ->check(CLI::Range(0, 4096))->capture_default_str();
    program.add_option("--seed", options.seed, "Seed of every random choice")->capture_default_str();
    program.add_flag("--json", options.json, "Print one JSON document on stdout and nothing else");
    program.add_flag("--quiet", options.quiet, "No progress and no notes on stderr");
    for (const auto add : {addInfo, addStats, addMethods, addQuantize, addCompare, addEval, addPropagate, addRun, addDiff,
                           addConvert, addCircuit, addSimulate, addGradient, addHamiltonian, addGenerate, addTokenize, addDevices, addPlugins})
        add(program, chosen);
    for (auto* command : program.get_subcommands({})) command->fallthrough();

    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& problem) {
        if (problem.get_exit_code() == 0) return program.exit(problem);
        return usageError(std::string(problem.what()) + " (see qscope --help)");
    }

    const std::unique_ptr<QCoreApplication> application = makeApplication(program, argc, argv);
    const InterruptWatcher watcher;
    const ThreadLimit limit(options.threads);
    Environment environment(options, watcher.token());
    const auto outcome = chosen(environment);
    if (outcome) return 0;
    fmt::print(stderr, "{}\n", errorLine(environment.subject, outcome.error()));
    return exitCode(outcome.error());
}
