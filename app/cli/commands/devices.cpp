// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "plugins/host/devices.h"

namespace qscope::cli {

namespace {

Result<void> run(Environment& environment) {
    Json rows = Json::array();
    Table table({"device", "name", "type", "memory", "driver"});
    std::string refusals;
    for (const auto& device : listDevices()) {
        Json limits = Json::object();
        for (const auto& [key, value] : device.limits) limits[key] = value;
        rows.push_back({{"index", rows.size()}, {"choice", device.choice}, {"name", device.name}, {"type", device.type},
                        {"driver", device.driver}, {"memory", device.memory}, {"limits", std::move(limits)},
                        {"refused", device.refused}});
        table.add({device.choice, device.name, device.type, byteSize(device.memory), device.driver});
        if (!device.refused.empty()) refusals += fmt::format("{} cannot be used: {}\n", device.choice, device.refused);
    }
    environment.print({{"devices", std::move(rows)}}, table.text() + refusals);
    return {};
}

} // namespace

void addDevices(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("devices", "The devices that can compute: the processor and Vulkan devices");
    command->footer("Example:\n  qscope devices --json");
    command->callback([&chosen] { chosen = run; });
}

} // namespace qscope::cli
