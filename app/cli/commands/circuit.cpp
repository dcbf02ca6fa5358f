// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/circuit_file.h"
#include "app/cli/commands.h"
#include "engine/core/atomic_file.h"
#include "engine/quantum/library/library.h"
#include "engine/quantum/qasm/parse.h"
#include "engine/quantum/qasm/writer.h"
#include "plugins/sdk/widgets/circuit_painter.h"

#include <filesystem>

namespace qscope::cli {

namespace {

struct CircuitOptions {
    std::string path;
    std::string library; ///< instead of a path: a circuit of the library and its parameters
    bool listed = false;
    std::string picture;
    std::string output;
    int version = 0; ///< of the text written; 0: that of the file
};

Json inputNames(const engine::Circuit& circuit) {
    Json names = Json::array();
    for (const auto& input : circuit.inputs) names.push_back(input.name);
    return names;
}

/// Writes the circuit as text and reads it back before the file appears under its name.
Result<void> write(Environment& environment, const engine::Circuit& circuit, const CircuitOptions& options) {
    const bool two = options.version == 2 || (options.version == 0 && circuit.version.starts_with('2'));
    QSCOPE_TRY(const std::string text, two ? engine::toOpenQasm2(circuit) : engine::toOpenQasm3(circuit));
    environment.subject = options.output;
    if (!engine::parseQasm(text).circuit) return fail(ErrorCode::Malformed, "what was written cannot be read again");
    return writeFileAtomically(options.output, text);
}

std::string typeOf(const engine::LibraryValue& value) {
    constexpr const char* kNames[] = {"flag", "integer", "real", "choice"}; // in the order of the variant
    return kNames[value.index()];
}

Json described(const engine::LibraryCircuit& circuit) {
    Json parameters = Json::array();
    for (const auto& parameter : circuit.parameters) {
        Json row{{"key", parameter.key}, {"label", parameter.label}, {"type", typeOf(parameter.byDefault)}, {"help", parameter.help},
                 {"default", std::visit([](const auto& value) { return Json(value); }, parameter.byDefault)}};
        if (parameter.minimum < parameter.maximum) row["range"] = {parameter.minimum, parameter.maximum};
        if (!parameter.choices.empty()) row["choices"] = parameter.choices;
        parameters.push_back(std::move(row));
    }
    return {{"id", circuit.id}, {"name", circuit.name}, {"group", circuit.group}, {"summary", circuit.summary},
            {"reference", circuit.reference}, {"parameters", std::move(parameters)}};
}

/// "  qubits=4 (1 to 24): Qubits"
std::string described(const engine::LibraryParameter& parameter) {
    std::string range;
    if (parameter.minimum < parameter.maximum) range = fmt::format(" ({:.8g} to {:.8g})", parameter.minimum, parameter.maximum);
    if (!parameter.choices.empty()) range = fmt::format(" ({})", fmt::join(parameter.choices, ", "));
    return fmt::format("    {}={}{}: {}{}\n", parameter.key, engine::valueText(parameter.byDefault), range, parameter.label,
                       parameter.help.empty() ? "" : ". " + parameter.help);
}

Result<void> listLibrary(const Environment& environment) {
    Json circuits = Json::array();
    std::string text, group;
    for (const auto& circuit : engine::circuitLibrary()) {
        circuits.push_back(described(circuit));
        if (circuit.group != group) text += fmt::format("{}{}\n", group.empty() ? "" : "\n", circuit.group);
        group = circuit.group;
        text += fmt::format("  {}: {}. {}\n", circuit.id, circuit.name, circuit.summary);
        for (const auto& parameter : circuit.parameters) text += described(parameter);
    }
    environment.print({{"circuits", std::move(circuits)}}, text);
    return {};
}

/// The circuit that a library makes, drawn and written as a file's would be.
Result<CircuitFile> fromLibrary(Environment& environment, const CircuitOptions& options, std::string& program) {
    environment.subject.clear();
    QSCOPE_TRY(const auto spec, engine::parseLibrarySpec(options.library));
    QSCOPE_TRY(program, engine::libraryProgram(spec));
    auto parsed = engine::parseQasm(program);
    if (!parsed.circuit) return fail(ErrorCode::Malformed, "what the library made cannot be read");
    return CircuitFile{std::move(parsed.circuit), std::move(parsed.diagnostics)};
}

Result<void> run(Environment& environment, const CircuitOptions& options) {
    const auto& [givenPath, library, listed, picture, output, version] = options;
    if (givenPath.empty() == !listed) return fail(ErrorCode::OutOfRange, "name one circuit: a file, or --library");
    if (listed && library.empty()) return listLibrary(environment);
    const auto extension = std::filesystem::path(picture).extension();
    if (!picture.empty() && extension != ".svg" && extension != ".png")
        return fail(ErrorCode::OutOfRange, "a drawing is .svg or .png, not '{}'", picture);
    std::string program;
    QSCOPE_TRY(const auto file, listed ? fromLibrary(environment, options, program) : readCircuit(environment, givenPath));
    const auto& circuit = *file.circuit;
    const std::string& path = listed ? library : givenPath;
    if (!picture.empty()) {
        environment.subject = picture;
        QSCOPE_CHECK(drawCircuit(circuit, Theme::named(QStringLiteral("light")), picture));
    }
    if (listed && !output.empty() && version == 0) {
        environment.subject = output;
        QSCOPE_CHECK(writeFileAtomically(output, program)); // with its comments
    } else if (!output.empty()) {
        QSCOPE_CHECK(write(environment, circuit, options));
    }
    const auto counts = engine::gateCounts(circuit);
    const int depth = engine::depth(circuit);
    std::string text = fmt::format("{}: OpenQASM {}, {} qubits, {} classical bits, {} operations, depth {}\n", path,
                                   circuit.version, circuit.qubits, circuit.clbits, circuit.operations.size(), depth);
    for (const auto& [name, count] : counts) text += fmt::format("  {} {}\n", count, name);
    for (const auto& entry : file.diagnostics) text += fmt::format("  line {}: {}\n", entry.span.line, entry.message);
    Json document{{"version", circuit.version}, {"qubits", circuit.qubits}, {"clbits", circuit.clbits},
                  {"operations", circuit.operations.size()}, {"depth", depth}, {"gates", counts},
                  {"inputs", inputNames(circuit)}, {"diagnostics", toJson(file.diagnostics)}};
    if (listed) document["text"] = program;
    // Without a file to write to, a circuit of the library is what its user wants to see.
    environment.print(document, listed && output.empty() && picture.empty() ? program : text);
    return {};
}

} // namespace

void addCircuit(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("circuit", "What a circuit holds, its drawing, its text in another version; ready circuits");
    command->footer("Example:\n  qscope circuit bell.qasm --draw bell.svg\n  qscope circuit bell.qasm --as 3 -o bell3.qasm\n"
                    "  qscope circuit --library\n  qscope circuit --library grover:qubits=5,marked=19 -o grover.qasm");
    const auto options = std::make_shared<CircuitOptions>();
    command->add_option("FILE", options->path, "OpenQASM 2 or 3 file");
    auto* library = command->add_option("--library", options->library,
                                        "A ready circuit, ID or ID:key=value,key=value, instead of a file; alone: list them")
                        ->expected(0, 1);
    command->add_option("--draw", options->picture, "Drawing to write, .svg or .png");
    auto* output = command->add_option("-o,--output", options->output, "Text to write, .qasm");
    command->add_option("--as", options->version, "Version of the text, 2 or 3; the file's own when not given")
        ->check(CLI::IsMember({2, 3}))->needs(output);
    command->callback([options, library, &chosen] {
        options->listed = library->count() > 0;
        chosen = [options](Environment& environment) { return run(environment, *options); };
    });
}

} // namespace qscope::cli
