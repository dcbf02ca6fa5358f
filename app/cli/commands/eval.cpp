// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/selection.h"
#include "engine/backend/compute_backend.h"
#include "engine/plan/evaluate.h"
#include "engine/report/json_report.h"

namespace qscope::cli {

namespace {

struct EvalOptions {
    std::string path;
    PlanOptions plan;
};

Result<void> run(Environment& environment, const EvalOptions& options) {
    engine::EvaluationSettings settings = options.plan.evaluation;
    QSCOPE_TRY(settings.scoring, engine::scoringFromName(options.plan.scoring));
    QSCOPE_CHECK(checkText(environment, settings.text));
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(options.path));
    QSCOPE_TRY(const auto context, environment.context());
    QSCOPE_TRY(const auto model, engine::loadModel(checkpoint, {settings.context}, environment.notes()));
    environment.showProgress("Evaluating");
    QSCOPE_TRY(const auto evaluation, engine::evaluate(model, settings, {}, context));
    const engine::TextQuality& quality = evaluation.text->reference;
    Json document = engine::toJson(*evaluation.text);
    document["source"] = options.path;
    document["text"] = settings.text;
    document["device"] = context.backend.name();
    environment.print(document, fmt::format("perplexity {:.5f}, {:.5f} nats per token\n{} tokens scored in windows of "
                                            "{} ({}), {:.0f} tokens per second on {}\n",
                                            quality.perplexity, quality.nll, quality.tokens, evaluation.text->context,
                                            options.plan.scoring, quality.tokensPerSecond, context.backend.name()));
    return {};
}

} // namespace

void addEval(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("eval", "How well a language model predicts a text: perplexity");
    command->footer("Example:\n  qscope eval model.gguf --text valid.txt --tokens 8000");
    const auto options = std::make_shared<EvalOptions>();
    command->add_option("FILE", options->path, "Checkpoint file or folder")->required();
    addTextOptions(*command, options->plan, true);
    command->callback(
        [options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
