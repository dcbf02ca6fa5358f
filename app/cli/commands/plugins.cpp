// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/table.h"

namespace qscope::cli {

namespace {

Result<void> run(Environment& environment) {
    static_cast<void>(environment.registries()); // loads what may be loaded, so that states and errors are the real ones
    Json rows = Json::array();
    Table table({"plugin", "name", "version", "kinds", "state", "error"});
    for (const auto& record : environment.plugins().records()) {
        Json kinds = Json::array();
        for (const auto& kind : record.kinds) kinds.push_back(kind.toStdString());
        const std::string id = record.id.toStdString();
        const std::string state = toText(record.state).toStdString();
        rows.push_back({{"id", id}, {"name", record.name.toStdString()}, {"version", record.version.toStdString()},
                        {"kinds", std::move(kinds)}, {"state", state}, {"error", record.error.toStdString()},
                        {"file", record.file.toStdString()}});
        table.add({id, record.name.toStdString(), record.version.toStdString(), record.kinds.join(", ").toStdString(), state,
                   record.error.toStdString()});
    }
    environment.print({{"plugins", std::move(rows)}}, table.text());
    return {};
}

} // namespace

void addPlugins(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("plugins", "The plugins found, their state and what is wrong with them");
    command->footer("Example:\n  qscope plugins\nView plugins stay in state 'found' here: only the window loads them.");
    command->callback([&chosen] { chosen = run; });
}

} // namespace qscope::cli
