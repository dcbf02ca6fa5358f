// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/json_printer.h"
#include "app/cli/table.h"
#include "engine/checkpoint/importance_matrix.h"

namespace qscope::cli {

namespace {

constexpr std::size_t kLongestArray = 16; ///< longer metadata arrays are summarised: vocabularies have 100,000 entries

void print(JsonPrinter& json, const engine::MetadataValue& value) {
    std::visit(
        [&](const auto& held) {
            using T = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<T, std::string>) {
                json.text(held);
            } else if constexpr (requires { held.size(); }) {
                if (held.size() > kLongestArray) return json.text(engine::describe(value));
                json.open('[');
                for (const auto& item : held)
                    if constexpr (std::is_same_v<T, std::vector<std::string>>) json.text(item);
                    else if constexpr (std::is_same_v<T, std::vector<engine::MetadataValue>>) print(json, item);
                    else json.value(Json(item));
                json.close();
            } else {
                json.value(Json(held));
            }
        },
        value.value);
}

double meanOf(const engine::ImportanceEntry& entry) {
    double sum = 0;
    for (const float mean : engine::meanSquares(entry)) sum += static_cast<double>(mean);
    return sum / static_cast<double>(entry.sums.size());
}

Result<void> showImportance(Environment& environment, const std::string& path) {
    environment.subject = path;
    auto matrix = engine::readImportance(path);
    if (!matrix) return badInput(std::move(matrix).error());
    const char* format = matrix->form == engine::ImportanceForm::Gguf ? "imatrix-gguf" : "imatrix-dat";
    const auto columns = [](const engine::ImportanceEntry& entry) { return entry.sums.size() / entry.counts.size(); };
    if (environment.options().json) {
        JsonPrinter json(stdout);
        json.open('{');
        json.key("format"), json.text(format);
        json.key("chunks"), json.value(matrix->chunks);
        json.key("datasets"), json.open('[');
        for (const std::string& name : matrix->datasets) json.text(name);
        json.close();
        json.key("entries"), json.open('[');
        for (const auto& entry : matrix->entries)
            json.value({{"name", entry.name}, {"columns", columns(entry)}, {"matrices", entry.counts.size()}, {"mean_square", meanOf(entry)}});
        json.close();
        json.close();
        return {};
    }
    fmt::print("{}: importance matrix ({}), {} entries over {} chunks of {}\n", path, format, matrix->entries.size(), matrix->chunks,
               fmt::join(matrix->datasets, ", "));
    printTable({"weight", "columns", "matrices", "mean square"}, matrix->entries.size(), [&](std::size_t i) -> std::vector<std::string> {
        const auto& entry = matrix->entries[i];
        return {shown(entry.name), std::to_string(columns(entry)), std::to_string(entry.counts.size()), number(meanOf(entry))};
    });
    return {};
}

void printJson(const engine::Checkpoint& checkpoint, const std::string& recognised) {
    JsonPrinter json(stdout);
    json.open('{');
    json.key("format"), json.text(checkpoint.format);
    json.key("architecture"), json.text(checkpoint.architecture);
    json.key("recognised"), json.text(recognised);
    json.key("parameters"), json.value(engine::parameterCount(checkpoint));
    json.key("bytes"), json.value(engine::storedBytes(checkpoint));
    json.key("tensors"), json.open('[');
    for (const auto& tensor : checkpoint.tensors) {
        Json entry{{"name", tensor.name}, {"dtype", engine::typeName(tensor)}, {"shape", tensor.shape}, {"bytes", tensor.bytes}};
        if (tensor.partOf) entry["part_of"] = checkpoint.tensors[*tensor.partOf].name;
        json.value(entry);
    }
    json.close();
    json.key("metadata"), json.open('{');
    for (const auto& [key, value] : checkpoint.metadata) json.key(key), print(json, value);
    json.close();
    json.close();
}

Result<void> run(Environment& environment, const std::string& path) {
    if (engine::isImportanceFile(path)) return showImportance(environment, path);
    QSCOPE_TRY(const auto checkpoint, environment.openCheckpoint(path));
    const std::string recognised = engine::recognised(*checkpoint, environment.registries());
    if (environment.options().json) {
        printJson(*checkpoint, recognised);
        return {};
    }
    fmt::print("{}: {}, {}\n", path, recognised, byteSize(engine::storedBytes(*checkpoint)));
    for (const auto& [key, value] : checkpoint->metadata) fmt::print("  {} = {}\n", shown(key), engine::describe(value));
    printTable({"tensor", "type", "shape", "size"}, checkpoint->tensors.size(), [&](std::size_t i) -> std::vector<std::string> {
        const auto& tensor = checkpoint->tensors[i];
        return {(tensor.partOf ? "  " : "") + shown(tensor.name), std::string(engine::typeName(tensor)), shapeText(tensor.shape), byteSize(tensor.bytes)};
    });
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
