// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/selection.h"
#include "app/cli/table.h"
#include "engine/core/atomic_file.h"
#include "engine/report/html_report.h"
#include "engine/report/json_report.h"

#include <ctime>
#include <filesystem>

namespace qscope::cli {

namespace {

struct CompareOptions {
    std::string path;
    std::vector<std::string> methods;
    std::vector<std::string> globs;
    std::string report;
    PlanOptions plan;
};

std::string today() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

Result<void> checkReportName(const std::string& path) {
    const auto extension = std::filesystem::path(path).extension();
    if (path.empty() || extension == ".html" || extension == ".json") return {};
    return fail(ErrorCode::OutOfRange, "a report is .html or .json, not '{}'", path);
}

Result<void> writeReport(Environment& environment, const engine::CompareReport& report, const std::string& path) {
    if (path.empty()) return {};
    environment.subject = path;
    if (std::filesystem::path(path).extension() == ".json")
        return writeFileAtomically(path, engine::toJson(report).dump(2) + "\n");
    engine::HtmlReportDetails details{QSCOPE_VERSION, today(), {}, {{"Seed", std::to_string(environment.options().seed)}}};
    for (const auto& method : report.methods)
        if (const auto* found = environment.registries().methods.find(method.spec.id)) details.methods.push_back(found->info());
    return writeFileAtomically(path, engine::htmlReport(report, details));
}

Result<void> runAndReport(Environment& environment, const engine::Plan& plan, const std::string& reportPath) {
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(plan.source));
    QSCOPE_TRY(const auto context, environment.context());
    environment.showProgress("Comparing");
    QSCOPE_TRY(const auto report, engine::runPlan(plan, *checkpoint, environment.registries(), context));
    QSCOPE_CHECK(writeReport(environment, *report, reportPath));
    Json rows = Json::array();
    Table table({"method", "bits", "bytes", "relative MSE", "SQNR dB", "max error", "cosine", "seconds"});
    for (const auto& method : report->methods) {
        Json row = engine::summaryJson(method); // what only an evaluated text would tell is null
        for (const char* unmeasured : {"perplexity", "kl_divergence", "top1_agreement"}) row[unmeasured] = nullptr;
        rows.push_back(std::move(row));
        table.add({method.label, fmt::format("{:.2f}", method.bitsPerWeight), byteSize(method.bytes),
                   number(method.metrics.relativeMse), fmt::format("{:.1f}", method.metrics.sqnrDb),
                   number(method.metrics.maxError), fmt::format("{:.6f}", method.metrics.cosine),
                   fmt::format("{:.2f}", method.seconds)});
    }
    environment.print({{"source", plan.source}, {"device", context.backend.name()}, {"rows", std::move(rows)}},
                      fmt::format("{}on {}\n", table.text(), context.backend.name()));
    return {};
}

Result<void> run(Environment& environment, const CompareOptions& options) {
    QSCOPE_CHECK(checkReportName(options.report));
    QSCOPE_TRY(const auto specs, methodSpecs(options.methods, environment.registries()));
    QSCOPE_TRY(const auto plan, planFor(options.path, options.globs, specs, environment.options().seed, options.plan));
    return runAndReport(environment, plan, options.report);
}

Result<void> runPlanFile(Environment& environment, const std::string& path, const std::string& report) {
    QSCOPE_CHECK(checkReportName(report));
    environment.subject = path;
    auto json = readJsonFile(path);
    if (!json) return badInput(std::move(json).error());
    auto plan = engine::planFromJson(*json);
    if (!plan) return badInput(std::move(plan).error());
    return runAndReport(environment, *plan, report);
}

} // namespace

void addCompare(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("compare", "Methods side by side on one checkpoint");
    command->footer("Example:\n  qscope compare model.safetensors -m rtn:bits=4,group=128 -m q4_k -o report.html");
    const auto options = std::make_shared<CompareOptions>();
    command->add_option("FILE", options->path, "Checkpoint file or folder")->required();
    command->add_option("-m,--method", options->methods, "id or id:key=value,key=value; once per method")
        ->required()->take_all();
    command->add_option("--tensor", options->globs, "Only tensors whose name matches (* and ?); may be repeated");
    addPlanOptions(*command, options->plan);
    command->add_option("-o,--output", options->report, "Report to write, .html or .json");
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

void addRun(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("run", "Runs a plan that was saved in the window");
    command->footer("Example:\n  qscope run plan.json -o report.html");
    const auto path = std::make_shared<std::string>();
    const auto report = std::make_shared<std::string>();
    command->add_option("PLAN", *path, "Plan file (JSON)")->required();
    command->add_option("-o,--output", *report, "Report to write, .html or .json");
    command->callback([path, report, &chosen] {
        chosen = [path, report](Environment& environment) { return runPlanFile(environment, *path, *report); };
    });
}

} // namespace qscope::cli
