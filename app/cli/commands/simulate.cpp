// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/circuit_file.h"
#include "app/cli/commands.h"
#include "app/cli/npy.h"
#include "app/cli/table.h"
#include "engine/quantum/conventions.h"

#include <charconv>
#include <map>

namespace qscope::cli {

namespace {

struct SimulateOptions {
    std::string path;
    engine::SimulationRequest request;
    std::string precision = "double";
    std::string state;
    std::vector<std::string> parameters; ///< "theta=0.5"
};

/// "name=number", each name once.
Result<std::map<std::string, double>> readParameters(const std::vector<std::string>& texts) {
    std::map<std::string, double> values;
    for (const std::string& text : texts) {
        const std::size_t sign = text.find('=');
        double value = 0;
        const char* const end = text.data() + text.size();
        const auto read = sign == std::string::npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                                    : std::from_chars(text.data() + sign + 1, end, value);
        if (sign == 0 || read.ec != std::errc{} || read.ptr != end)
            return fail(ErrorCode::OutOfRange, "'{}' is not of the form name=number", text);
        if (!values.emplace(text.substr(0, sign), value).second)
            return fail(ErrorCode::OutOfRange, "'{}' is given twice", text.substr(0, sign));
    }
    return values;
}

/// The first simulator that takes the circuit, or the named one; otherwise each one's reason.
Result<const engine::Simulator*> choose(const engine::Registries& registries, const engine::Circuit& circuit,
                                        const engine::SimulationRequest& request) {
    std::string known;
    Error refusal{ErrorCode::Unsupported, "no simulator is available", {}};
    for (const auto& simulator : registries.simulators.items()) {
        known += (known.empty() ? "" : ", ") + simulator->id();
        if (request.method != "auto" && request.method != simulator->id()) continue;
        auto accepted = simulator->accepts(circuit, request);
        if (accepted) return simulator.get();
        refusal = std::move(accepted).error();
        if (request.method != "auto") break;
    }
    if (request.method != "auto" && !registries.simulators.find(request.method))
        return fail(ErrorCode::OutOfRange, "unknown method '{}'; there are auto, {}", request.method, known);
    return tl::unexpected<Error>(std::move(refusal));
}

Result<void> run(Environment& environment, SimulateOptions options) {
    options.request.precision = options.precision == "single" ? engine::Precision::Single : engine::Precision::Double;
    options.request.seed = environment.options().seed;
    environment.subject = "--param";
    QSCOPE_TRY(options.request.inputs, readParameters(options.parameters));
    QSCOPE_TRY(const auto file, readCircuit(environment, options.path));
    if (auto bound = engine::bindInputs(*file.circuit, options.request.inputs); !bound) {
        environment.subject = "--param";
        return fail(ErrorCode::OutOfRange, "{}", bound.error().message);
    }
    for (const auto& observable : options.request.observables)
        if (auto pauli = engine::parsePauli(observable, file.circuit->qubits); !pauli) {
            environment.subject = "--observable";
            return fail(ErrorCode::OutOfRange, "{}", pauli.error().message);
        }
    QSCOPE_TRY(const auto* simulator, choose(environment.registries(), *file.circuit, options.request));
    QSCOPE_TRY(const auto context, environment.context());
    environment.showProgress("Simulating");
    QSCOPE_TRY(const auto result, simulator->run(*file.circuit, options.request, context));
    if (!options.state.empty()) {
        environment.subject = options.state;
        QSCOPE_CHECK(writeAmplitudes(options.state, result.state, context));
    }

    Json probabilities = Json::array();
    Table table({"state", "probability"});
    for (const auto& entry : result.probabilities) {
        const std::string bits = engine::bitString(entry.index, result.qubits);
        probabilities.push_back({{"bits", bits}, {"p", entry.probability}});
        table.add({bits, fmt::format("{:.6f}", entry.probability)});
    }
    Json counts = Json::object();
    Table countTable({"outcome", "count"});
    for (const auto& outcome : result.counts) {
        counts[outcome.bits] = outcome.count;
        countTable.add({outcome.bits, std::to_string(outcome.count)});
    }
    Json expectations = Json::object();
    std::string expectationText;
    for (const auto& value : result.expectations) {
        expectations[value.observable] = value.value;
        expectationText += fmt::format("<{}> = {:.9g}\n", value.observable, value.value);
    }
    const Json document{{"method", result.method}, {"device", result.device}, {"precision", options.precision},
                        {"qubits", result.qubits}, {"gates", result.gates}, {"fused_gates", result.fusedGates},
                        {"seconds", result.seconds}, {"norm", result.norm}, {"probabilities", std::move(probabilities)},
                        {"counts", std::move(counts)}, {"expectations", std::move(expectations)},
                        {"fidelity", result.fidelity}};
    environment.print(document, fmt::format("{}: {} qubits, {} gates in {} passes, {:.3f} s, {} on {}\n{}{}{}", options.path,
                                            result.qubits, result.gates, result.fusedGates, result.seconds, result.method,
                                            result.device, table.text(), result.counts.empty() ? "" : countTable.text(),
                                            expectationText));
    return {};
}

} // namespace

void addSimulate(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("simulate", "Runs a circuit: probabilities, sampled counts, expectation values");
    command->footer("Example:\n  qscope simulate grover.qasm --shots 1000 --seed 1 --observable ZZI");
    const auto options = std::make_shared<SimulateOptions>();
    auto& request = options->request;
    command->add_option("FILE", options->path, "OpenQASM 2 or 3 file")->required();
    command->add_option("--param", options->parameters, "Value of an input of the circuit, name=number; may be repeated");
    command->add_option("--method", request.method, "auto or a simulator, such as statevector")->capture_default_str();
    command->add_option("--precision", options->precision, "single or double")
        ->check(CLI::IsMember({"single", "double"}))->capture_default_str();
    command->add_option("--shots", request.shots, "Number of sampled runs")->check(CLI::Range(std::int64_t{0}, std::int64_t{100'000'000}));
    command->add_option("--observable", request.observables, "Pauli string, 'ZZI' (qubit 0 rightmost) or 'Z0 Z2'; may be repeated");
    command->add_option("--state", options->state, "Write all amplitudes to this .npy file");
    command->add_option("--top", request.top, "How many basis states to list")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
