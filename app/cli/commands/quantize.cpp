// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/selection.h"
#include "app/cli/table.h"
#include "engine/report/json_report.h"

#include <filesystem>

namespace qscope::cli {

namespace {

struct QuantizeOptions {
    std::string path;
    std::string method;
    std::vector<std::string> globs;
    std::string format;
    std::string shardSize;
    std::string target;
    PlanOptions plan;
};

Result<void> run(Environment& environment, const QuantizeOptions& options) {
    QSCOPE_TRY(const auto specs, methodSpecs({options.method}, environment.registries()));
    QSCOPE_TRY(const auto* exporter, exporterFor(options.format, options.target, environment.registries()));
    QSCOPE_TRY(const auto exportHow, exportOptions(options.shardSize, *exporter, environment.registries()));
    QSCOPE_CHECK(checkText(environment, options.plan.calibration));
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(options.path));
    QSCOPE_TRY(const auto context, environment.context());
    QSCOPE_TRY(const auto plan, planFor(options.path, options.globs, specs, environment.options().seed, options.plan));
    QSCOPE_TRY(const auto outline, engine::outlineResult(plan, 0, *checkpoint, environment.registries()));
    QSCOPE_CHECK(accepted(*exporter, *checkpoint, &outline));
    environment.showProgress("Quantizing");
    QSCOPE_TRY(const auto report, engine::runPlan(plan, *checkpoint, environment.registries(), context));
    const auto& result = report->methods.front();
    QSCOPE_CHECK(accepted(*exporter, *checkpoint, &result));
    environment.subject = options.target;
    QSCOPE_TRY(const auto outcome, exporter->write(*checkpoint, &result, options.target, context, exportHow));

    Json document = engine::toJson(result);
    document["bytes_in"] = engine::storedBytes(*checkpoint);
    document["bytes_out"] = outcome.bytes;
    document["format"] = exporter->info().id;
    document["verified"] = outcome.verified;
    if (report->calibration) document["calibration"] = engine::toJson(*report->calibration);
    Table table({"tensor", "bits", "relative MSE", "SQNR dB", "max error", "cosine"});
    for (const auto& tensor : result.tensors)
        table.add({tensor.name, fmt::format("{:.2f}", tensor.bits), number(tensor.metrics.relativeMse),
                   fmt::format("{:.1f}", tensor.metrics.sqnrDb), number(tensor.metrics.maxError),
                   fmt::format("{:.6f}", tensor.metrics.cosine)});
    environment.print(document, fmt::format("{}{}: {:.2f} bits per weight, SQNR {:.1f} dB, {:.2f} s on {}\n"
                                            "{}: {}, {} tensors, {} of them read back and equal\n",
                                            table.text(), result.label, result.bitsPerWeight, result.metrics.sqnrDb,
                                            result.seconds, result.device, options.target, byteSize(outcome.bytes),
                                            outcome.tensors, outcome.verified));
    return {};
}

} // namespace

void addQuantize(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("quantize", "Quantizes a checkpoint and writes it, verified by reading it back");
    command->footer("Example:\n  qscope quantize model.safetensors -m q4_k -o model-q4_k.gguf\n"
                    "  qscope quantize model.gguf -m rtn:bits=4,group=128,scale=f16 -f gptq -o out/model.safetensors\n"
                    "  qscope quantize model.gguf -m q4_k_m --imatrix model.imatrix --tensor-type '*.attn_v.*=q8_0' -o mixed.gguf");
    const auto options = std::make_shared<QuantizeOptions>();
    command->add_option("FILE", options->path, "Checkpoint file or folder")->required();
    command->add_option("-m,--method", options->method, "id or id:key=value,key=value (see qscope methods)")->required();
    command->add_option("--tensor", options->globs, "Only tensors whose name matches (* and ?); may be repeated");
    addPlanOptions(*command, options->plan);
    command->add_option("-f,--format", options->format, "gguf, safetensors, compressed-tensors, gptq, gptq-v2, awq, bitsandbytes, onnx, npz, ...; default: by extension");
    command->add_option("-o,--output", options->target, "File to write")->required();
    command->add_option("--shard-size", options->shardSize, "Cut safetensors into files of at most this size, like 5GB; default: one file");
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
