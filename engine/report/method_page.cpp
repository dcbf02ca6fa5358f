// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/report/method_page.h"

#include "engine/report/markup.h"
#include "engine/report/recommended_settings.h"

namespace qscope::engine {

namespace {

std::string rangeText(const ParamSpec& parameter) {
    switch (parameter.type) {
    case ParamType::Flag: return "true, false";
    case ParamType::Choice: return fmt::format("{}", fmt::join(parameter.choices, ", "));
    case ParamType::Integer: return fmt::format("{} to {}", static_cast<std::int64_t>(parameter.minimum), static_cast<std::int64_t>(parameter.maximum));
    case ParamType::Real: return fmt::format("{:.6g} to {:.6g}", parameter.minimum, parameter.maximum);
    }
    return {};
}

void paragraph(std::string& out, std::string_view title, std::string_view text) {
    if (!text.empty()) out += fmt::format("<h4>{}</h4><p>{}</p>", title, escapeMarkup(text));
}

void line(std::string& out, std::string_view title, std::string_view text) {
    if (!text.empty()) out += fmt::format("  {}: {}\n", title, text);
}

} // namespace

TimeClass timeClassOf(const MethodInfo& info) {
    if (info.wholeModel || info.sequential) return TimeClass::Model;
    return info.needsCalibration || info.needsGradients ? TimeClass::Calibrated : TimeClass::Weights;
}

std::string_view nameOf(TimeClass time) {
    switch (time) {
    case TimeClass::Weights: return "weights alone";
    case TimeClass::Calibrated: return "calibrated";
    case TimeClass::Model: return "works on the model";
    }
    return {};
}

std::vector<std::string> demandsOf(const MethodInfo& info) {
    std::vector<std::string> demands;
    if (info.stage == Stage::Transform) demands.emplace_back("Prepares weights for a method that rounds, which follows it: \"" + info.id + "+rtn\".");
    if (info.stage == Stage::Repair) demands.emplace_back("Repairs what a method that rounds has left, behind which it is written: \"rtn+" + info.id + "\".");
    if (timeClassOf(info) != TimeClass::Weights) demands.emplace_back("Needs a calibration text and a language model that runs.");
    if (info.needsImportance) demands.emplace_back("Needs an importance matrix or a calibration text.");
    if (info.sequential) demands.emplace_back("Walks the network block by block: each sees what the quantized ones before it give.");
    if (info.wholeModel) demands.emplace_back("Runs parts of the model again and again while it works.");
    if (info.needsGradients) demands.emplace_back("Needs gradients of the model's loss.");
    if (info.quantizesActivations) demands.emplace_back("Can quantize activations too.");
    return demands;
}

std::string methodPage(const MethodInfo& info) {
    std::string out = fmt::format("<h3>{}</h3><p><code>{}</code>, {}</p><p>{}</p>", escapeMarkup(info.name), escapeMarkup(info.id),
                                  escapeMarkup(info.group), escapeMarkup(info.summary));
    paragraph(out, "Objective", info.help.objective);
    if (!info.help.steps.empty()) {
        out += "<h4>Steps</h4><ol>";
        for (const std::string& step : info.help.steps) out += fmt::format("<li>{}</li>", escapeMarkup(step));
        out += "</ol>";
    }
    if (const auto demands = demandsOf(info); !demands.empty())
        out += fmt::format("<h4>Needs</h4><p>{}</p>", escapeMarkup(fmt::format("{}", fmt::join(demands, " "))));
    paragraph(out, "Cost", info.help.cost);
    paragraph(out, "Differences from the paper", info.help.differences);
    if (const auto settings = recommendedSettings(info.id); !settings.empty()) {
        out += "<h4>Recommended settings</h4>";
        for (const auto& [spec, why] : settings)
            out += fmt::format("<p><code>{}</code><br/>{}</p>", escapeMarkup(spec), escapeMarkup(why));
    }
    if (!info.parameters.empty()) {
        out += "<h4>Parameters</h4><table cellspacing=\"0\" cellpadding=\"3\">";
        for (const ParamSpec& row : info.parameters)
            out += fmt::format("<tr><td><code>{}</code></td><td>{}</td><td>{}<br/>{}</td></tr>", escapeMarkup(row.key),
                               escapeMarkup(toText(row.defaultValue)), escapeMarkup(row.help), escapeMarkup(rangeText(row)));
        out += "</table>";
    }
    paragraph(out, "Source", info.paper);
    return out;
}

std::string methodText(const MethodInfo& info) {
    std::string out = fmt::format("{}: {} ({})\n  {}\n", info.id, info.name, info.group, info.summary);
    line(out, "Objective", info.help.objective);
    for (std::size_t i = 0; i < info.help.steps.size(); ++i) out += fmt::format("  {}. {}\n", i + 1, info.help.steps[i]);
    line(out, "Needs", fmt::format("{}", fmt::join(demandsOf(info), " ")));
    line(out, "Cost", info.help.cost);
    line(out, "Differences from the paper", info.help.differences);
    line(out, "Source", info.paper);
    if (const auto settings = recommendedSettings(info.id); !settings.empty()) {
        out += "  Recommended settings:\n";
        for (const auto& [spec, why] : settings) out += fmt::format("    -m {}\n        {}\n", spec, why);
    }
    for (const ParamSpec& row : info.parameters)
        out += fmt::format("    {} = {}  {} [{}]\n", row.key, toText(row.defaultValue), row.help, rangeText(row));
    return out;
}

} // namespace qscope::engine
