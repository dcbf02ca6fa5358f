// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/selection.h"

#include <algorithm>
#include <filesystem>

namespace qscope::cli {

namespace {

template<class T>
std::string knownIds(const engine::Registry<T>& registry) {
    std::string ids;
    for (const auto& item : registry.items()) ids += (ids.empty() ? "" : ", ") + engine::detail::idOf(*item);
    return ids;
}

} // namespace

Result<std::vector<std::size_t>> matchingTensors(const engine::Checkpoint& checkpoint,
                                                 const std::vector<std::string>& globs) {
    std::vector<bool> used(globs.size());
    std::vector<std::size_t> selected;
    for (std::size_t i = 0; i < checkpoint.tensors.size(); ++i) {
        bool matches = globs.empty() && checkpoint.tensors[i].isWhole();
        for (std::size_t g = 0; g < globs.size(); ++g)
            if (engine::matchesGlob(checkpoint.tensors[i].name, globs[g])) matches = used[g] = true;
        if (matches) selected.push_back(i);
    }
    for (std::size_t g = 0; g < globs.size(); ++g)
        if (!used[g]) return fail(ErrorCode::OutOfRange, "no tensor matches '{}'", globs[g]);
    return selected;
}

Result<std::vector<engine::MethodSpec>> methodSpecs(const std::vector<std::string>& texts,
                                                    const engine::Registries& registries) {
    std::vector<engine::MethodSpec> specs;
    for (const auto& text : texts) {
        QSCOPE_TRY(auto spec, engine::parseMethodSpec(text));
        QSCOPE_TRY(const auto method, engine::findMethod(registries, spec.id));
        QSCOPE_CHECK(engine::resolveParameters(method->info().parameters, spec));
        specs.push_back(std::move(spec));
    }
    return specs;
}

void addPlanOptions(CLI::App& command, PlanOptions& options) {
    command.add_option("--imatrix", options.importance, "Importance matrix (GGUF or .dat) that weights the columns");
    command.add_option("--tensor-type", options.rules,
                       "GLOB=METHOD: another method for the tensors that match, or GLOB=keep; may be repeated, the first that matches counts");
    command.add_option("--calibration", options.calibration, "Text that shows the methods what flows into each weight");
}

void addTextOptions(CLI::App& command, PlanOptions& options, bool required) {
    command.add_option("--text", options.evaluation.text, "Text to measure on")->required(required);
    command.add_option("--context", options.evaluation.context, "Tokens of a window; 0: the model's context, at most 2048")
        ->check(CLI::Range(0, 1 << 24))->capture_default_str();
    command.add_option("--tokens", options.evaluation.tokens, "Stop after the window in which so many tokens have been scored; 0: the whole text")
        ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 50))->capture_default_str();
    command.add_option("--scoring", options.scoring,
                       "windows: every token of a window but its first; second-half: predictions from the second half of whole windows")
        ->check(CLI::IsMember({"windows", "second-half"}))->capture_default_str();
}

Result<void> checkText(Environment& environment, const std::string& path) {
    if (path.empty()) return {};
    const std::string before = environment.subject;
    QSCOPE_CHECK(environment.readText(path));
    environment.subject = before;
    return {};
}

Result<engine::Plan> planFor(const std::string& source, const std::vector<std::string>& globs,
                             const std::vector<engine::MethodSpec>& specs, std::uint64_t seed, const PlanOptions& options) {
    engine::Plan plan{source, globs, specs, seed, options.importance, {}};
    plan.calibration.text = options.calibration;
    plan.evaluation = options.evaluation;
    QSCOPE_TRY(plan.evaluation.scoring, engine::scoringFromName(options.scoring));
    for (const auto& text : options.rules) {
        QSCOPE_TRY(auto rule, engine::parseTensorRule(text));
        plan.rules.push_back(std::move(rule));
    }
    return plan;
}

Result<const engine::Exporter*> exporterFor(const std::string& id, const std::string& target,
                                            const engine::Registries& registries) {
    const std::string extension = std::filesystem::path(target).extension().string();
    for (const auto& exporter : registries.exporters.items())
        if (id.empty() ? "." + exporter->info().extension == extension : exporter->info().id == id) return exporter.get();
    return fail(ErrorCode::OutOfRange, "unknown format '{}'; there are {}", id.empty() ? extension : id,
                knownIds(registries.exporters));
}

Result<void> accepted(const engine::Exporter& exporter, const engine::Checkpoint& checkpoint,
                      const engine::MethodResult* result) {
    auto answer = exporter.accepts(checkpoint, result);
    if (answer) return {};
    Error error = std::move(answer).error();
    error.code = ErrorCode::OutOfRange;
    return during(std::move(error), "format " + exporter.info().id);
}

Result<engine::ExportOptions> exportOptions(const std::string& shardSize, const engine::Exporter& exporter,
                                            const engine::Registries& registries) {
    engine::ExportOptions options;
    if (shardSize.empty()) return options;
    const auto bytes = engine::parseByteSize(shardSize);
    if (!bytes) return fail(ErrorCode::OutOfRange, "'{}' is no size; write it like 5GB or 500MB", shardSize);
    if (!exporter.info().shards) {
        std::string cut;
        for (const auto& other : registries.exporters.items())
            if (other->info().shards) cut += (cut.empty() ? "" : ", ") + other->info().id;
        return fail(ErrorCode::OutOfRange, "{} is written in one file; cut to a size are {}", exporter.info().id, cut);
    }
    options.maximumShardBytes = *bytes;
    return options;
}

} // namespace qscope::cli
