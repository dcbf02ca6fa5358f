// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/propagate.h"
#include "app/cli/commands.h"
#include "app/cli/selection.h"
#include "app/cli/table.h"
#include "engine/report/json_report.h"

namespace qscope::cli {

namespace {

struct PropagateOptions {
    std::string path;
    std::vector<std::string> methods;
    std::vector<std::string> globs;
    engine::PropagationSettings settings;
    PlanOptions plan;
};

std::string tableOf(const engine::MethodPropagation& method) {
    Table table({method.label, "relative MSE", "SQNR dB", "cosine", "kurtosis", "max to mean"});
    for (const auto& layer : method.layers)
        table.add({layer.name, number(layer.metrics.relativeMse), fmt::format("{:.1f}", layer.metrics.sqnrDb),
                   fmt::format("{:.6f}", layer.metrics.cosine), number(layer.kurtosis), number(layer.maxToMean)});
    const auto& logits = method.logits;
    return fmt::format("{}logits: relative MSE {}, cosine {:.6f}, KL divergence {} nat, top-1 agreement {:.4f}\n",
                       table.text(), number(logits.relativeMse), logits.cosine, number(logits.klDivergence),
                       logits.top1Agreement);
}

std::string attributionOf(const engine::MethodPropagation& method) {
    if (method.attribution.empty()) return {};
    Table table({"KL divergence, nat", "layer alone", "up to it", "all but it"});
    for (const auto& effect : method.attribution)
        table.add({fmt::format("layer {}", effect.layer), number(effect.alone.klDivergence),
                   number(effect.upTo.klDivergence), number(effect.without.klDivergence)});
    return fmt::format("{}outside the layers: {}\n", table.text(), number(method.outside.klDivergence));
}

Result<void> run(Environment& environment, const PropagateOptions& options) {
    QSCOPE_TRY(const auto specs, methodSpecs(options.methods, environment.registries()));
    QSCOPE_TRY(const auto plan, planFor(options.path, options.globs, specs, environment.options().seed, options.plan));
    QSCOPE_CHECK(checkText(environment, options.settings.text));
    QSCOPE_CHECK(checkText(environment, plan.calibration.text));
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(options.path));
    QSCOPE_TRY(const auto context, environment.context());
    QSCOPE_TRY(const auto model, engine::loadModel(checkpoint, {}, environment.notes()));
    environment.showProgress("Propagating");
    QSCOPE_TRY(const auto quantized, engine::runPlan(plan, *checkpoint, environment.registries(), context));
    std::vector<const engine::MethodResult*> methods;
    for (const auto& method : quantized->methods) methods.push_back(&method);
    QSCOPE_TRY(const auto report, engine::propagate(model, options.settings, methods, context));

    // The first method's fields stand at the top; with several, `methods` has them all.
    Json document = engine::toJson(report->methods.front());
    std::string text;
    Json all = Json::array();
    for (const auto& method : report->methods) {
        text += tableOf(method) + attributionOf(method);
        all.push_back(engine::toJson(method));
    }
    if (all.size() > 1) document["methods"] = std::move(all);
    document["source"] = options.path;
    document["text"] = options.settings.text;
    document["device"] = context.backend.name();
    document["tokens"] = report->tokens;
    environment.print(document, text);
    return {};
}

} // namespace

void addPropagate(CLI::App& program, Command& chosen) {
    auto* command =
        program.add_subcommand("propagate", "How a method's error travels through the layers of a language model");
    command->footer("Example:\n  qscope propagate model.gguf -m q4_k --text valid.txt --tokens 256 --attribution");
    const auto options = std::make_shared<PropagateOptions>();
    command->add_option("FILE", options->path, "Checkpoint file or folder")->required();
    command->add_option("-m,--method", options->methods, "id or id:key=value,key=value; once per method")
        ->required()
        ->take_all();
    command->add_option("--text", options->settings.text, "Text that goes through the model")->required();
    command->add_option("--tokens", options->settings.tokens, "Tokens from the start of the text")
        ->check(CLI::Range(1, 8192))
        ->capture_default_str();
    command->add_flag("--attribution", options->settings.attribution,
                      "Also quantize each layer alone, all up to it, and all but it: three runs more for each layer");
    command->add_option("--tensor", options->globs, "Only tensors whose name matches (* and ?); may be repeated");
    addPlanOptions(*command, options->plan);
    command->callback(
        [options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
