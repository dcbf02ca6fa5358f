// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/environment.h"

#include "engine/core/mapped_file.h"
#include "plugins/host/devices.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace qscope::cli {

namespace {

const char* severityName(Severity severity) {
    switch (severity) {
    case Severity::Note: return "note";
    case Severity::Warning: return "warning";
    case Severity::Error: return "error";
    }
    return "";
}

std::string oneLine(std::string text) {
    std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return text;
}

} // namespace

Environment::Environment(GlobalOptions options, std::stop_token stop)
    : m_options(std::move(options)), m_stop(std::move(stop)) {}

Environment::~Environment() {
    m_bar.reset();
    if (m_options.quiet) return;
    for (const auto& entry : m_notes.entries()) {
        const std::string place = entry.span.line > 0 ? fmt::format("line {}: ", entry.span.line) : "";
        const std::string about = entry.subject.empty() ? "" : entry.subject + ": ";
        fmt::print(stderr, "{}: {}{}{}\n", severityName(entry.severity), about, place, oneLine(entry.message));
    }
}

PluginHost& Environment::plugins() {
    if (!m_plugins) m_plugins = std::make_unique<PluginHost>(PluginHost::searchPath(false));
    return *m_plugins;
}

const engine::Registries& Environment::registries() {
    if (!m_registries) {
        m_registries = std::make_unique<engine::Registries>();
        plugins().loadMethods(*m_registries);
        for (const auto& record : plugins().records())
            if (record.state == PluginState::Failed)
                m_notes.warn("plugin not loaded: " + record.error.toStdString(), record.id.toStdString());
    }
    return *m_registries;
}

Result<RunContext> Environment::context() {
    if (!m_backend) {
        auto backend = makeBackend(m_options.device);
        if (!backend) return during(std::move(backend).error(), "choosing device '" + m_options.device + "'");
        m_backend = *std::move(backend);
    }
    return RunContext{m_stop, m_progress, m_notes, *m_backend};
}

Result<std::shared_ptr<const engine::Checkpoint>> Environment::openCheckpoint(const std::string& path) {
    subject = path;
    auto checkpoint = engine::openCheckpoint(path, registries(), m_notes);
    if (!checkpoint) return badInput(std::move(checkpoint).error());
    return *std::move(checkpoint);
}

Result<std::string> Environment::readText(const std::string& path) {
    subject = path;
    auto file = MappedFile::open(path);
    if (!file) return badInput(std::move(file).error());
    const auto bytes = (*file)->bytes();
    if (bytes.size() > ReadLimits{}.textBytes)
        return badInput({ErrorCode::Malformed, fmt::format("{} bytes of text are too many", bytes.size()), {}});
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void Environment::print(const Json& document, const std::string& text) const {
    // Names in files need not be valid UTF-8; the JSON must be.
    if (m_options.json) fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
    else fmt::print("{}", text);
}

void Environment::showProgress(const std::string& title) {
    if (!m_options.quiet && ::isatty(STDERR_FILENO) != 0) m_bar = std::make_unique<ProgressBar>(title, m_progress);
}

tl::unexpected<Error> badInput(Error error) {
    if (error.code == ErrorCode::Io || error.code == ErrorCode::OutOfRange) error.code = ErrorCode::Malformed;
    return tl::unexpected<Error>(std::move(error));
}

int exitCode(const Error& error) {
    switch (error.code) {
    case ErrorCode::Cancelled: return 130;
    case ErrorCode::Malformed:
    case ErrorCode::Unsupported: return 3;
    case ErrorCode::OutOfRange: return 2;
    case ErrorCode::Io:
    case ErrorCode::OutOfMemory:
    case ErrorCode::Device: return 1;
    }
    return 1;
}

std::string errorLine(const std::string& subject, const Error& error) {
    std::string where;
    for (const auto& step : error.trail) where += (where.empty() ? "" : ", ") + step;
    const bool named = subject.empty() || error.message.starts_with(subject); // some messages name their file themselves
    return oneLine(fmt::format("error: {}{}{}{}", named ? "" : subject + ": ", error.message,
                               where.empty() ? "" : " (", where.empty() ? "" : where + ")"));
}

} // namespace qscope::cli
