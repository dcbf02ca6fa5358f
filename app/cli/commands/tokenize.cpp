// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "engine/plan/model_tokenizer.h"

namespace qscope::cli {

namespace {

struct TokenizeOptions {
    std::string path;
    std::string text;
    bool ends = false;
    bool names = false;
};

Result<void> run(Environment& environment, const TokenizeOptions& options) {
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(options.path));
    QSCOPE_TRY(const auto tokenizer, engine::tokenizerOf(*checkpoint, environment.notes()));
    auto ids = tokenizer->encode(options.text, options.ends ? engine::AddEnds::Yes : engine::AddEnds::No,
                                 options.names ? engine::ControlNames::AreTokens : engine::ControlNames::AreText);
    if (!ids) { // the text came from the command line
        Error error = std::move(ids).error();
        error.code = ErrorCode::OutOfRange;
        return tl::unexpected(std::move(error));
    }
    Json pieces = Json::array();
    std::string text;
    for (const int id : *ids) {
        const std::string& token = tokenizer->vocabulary().tokens[static_cast<std::size_t>(id)];
        pieces.push_back(token);
        text += fmt::format("{:>8}  {}\n", id, token);
    }
    environment.print({{"ids", *ids}, {"pieces", std::move(pieces)}}, text);
    return {};
}

} // namespace

void addTokenize(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("tokenize", "Token ids of a text, by the model's own tokenizer");
    command->footer("Example:\n  qscope tokenize model.gguf --text 'Hello world'");
    const auto options = std::make_shared<TokenizeOptions>();
    command->add_option("FILE", options->path, "Checkpoint file or folder")->required();
    command->add_option("--text", options->text, "Text to tokenize")->required();
    command->add_flag("--special", options->ends, "Put begin and end tokens around the text, as the model asks");
    command->add_flag("--names", options->names, "Names of control tokens in the text mean those tokens");
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
