// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/circuit_file.h"
#include "app/cli/commands.h"
#include "engine/core/atomic_file.h"
#include "engine/quantum/qasm/parse.h"
#include "engine/quantum/qasm/writer.h"
#include "plugins/sdk/widgets/circuit_painter.h"

#include <filesystem>

namespace qscope::cli {

namespace {

struct CircuitOptions {
    std::string path;
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

Result<void> run(Environment& environment, const CircuitOptions& options) {
    const auto& [path, picture, output, version] = options;
    const auto extension = std::filesystem::path(picture).extension();
    if (!picture.empty() && extension != ".svg" && extension != ".png")
        return fail(ErrorCode::OutOfRange, "a drawing is .svg or .png, not '{}'", picture);
    QSCOPE_TRY(const auto file, readCircuit(environment, path));
    const auto& circuit = *file.circuit;
    if (!picture.empty()) {
        environment.subject = picture;
        QSCOPE_CHECK(drawCircuit(circuit, Theme::named(QStringLiteral("light")), picture));
    }
    if (!output.empty()) QSCOPE_CHECK(write(environment, circuit, options));
    const auto counts = engine::gateCounts(circuit);
    const int depth = engine::depth(circuit);
    std::string text = fmt::format("{}: OpenQASM {}, {} qubits, {} classical bits, {} operations, depth {}\n", path,
                                   circuit.version, circuit.qubits, circuit.clbits, circuit.operations.size(), depth);
    for (const auto& [name, count] : counts) text += fmt::format("  {} {}\n", count, name);
    for (const auto& entry : file.diagnostics) text += fmt::format("  line {}: {}\n", entry.span.line, entry.message);
    environment.print({{"version", circuit.version}, {"qubits", circuit.qubits}, {"clbits", circuit.clbits},
                       {"operations", circuit.operations.size()}, {"depth", depth}, {"gates", counts},
                       {"inputs", inputNames(circuit)}, {"diagnostics", toJson(file.diagnostics)}},
                      text);
    return {};
}

} // namespace

void addCircuit(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("circuit", "What a circuit holds, its drawing, and its text in another version");
    command->footer("Example:\n  qscope circuit bell.qasm --draw bell.svg\n  qscope circuit bell.qasm --as 3 -o bell3.qasm");
    const auto options = std::make_shared<CircuitOptions>();
    command->add_option("FILE", options->path, "OpenQASM 2 or 3 file")->required();
    command->add_option("--draw", options->picture, "Drawing to write, .svg or .png");
    auto* output = command->add_option("-o,--output", options->output, "Text to write, .qasm");
    command->add_option("--as", options->version, "Version of the text, 2 or 3; the file's own when not given")
        ->check(CLI::IsMember({2, 3}))->needs(output);
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
