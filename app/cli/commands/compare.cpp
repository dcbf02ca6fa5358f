// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/selection.h"
#include "app/cli/table.h"
#include "engine/core/atomic_file.h"
#include "engine/report/html_report.h"
#include "engine/report/json_report.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>

namespace qscope::cli {

namespace {

struct CompareOptions {
    std::string path;
    std::vector<std::string> methods;
    std::vector<std::string> globs;
    std::vector<std::string> metrics;
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
        if (const auto found = engine::findMethod(environment.registries(), method.spec.id)) details.methods.push_back((*found)->info());
    return writeFileAtomically(path, engine::htmlReport(report, details));
}

/// A column of the printed table, by the metric's key.
struct Column {
    std::string_view key;
    std::string_view title;
    std::string (*text)(const engine::MethodResult&);
    bool ofText = false; ///< measured on a text only
};

std::string fixed(double value, int digits) { return fmt::format("{:.{}f}", value, digits); }

constexpr std::array kColumns{
    Column{"bits_per_weight", "bits", [](const engine::MethodResult& m) { return fixed(m.bitsPerWeight, 2); }},
    Column{"bytes", "bytes", [](const engine::MethodResult& m) { return byteSize(m.bytes); }},
    Column{"relative_mse", "relative MSE", [](const engine::MethodResult& m) { return number(m.metrics.relativeMse); }},
    Column{"sqnr_db", "SQNR dB", [](const engine::MethodResult& m) { return fixed(m.metrics.sqnrDb, 1); }},
    Column{"max_error", "max error", [](const engine::MethodResult& m) { return number(m.metrics.maxError); }},
    Column{"cosine", "cosine", [](const engine::MethodResult& m) { return fixed(m.metrics.cosine, 6); }},
    Column{"perplexity", "perplexity", [](const engine::MethodResult& m) { return fixed(m.quality->perplexity, 4); }, true},
    Column{"kl_divergence", "KL nat", [](const engine::MethodResult& m) { return number(m.quality->klDivergence); }, true},
    Column{"top1_agreement", "top-1", [](const engine::MethodResult& m) { return fixed(m.quality->top1Agreement, 4); }, true},
    Column{"seconds", "seconds", [](const engine::MethodResult& m) { return fixed(m.seconds, 2); }},
};

/// The columns asked for, or all that the plan measures. OutOfRange for an unknown one, and for one that needs a text.
Result<std::vector<Column>> columnsFor(const std::vector<std::string>& asked, const engine::Plan& plan) {
    const bool hasText = !plan.evaluation.text.empty();
    std::vector<Column> columns;
    for (const Column& column : kColumns)
        if (asked.empty() && (hasText || !column.ofText)) columns.push_back(column);
    for (const std::string& key : asked) {
        const auto found = std::ranges::find(kColumns, std::string_view(key), &Column::key);
        if (found == kColumns.end()) {
            std::vector<std::string_view> known;
            for (const Column& column : kColumns) known.push_back(column.key);
            return fail(ErrorCode::OutOfRange, "metric '{}' is unknown, there are {}", key, fmt::join(known, ", "));
        }
        if (found->ofText && !hasText) return fail(ErrorCode::OutOfRange, "{} is measured on a text: give --text", key);
        columns.push_back(*found);
    }
    return columns;
}

std::string describe(const engine::EvaluatedText& text) {
    return fmt::format("{}: {} tokens scored in windows of {}, perplexity {:.4f} in full precision\n", text.source,
                       text.reference.tokens, text.context, text.reference.perplexity);
}

Result<void> runAndReport(Environment& environment, engine::Plan plan, const std::vector<std::string>& metrics,
                          const std::string& reportPath) {
    QSCOPE_TRY(const auto columns, columnsFor(metrics, plan));
    for (const auto* text : {&plan.calibration.text, &plan.evaluation.text}) QSCOPE_CHECK(checkText(environment, *text));
    // What nobody asks for is not measured.
    if (std::ranges::none_of(columns, &Column::ofText)) plan.evaluation = {};
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(plan.source));
    QSCOPE_TRY(const auto context, environment.context());
    environment.showProgress("Comparing");
    QSCOPE_TRY(const auto report, engine::runPlan(plan, *checkpoint, environment.registries(), context));
    QSCOPE_CHECK(writeReport(environment, *report, reportPath));
    std::vector<std::string> header{"method"};
    for (const Column& column : columns) header.emplace_back(column.title);
    Table table(std::move(header));
    Json document{{"source", plan.source}, {"device", context.backend.name()}, {"rows", Json::array()}};
    for (const auto& method : report->methods) {
        document["rows"].push_back(engine::summaryJson(method));
        std::vector<std::string> row{method.label};
        for (const Column& column : columns) row.push_back(column.text(method));
        table.add(std::move(row));
    }
    if (report->text) document["text"] = engine::toJson(*report->text);
    if (report->calibration) document["calibration"] = engine::toJson(*report->calibration);
    environment.print(document, fmt::format("{}{}on {}\n", table.text(), report->text ? describe(*report->text) : "",
                                            context.backend.name()));
    return {};
}

Result<void> run(Environment& environment, const CompareOptions& options) {
    QSCOPE_CHECK(checkReportName(options.report));
    QSCOPE_TRY(const auto specs, methodSpecs(options.methods, environment.registries()));
    QSCOPE_TRY(const auto plan, planFor(options.path, options.globs, specs, environment.options().seed, options.plan));
    return runAndReport(environment, plan, options.metrics, options.report);
}

Result<void> runPlanFile(Environment& environment, const std::string& path, const std::string& report) {
    QSCOPE_CHECK(checkReportName(report));
    environment.subject = path;
    auto json = readJsonFile(path);
    if (!json) return badInput(std::move(json).error());
    // A session holds its plan beside what is open.
    const bool isSession = json->is_object() && json->value("format", Json()) == "quantoscope session" && json->contains("plan");
    auto plan = engine::planFromJson(isSession ? (*json)["plan"] : *json);
    if (!plan) return badInput(std::move(plan).error());
    return runAndReport(environment, *plan, {}, report);
}

} // namespace

