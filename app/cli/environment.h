// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/progress_bar.h"
#include "engine/registry.h"
#include "plugins/host/plugin_host.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>

namespace qscope::cli {

/// Options that every command takes.
struct GlobalOptions {
    std::string device = "auto";
    int threads = 0;
    std::uint64_t seed = 0;
    bool json = false;
    bool quiet = false;
};

/// What a command works with: options, registries, device, and where its words go.
class Environment {
public:
    Environment(GlobalOptions options, std::stop_token stop);
    ~Environment();

    [[nodiscard]] const GlobalOptions& options() const { return m_options; }
    [[nodiscard]] const engine::Registries& registries();
    [[nodiscard]] PluginHost& plugins();
    /// The chosen device, started at the first call.
    [[nodiscard]] Result<RunContext> context();
    /// Notes of this run, printed to stderr at the end.
    [[nodiscard]] Diagnostics& notes() { return m_notes; }

    /// Opens a checkpoint; whatever goes wrong here is the file's fault (exit code 3).
    [[nodiscard]] Result<std::shared_ptr<const engine::Checkpoint>> openCheckpoint(const std::string& path);
    /// Reads a whole text file; likewise.
    [[nodiscard]] Result<std::string> readText(const std::string& path);

    /// Prints a command's result: the document with `--json`, else the text. Nothing else goes to stdout.
    void print(const Json& document, const std::string& text) const;
    /// Starts a progress bar on stderr (on a terminal only); it ends with the command.
    void showProgress(const std::string& title);

    /// The file that errors are about.
    std::string subject;

private:
    GlobalOptions m_options;
    std::stop_token m_stop;
    Progress m_progress;
    Diagnostics m_notes;
    std::unique_ptr<engine::ComputeBackend> m_backend;
    std::unique_ptr<PluginHost> m_plugins;
    std::unique_ptr<engine::Registries> m_registries;
    std::unique_ptr<ProgressBar> m_bar;
};

/// A command that was chosen on the command line, to be run once parsing is over.
using Command = std::function<Result<void>(Environment&)>;

/// Code 3 for whatever is wrong with the user's input file: the one place where exit codes are decided is `exitCode`.
[[nodiscard]] tl::unexpected<Error> badInput(Error error);
[[nodiscard]] int exitCode(const Error& error);
/// "error: <file>: <what> (<where>)", one line.
[[nodiscard]] std::string errorLine(const std::string& subject, const Error& error);

} // namespace qscope::cli
