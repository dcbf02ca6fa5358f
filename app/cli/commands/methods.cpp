// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "engine/report/method_page.h"
#include "engine/report/recommended_settings.h"

namespace qscope::cli {

namespace {

Json toJson(const engine::ParamValue& value) {
    return std::visit([](const auto& held) -> Json { return held; }, value);
}

Json rangeOf(const engine::ParamSpec& parameter) {
    switch (parameter.type) {
    case engine::ParamType::Flag: return {false, true};
    case engine::ParamType::Choice: return parameter.choices;
    case engine::ParamType::Integer:
        return {static_cast<std::int64_t>(parameter.minimum), static_cast<std::int64_t>(parameter.maximum)};
    case engine::ParamType::Real: return {parameter.minimum, parameter.maximum};
    }
    return nullptr;
}

const char* typeName(engine::ParamType type) {
    switch (type) {
    case engine::ParamType::Flag: return "flag";
    case engine::ParamType::Choice: return "choice";
    case engine::ParamType::Integer: return "integer";
    case engine::ParamType::Real: return "real";
    }
    return "";
}

const char* nameOf(engine::Stage stage) {
    switch (stage) {
    case engine::Stage::Transform: return "transform";
    case engine::Stage::Rounding: return "rounding";
    case engine::Stage::Repair: return "repair";
    }
    return "";
}

Json toJson(const engine::MethodInfo& method) {
    Json parameters = Json::array();
    for (const auto& p : method.parameters)
        parameters.push_back({{"key", p.key}, {"type", typeName(p.type)}, {"default", toJson(p.defaultValue)},
                              {"range", rangeOf(p)}, {"unit", p.unit}, {"help", p.help}});
    Json recommended = Json::array();
    for (const auto& [spec, why] : engine::recommendedSettings(method.id)) recommended.push_back({{"spec", spec}, {"why", why}});
    return {{"id", method.id}, {"name", method.name}, {"group", method.group}, {"paper", method.paper},
            {"summary", method.summary}, {"parameters", std::move(parameters)},
            {"needs_calibration", engine::timeClassOf(method) != engine::TimeClass::Weights}, {"activations", method.quantizesActivations},
            {"stage", nameOf(method.stage)}, {"time", engine::nameOf(engine::timeClassOf(method))},
            {"recommended", std::move(recommended)},
            {"help", {{"objective", method.help.objective}, {"steps", method.help.steps}, {"cost", method.help.cost}, {"differences", method.help.differences}}}};
}

/// One method in the list of all.
std::string briefly(const engine::MethodInfo& method) {
    return fmt::format("{}: {} ({}, {})\n  {}\n", method.id, method.name, method.group, engine::nameOf(engine::timeClassOf(method)), method.summary);
}

Result<void> run(Environment& environment, const std::string& id) {
    Json rows = Json::array();
    std::string text;
    for (const auto& method : environment.registries().methods.items()) {
        if (!id.empty() && method->info().id != id) continue;
        rows.push_back(toJson(method->info()));
        text += id.empty() ? briefly(method->info()) : engine::methodText(method->info());
    }
    if (!id.empty() && rows.empty()) return fail(ErrorCode::OutOfRange, "unknown method '{}'; `qscope methods` lists them", id);
    environment.print({{"methods", std::move(rows)}}, text);
    return {};
}

} // namespace

void addMethods(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("methods", "The quantization methods and their parameters");
    command->footer("Example:\n  qscope methods rtn");
    const auto id = std::make_shared<std::string>();
    command->add_option("ID", *id, "Only this method");
    command->callback([id, &chosen] { chosen = [id](Environment& environment) { return run(environment, *id); }; });
}

} // namespace qscope::cli
