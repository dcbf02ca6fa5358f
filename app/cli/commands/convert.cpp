// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/selection.h"
#include "app/cli/table.h"

namespace qscope::cli {

namespace {

struct ConvertOptions {
    std::string source;
    std::string target;
    std::string format;
    std::string shardSize;
};

Result<void> run(Environment& environment, const ConvertOptions& options) {
    QSCOPE_TRY(const auto exportHow, exportOptions(options.shardSize));
    QSCOPE_TRY(const auto* exporter, exporterFor(options.format, options.target, environment.registries()));
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(options.source));
    QSCOPE_CHECK(accepted(*exporter, *checkpoint, nullptr));
    QSCOPE_TRY(const auto context, environment.context());
    environment.showProgress("Writing");
    environment.subject = options.target;
    QSCOPE_TRY(const auto outcome, exporter->write(*checkpoint, nullptr, options.target, context, exportHow));
    environment.print({{"format", exporter->info().id}, {"bytes", outcome.bytes}, {"tensors", outcome.tensors},
                       {"verified", outcome.verified}},
                      fmt::format("{}: {}, {} tensors, {} of them read back and equal\n", options.target,
                                  byteSize(outcome.bytes), outcome.tensors, outcome.verified));
    return {};
}

} // namespace

void addConvert(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("convert", "Writes a checkpoint in another format, verified by reading it back");
    command->footer("Example:\n  qscope convert model.safetensors model.gguf\n  qscope convert gptq-model awq-model/model.safetensors -f awq");
    const auto options = std::make_shared<ConvertOptions>();
    command->add_option("IN", options->source, "Checkpoint file or folder")->required();
    command->add_option("OUT", options->target, "File to write")->required();
    command->add_option("-f,--format", options->format, "gguf, safetensors, compressed-tensors, gptq, gptq-v2, awq, bitsandbytes, ...; default: by extension");
    command->add_option("--shard-size", options->shardSize, "Cut safetensors into files of at most this size, like 5GB; default: one file");
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
