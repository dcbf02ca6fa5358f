// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "engine/checkpoint/importance_matrix.h"

namespace qscope::cli {

namespace {

constexpr std::size_t kLongestArray = 16; ///< longer metadata arrays are summarised: vocabularies have 100,000 entries

Json toJson(const engine::MetadataValue& value) {
    return std::visit(
        [&](const auto& held) -> Json {
            if constexpr (requires { held.size(); held.begin(); } && !std::is_same_v<std::decay_t<decltype(held)>, std::string>)
                if (held.size() > kLongestArray) return engine::describe(value);
            if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::vector<engine::MetadataValue>>) {
                Json arrays = Json::array();
                for (const auto& item : held) arrays.push_back(toJson(item));
                return arrays;
            } else {
                return held;
            }
        },
        value.value);
}

Result<void> showImportance(Environment& environment, const std::string& path) {
    environment.subject = path;
    auto matrix = engine::readImportance(path);
    if (!matrix) return badInput(std::move(matrix).error());
    const char* format = matrix->form == engine::ImportanceForm::Gguf ? "imatrix-gguf" : "imatrix-dat";
    Json entries = Json::array();
    Table table({"weight", "columns", "matrices", "mean square"});
    for (const auto& entry : matrix->entries) {
        double sum = 0;
        for (const float mean : engine::meanSquares(entry)) sum += static_cast<double>(mean);
        const double mean = sum / static_cast<double>(entry.sums.size());
        const auto columns = entry.sums.size() / entry.counts.size();
        entries.push_back({{"name", entry.name}, {"columns", columns}, {"matrices", entry.counts.size()}, {"mean_square", mean}});
        table.add({entry.name, std::to_string(columns), std::to_string(entry.counts.size()), number(mean)});
    }
    environment.print({{"format", format}, {"chunks", matrix->chunks}, {"datasets", matrix->datasets}, {"entries", std::move(entries)}},
                      fmt::format("{}: importance matrix ({}), {} entries over {} chunks of {}\n{}", path, format,
                                  matrix->entries.size(), matrix->chunks, fmt::join(matrix->datasets, ", "), table.text()));
    return {};
}

Result<void> run(Environment& environment, const std::string& path) {
    if (engine::isImportanceFile(path)) return showImportance(environment, path);
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(path));
    Json tensors = Json::array();
    Table table({"tensor", "type", "shape", "size"});
    for (const auto& tensor : checkpoint->tensors) {
        tensors.push_back({{"name", tensor.name}, {"dtype", engine::typeName(tensor)}, {"shape", tensor.shape}, {"bytes", tensor.bytes}});
        if (tensor.partOf) tensors.back()["part_of"] = checkpoint->tensors[*tensor.partOf].name;
        table.add({(tensor.partOf ? "  " : "") + tensor.name, std::string(engine::typeName(tensor)), shapeText(tensor.shape), byteSize(tensor.bytes)});
    }
    Json metadata = Json::object();
    std::string metadataText;
    for (const auto& [key, value] : checkpoint->metadata) {
        metadata[key] = toJson(value);
        metadataText += fmt::format("  {} = {}\n", key, engine::describe(value));
    }
    const auto parameters = engine::parameterCount(*checkpoint);
    const auto bytes = engine::storedBytes(*checkpoint);
    const Json document{{"format", checkpoint->format},   {"architecture", checkpoint->architecture},
                        {"recognised", engine::recognised(*checkpoint, environment.registries())},
                        {"parameters", parameters},       {"bytes", bytes},
                        {"tensors", std::move(tensors)},  {"metadata", std::move(metadata)}};
    environment.print(document, fmt::format("{}: {}, {}\n{}{}", path, engine::recognised(*checkpoint, environment.registries()), byteSize(bytes), metadataText, table.text()));
    return {};
}

} // namespace

void addInfo(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("info", "What a checkpoint holds: format, sizes, tensors, metadata");
    command->footer("Example:\n  qscope info model.gguf");
    const auto path = std::make_shared<std::string>();
    command->add_option("FILE", *path, "Checkpoint file or folder")->required();
    command->callback([path, &chosen] { chosen = [path](Environment& environment) { return run(environment, *path); }; });
}

} // namespace qscope::cli
