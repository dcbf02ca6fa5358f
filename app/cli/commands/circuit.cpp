// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/circuit_file.h"
#include "app/cli/commands.h"
#include "plugins/sdk/widgets/circuit_painter.h"

#include <filesystem>

namespace qscope::cli {

namespace {

Result<void> run(Environment& environment, const std::string& path, const std::string& picture) {
    const auto extension = std::filesystem::path(picture).extension();
    if (!picture.empty() && extension != ".svg" && extension != ".png")
        return fail(ErrorCode::OutOfRange, "a drawing is .svg or .png, not '{}'", picture);
    QSCOPE_TRY(const auto file, readCircuit(environment, path));
    const auto& circuit = *file.circuit;
    if (!picture.empty()) {
        environment.subject = picture;
        QSCOPE_CHECK(drawCircuit(circuit, Theme::named(QStringLiteral("light")), picture));
    }
    const auto counts = engine::gateCounts(circuit);
    const int depth = engine::depth(circuit);
    std::string text = fmt::format("{}: OpenQASM {}, {} qubits, {} classical bits, {} operations, depth {}\n", path,
                                   circuit.version, circuit.qubits, circuit.clbits, circuit.operations.size(), depth);
    for (const auto& [name, count] : counts) text += fmt::format("  {} {}\n", count, name);
    for (const auto& entry : file.diagnostics) text += fmt::format("  line {}: {}\n", entry.span.line, entry.message);
    environment.print({{"version", circuit.version}, {"qubits", circuit.qubits}, {"clbits", circuit.clbits},
                       {"operations", circuit.operations.size()}, {"depth", depth}, {"gates", counts},
                       {"diagnostics", toJson(file.diagnostics)}},
                      text);
    return {};
}

} // namespace

void addCircuit(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("circuit", "What a circuit holds, and its drawing");
    command->footer("Example:\n  qscope circuit bell.qasm --draw bell.svg");
    const auto path = std::make_shared<std::string>();
    const auto picture = std::make_shared<std::string>();
    command->add_option("FILE", *path, "OpenQASM 2 file")->required();
    command->add_option("--draw", *picture, "Drawing to write, .svg or .png");
    command->callback([path, picture, &chosen] {
        chosen = [path, picture](Environment& environment) { return run(environment, *path, *picture); };
    });
}

} // namespace qscope::cli
