// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/gradient/gradient.h"
#include "app/cli/circuit_file.h"
#include "app/cli/commands.h"
#include "app/cli/table.h"

#include <chrono>

namespace qscope::cli {

namespace {

struct GradientOptions {
    std::string path;
    std::vector<std::string> observables;
    std::string method = "adjoint";
};

Result<void> run(Environment& environment, const GradientOptions& options) {
    QSCOPE_TRY(const auto file, readCircuit(environment, options.path));
    const auto& circuit = *file.circuit;
    std::vector<engine::PauliTerm> terms;
    for (const auto& text : options.observables) {
        const auto pauli = engine::parsePauli(text, circuit.qubits);
        if (!pauli) {
            environment.subject = "--observable";
            return fail(ErrorCode::OutOfRange, "{}", pauli.error().message);
        }
        terms.push_back({*pauli, 1});
    }
    const auto method = options.method == "adjoint"           ? engine::GradientMethod::Adjoint
                        : options.method == "parameter-shift" ? engine::GradientMethod::ParameterShift
                                                              : engine::GradientMethod::FiniteDifference;
    const auto parameters = engine::parametersOf(circuit);
    QSCOPE_TRY(const auto context, environment.context());
    environment.showProgress("Differentiating");
    const auto begin = std::chrono::steady_clock::now();
    QSCOPE_TRY(const auto gradient, engine::gradientOf(circuit, parameters, terms, method, context));
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

    const auto flat = engine::flatten(circuit);
    Json rows = Json::array();
    Table table({"gate", "line", "angle", "slope"});
    for (std::size_t k = 0; k < parameters.size(); ++k) {
        const auto& operation = flat.operations[parameters[k].operation];
        const auto& gate = std::get<engine::GateOp>(operation.what);
        const double value = gate.parameters[static_cast<std::size_t>(parameters[k].index)];
        rows.push_back({{"operation", parameters[k].operation},
                        {"index", parameters[k].index},
                        {"gate", gate.name},
                        {"qubits", gate.qubits},
                        {"line", operation.span.line},
                        {"value", value}});
        table.add({fmt::format("{} {}", gate.name, fmt::join(gate.qubits, ",")), std::to_string(operation.span.line),
                   fmt::format("{:.6g}", value), fmt::format("{:.9g}", gradient.slopes[k])});
    }
    environment.print({{"parameters", std::move(rows)},
                       {"value", gradient.value},
                       {"gradient", gradient.slopes},
                       {"with", options.method},
                       {"runs", gradient.runs},
                       {"seconds", seconds}},
                      fmt::format("value {:.12g}, {} angles, {} runs, {:.3f} s\n{}", gradient.value, parameters.size(),
                                  gradient.runs, seconds, table.text()));
    return {};
}

} // namespace

void addGradient(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("gradient", "How an observable changes with each angle of a circuit");
    command->footer(
        "Example:\n  qscope gradient ansatz.qasm --observable ZZI --observable IZZ\nSeveral observables are added up. "
        "Runs on the CPU in double precision.");
    const auto options = std::make_shared<GradientOptions>();
    command->add_option("FILE", options->path, "OpenQASM file")->required();
    command
        ->add_option("--observable", options->observables,
                     "Pauli string, 'ZZI' (qubit 0 rightmost) or 'Z0 Z2'; may be repeated")
        ->required();
    command->add_option("--with", options->method, "adjoint, parameter-shift or finite")
        ->check(CLI::IsMember({"adjoint", "parameter-shift", "finite"}))
        ->capture_default_str();
    command->callback(
        [options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
