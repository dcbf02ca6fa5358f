// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/plan/generate.h"
#include "app/cli/commands.h"
#include "engine/plan/model_tokenizer.h"

namespace qscope::cli {

namespace {

struct Options {
    std::string path;
    std::string prompt;
    std::int64_t context = 0;
    engine::GenerateOptions generate;
};

std::string_view word(engine::GenerateEnd end) {
    switch (end) {
    case engine::GenerateEnd::Tokens: return "tokens";
    case engine::GenerateEnd::EndToken: return "end token";
    case engine::GenerateEnd::ContextFull: return "context full";
    }
    return "";
}

/// The prompt's ids, with the begin token where the model wants one; of an empty prompt, that token alone.
Result<std::vector<int>> promptIds(const engine::Tokenizer& tokenizer, const std::string& prompt) {
    const engine::Vocabulary& vocabulary = tokenizer.vocabulary();
    std::vector<int> ids;
    if (vocabulary.begin >= 0 && (vocabulary.addBegin || prompt.empty())) ids.push_back(vocabulary.begin);
    if (prompt.empty()) {
        if (ids.empty()) return fail(ErrorCode::OutOfRange, "the model has no begin token: give a prompt");
        return ids;
    }
    auto text = tokenizer.encode(prompt, engine::AddEnds::No);
    if (!text) { // the prompt came from the command line
        text.error().code = ErrorCode::OutOfRange;
        return during(std::move(text).error(), "the prompt");
    }
    ids.insert(ids.end(), text->begin(), text->end());
    return ids;
}

/// Tokens that end a text: what the description says, and the tokenizer's.
std::vector<int> endTokens(const engine::Model& model, const engine::Vocabulary& vocabulary) {
    std::vector<int> ends;
    for (const std::int64_t id : model.config.endTokens) ends.push_back(static_cast<int>(id));
    if (vocabulary.end >= 0) ends.push_back(vocabulary.end);
    // llama2.c's models separate their texts by the begin token, and so begin a new one where this one ends.
    if (model.checkpoint->format == "llama2c" && vocabulary.begin >= 0) ends.push_back(vocabulary.begin);
    return ends;
}

Result<void> run(Environment& environment, Options options) {
    QSCOPE_CHECK(engine::checkSampling(options.generate.sampling));
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(options.path));
    QSCOPE_TRY(const auto model, engine::loadModel(checkpoint, {options.context}, environment.notes()));
    QSCOPE_TRY(const auto tokenizer, engine::tokenizerOf(*checkpoint, environment.notes()));
    QSCOPE_TRY(const auto prompt, promptIds(*tokenizer, options.prompt));
    QSCOPE_TRY(const RunContext context, environment.context());
    options.generate.sampling.seed = environment.options().seed;
    environment.showProgress("generating");
    QSCOPE_TRY(const auto made,
               engine::generate(model, prompt, endTokens(model, tokenizer->vocabulary()), options.generate, context));
    if (made.end == engine::GenerateEnd::ContextFull)
        environment.notes().note(fmt::format("the context of {} tokens is full", model.context));

    // Decoded as a whole: a word's leading space shows only behind the prompt.
    std::vector<int> all = prompt;
    all.insert(all.end(), made.ids.begin(), made.ids.end());
    QSCOPE_TRY(const std::string whole, tokenizer->decode(all));
    QSCOPE_TRY(const std::string before, tokenizer->decode(prompt));
    const std::string text = whole.substr(std::min(before.size(), whole.size()));
    const double rate = made.seconds > 0 ? static_cast<double>(made.ids.size()) / made.seconds : 0;
    environment.print({{"text", text},
                       {"tokens_per_second", rate},
                       {"seconds", made.seconds},
                       {"ids", made.ids},
                       {"prompt_ids", prompt},
                       {"ended_by", word(made.end)},
                       {"device", engine::makeCpuBackend()->name()}},
                      options.prompt + text + "\n");
    return {};
}

} // namespace

void addGenerate(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("generate", "Continue a text with a language model");
    command->footer(
        "Example:\n  qscope generate model.gguf --prompt 'Once upon a time' --tokens 100\n"
        "The text in the JSON document is what follows the prompt. tokens_per_second counts new tokens and includes\n"
        "the time for reading the prompt. Without a temperature the most likely token is taken each time.");
    const auto options = std::make_shared<Options>();
    auto& generate = options->generate;
    command->add_option("FILE", options->path, "Checkpoint file or folder")->required();
    command->add_option("--prompt", options->prompt, "Text to continue; empty: starts from the model's begin token")
        ->required();
    command->add_option("--tokens", generate.tokens, "New tokens at most")
        ->check(CLI::Range(1, 1 << 20))
        ->capture_default_str();
    command
        ->add_option("--temperature", generate.sampling.temperature,
                     "Divides the logits before a random choice; 0: no chance")
        ->capture_default_str();
    command->add_option("--top-k", generate.sampling.topK, "Choose among the K most likely tokens; 0: all")
        ->capture_default_str();
    command
        ->add_option("--top-p", generate.sampling.topP, "Choose among the fewest tokens of this probability together")
        ->capture_default_str();
    command->add_option("--context", options->context, "Tokens of the longest text; 0: the model's own, at most 4096")
        ->capture_default_str();
    command->callback(
        [options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