void addCompare(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("compare", "Methods side by side on one checkpoint");
    command->footer("Example:\n  qscope compare model.safetensors -m rtn:bits=4,group=128 -m q4_k -o report.html\n"
                    "  qscope compare model.gguf -m q4_k -m q6_k --text valid.txt --metrics bits_per_weight,perplexity,kl_divergence");
    const auto options = std::make_shared<CompareOptions>();
    command->add_option("FILE", options->path, "Checkpoint file or folder")->required();
    command->add_option("-m,--method", options->methods, "id or id:key=value,key=value; once per method")
        ->required()->take_all();
    command->add_option("--tensor", options->globs, "Only tensors whose name matches (* and ?); may be repeated");
    addPlanOptions(*command, options->plan);
    addTextOptions(*command, options->plan, false);
    command->add_option("--metrics", options->metrics, "Columns, separated by commas: bits_per_weight, sqnr_db, perplexity, ...; default: all")
        ->delimiter(',');
    command->add_option("-o,--output", options->report, "Report to write, .html or .json");
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

void addRun(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("run", "Runs the plan, sweeps included, of a plan file or a session of the window");
    command->footer("Example:\n  qscope run plan.json -o report.html\n  qscope run work.qscope --json");
    const auto path = std::make_shared<std::string>();
    const auto report = std::make_shared<std::string>();
    command->add_option("PLAN", *path, "Plan file (JSON) or session (.qscope)")->required();
    command->add_option("-o,--output", *report, "Report to write, .html or .json");
    command->callback([path, report, &chosen] {
        chosen = [path, report](Environment& environment) { return runPlanFile(environment, *path, *report); };
    });
}

} // namespace qscope::cli
