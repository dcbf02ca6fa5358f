// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/selection.h"
#include "app/cli/table.h"
#include "engine/checkpoint/importance_matrix.h"

namespace qscope::cli {

namespace {

struct ConvertOptions {
    std::string source;
    std::string target;
    std::string format;
    std::string shardSize;
};

/// From one form of importance matrix to the other: GGUF for a target of that name, else the legacy form.
Result<void> convertImportance(Environment& environment, const ConvertOptions& options) {
    environment.subject = options.source;
    if (!options.format.empty())
        return fail(ErrorCode::OutOfRange, "an importance matrix has no formats to choose from: .gguf, or any other name for the legacy form");
    auto matrix = engine::readImportance(options.source);
    if (!matrix) return badInput(std::move(matrix).error());
    QSCOPE_TRY(const auto context, environment.context());
    const bool gguf = std::filesystem::path(options.target).extension() == ".gguf";
    environment.subject = options.target;
    QSCOPE_CHECK(engine::writeImportance(options.target, *matrix,
                                         gguf ? engine::ImportanceForm::Gguf : engine::ImportanceForm::Legacy, context));
    QSCOPE_TRY(const auto written, engine::readImportance(options.target));
    environment.print({{"format", gguf ? "imatrix-gguf" : "imatrix-dat"}, {"entries", written.entries.size()}},
                      fmt::format("{}: importance matrix, {} entries\n", options.target, written.entries.size()));
    return {};
}

Result<void> run(Environment& environment, const ConvertOptions& options) {
    if (engine::isImportanceFile(options.source)) return convertImportance(environment, options);
    QSCOPE_TRY(const auto* exporter, exporterFor(options.format, options.target, environment.registries()));
    QSCOPE_TRY(const auto exportHow, exportOptions(options.shardSize, *exporter, environment.registries()));
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
    command->footer("Example:\n  qscope convert model.safetensors model.gguf\n  qscope convert gptq-model awq-model/model.safetensors -f awq\n"
                    "  qscope convert model.imatrix.gguf model.dat");
    const auto options = std::make_shared<ConvertOptions>();
    command->add_option("IN", options->source, "Checkpoint file or folder")->required();
    command->add_option("OUT", options->target, "File to write")->required();
    command->add_option("-f,--format", options->format, "gguf, safetensors, compressed-tensors, gptq, gptq-v2, awq, bitsandbytes, onnx, npz, ...; default: by extension");
    command->add_option("--shard-size", options->shardSize, "Cut safetensors into files of at most this size, like 5GB; default: one file");
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
