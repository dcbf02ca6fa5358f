// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/circuit_file.h"
#include "app/cli/commands.h"
#include "app/cli/npy.h"
#include "app/cli/plan_text.h"
#include "app/cli/table.h"
#include "engine/quantum/conventions.h"
#include "engine/quantum/cutting/cutting.h"
#include "engine/quantum/sim/noise_json.h"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <map>
#include <utility>

namespace qscope::cli {

namespace {

struct SimulateOptions {
    std::string path;
    engine::SimulationRequest request;
    std::string precision = "double";
    std::string state;
    std::vector<std::string> parameters; ///< "theta=0.5"
    std::string noise;
    bool explain = false;
    int cut = 0; ///< most qubits of a piece; 0: not cut
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

/// A preset with its parameters, or a file.
Result<std::shared_ptr<const engine::NoiseModel>> readNoise(Environment& environment, const std::string& spec) {
    const bool file = spec.ends_with(".json") || std::filesystem::exists(spec);
    environment.subject = file ? spec : "--noise";
    engine::NoiseModel model;
    if (file) {
        QSCOPE_TRY(const Json json, readJsonFile(spec));
        auto read = engine::noiseFromJson(json);
        // Numbers in a file that are out of range make it a bad file, not wrong usage.
        if (!read) return fail(ErrorCode::Malformed, "{}", describe(read.error()));
        model = *std::move(read);
        if (model.name.empty()) model.name = spec;
    } else {
        QSCOPE_TRY(model, engine::makeNoisePreset(spec));
    }
    return std::make_shared<const engine::NoiseModel>(std::move(model));
}

/// The state vector or the density matrix, as an array for NumPy.
Result<void> writeState(Environment& environment, const std::string& path, const engine::SimulationResult& result,
                        const RunContext& context) {
    environment.subject = path;
    if (result.density) return writeDensity(path, *result.density, context);
    if (result.state.buffer) return writeAmplitudes(path, result.state, context);
    return fail(ErrorCode::Unsupported, "'{}' has no state to write", result.method);
}

/// Expectation values from pieces of the circuit; where none are asked for, Z of each qubit.
Result<void> runCut(Environment& environment, const engine::Circuit& circuit, const SimulateOptions& options) {
    QSCOPE_TRY(const auto cut, engine::planCut(circuit, options.cut));
    QSCOPE_TRY(const auto context, environment.context());
    environment.showProgress("Simulating pieces");
    auto observables = options.request.observables;
    if (observables.empty())
        for (int q = 0; q < circuit.qubits; ++q) observables.push_back(fmt::format("Z{}", q));
    const auto begin = std::chrono::steady_clock::now();
    Json expectations = Json::object();
    std::string text;
    for (const auto& observable : observables) {
        QSCOPE_TRY(const auto factors, engine::parsePauliFactors(observable, circuit.qubits));
        QSCOPE_TRY(const double value, engine::cutExpectation(circuit, cut, factors, context));
        expectations[observable] = value;
        text += fmt::format("<{}> = {:.9g}\n", observable, value);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto flat = engine::flatten(circuit);
    Json cuts = Json::array();
    std::string cutText;
    for (const std::size_t operation : cut.cutGates) {
        const auto& gate = std::get<engine::GateOp>(flat.operations[operation].what);
        const int line = flat.operations[operation].span.line;
        cuts.push_back({{"operation", operation}, {"gate", gate.name}, {"qubits", gate.qubits}, {"line", line}});
        cutText += fmt::format("  cut: {} {} (line {})\n", gate.name, fmt::join(gate.qubits, ","), line);
    }
    environment.print({{"method", "cutting"}, {"device", "CPU"}, {"precision", "double"}, {"qubits", circuit.qubits},
                       {"pieces", {cut.pieces[0], cut.pieces[1]}}, {"cuts", std::move(cuts)}, {"overhead", cut.overhead},
                       {"expectations", std::move(expectations)}, {"seconds", seconds}},
                      fmt::format("{}: {} qubits in pieces of {} and {}, {} cut gates, {:.4g} times the shots\n{}{}", options.path,
                                  circuit.qubits, cut.pieces[0].size(), cut.pieces[1].size(), cut.cutGates.size(), cut.overhead,
                                  cutText, text));
    return {};
}

std::string plusMinus(double value, double error, int digits) {
    return error == 0 ? fmt::format("{:.{}g}", value, digits) : fmt::format("{:.{}g} ± {:.2g}", value, digits, error);
}

Result<void> run(Environment& environment, SimulateOptions options) {
    options.request.precision = options.precision == "single" ? engine::Precision::Single : engine::Precision::Double;
    options.request.seed = environment.options().seed;
    options.request.amplitudes = !options.state.empty();
    environment.subject = "--param";
    QSCOPE_TRY(options.request.inputs, readParameters(options.parameters));
    QSCOPE_TRY(const auto file, readCircuit(environment, options.path));
    if (auto bound = engine::bindInputs(*file.circuit, options.request.inputs); !bound) {
        environment.subject = "--param";
        return fail(ErrorCode::OutOfRange, "{}", bound.error().message);
    }
    for (const auto& observable : options.request.observables)
        if (auto pauli = engine::parsePauliFactors(observable, file.circuit->qubits); !pauli) {
            environment.subject = "--observable";
            return fail(ErrorCode::OutOfRange, "{}", pauli.error().message);
        }
    if (options.cut > 0) {
        QSCOPE_TRY(const auto bound, engine::bindInputs(*file.circuit, options.request.inputs));
        return runCut(environment, bound, options);
    }
    if (!options.noise.empty()) {
        const std::string circuitFile = std::exchange(environment.subject, {});
        QSCOPE_TRY(options.request.noise, readNoise(environment, options.noise));
        environment.subject = circuitFile;
    }
    std::vector<const engine::Simulator*> simulators;
    for (const auto& simulator : environment.registries().simulators.items()) simulators.push_back(simulator.get());
    QSCOPE_TRY(const auto plan, engine::planSimulation(*file.circuit, options.request, simulators));
    if (options.explain) {
        environment.print(toJson(plan), toText(plan));
        return {};
    }
    QSCOPE_TRY(const auto context, environment.context());
    environment.showProgress("Simulating");
    QSCOPE_TRY(const auto result, engine::runPlan(plan, *file.circuit, options.request, context));
    if (!options.state.empty()) QSCOPE_CHECK(writeState(environment, options.state, result, context));

    Json probabilities = Json::array();
    const bool mean = result.trajectories > 0;
    Table table(mean ? std::vector<std::string>{"state", "probability", "error"} : std::vector<std::string>{"state", "probability"});
    for (const auto& entry : result.probabilities) {
        const std::string bits = entry.bits.empty() ? engine::bitString(entry.index, result.qubits) : entry.bits;
        probabilities.push_back({{"bits", bits}, {"p", entry.probability}});
        std::vector<std::string> row{bits, fmt::format("{:.6f}", entry.probability)};
        if (mean) {
            probabilities.back()["error"] = entry.error;
            row.push_back(fmt::format("{:.2g}", entry.error));
        }
        table.add(std::move(row));
    }
    Json counts = Json::object();
    Table countTable({"outcome", "count"});
    for (const auto& outcome : result.counts) {
        counts[outcome.bits] = outcome.count;
        countTable.add({outcome.bits, std::to_string(outcome.count)});
    }
    Json expectations = Json::object();
    Json errors = Json::object();
    std::string expectationText;
    for (const auto& value : result.expectations) {
        expectations[value.observable] = value.value;
        errors[value.observable] = value.error;
        expectationText += fmt::format("<{}> = {}\n", value.observable, plusMinus(value.value, value.error, 9));
    }
    const Json document{{"method", result.method}, {"device", result.device}, {"precision", result.precision == engine::Precision::Single ? "single" : "double"},
                        {"qubits", result.qubits}, {"gates", result.gates}, {"fused_gates", result.fusedGates},
                        {"seconds", result.seconds}, {"norm", result.norm}, {"probabilities", std::move(probabilities)},
                        {"counts", std::move(counts)}, {"expectations", std::move(expectations)},
                        {"errors", std::move(errors)}, {"fidelity", result.fidelity}, {"bond", result.bond},
                        {"trajectories", result.trajectories},
                        {"noise", options.request.noise ? Json(options.request.noise->name) : Json(nullptr)}};
    const std::string faith = result.bond > 0 ? fmt::format("bond {}, fidelity at least {:.9g}\n", result.bond, result.fidelity) : "";
    environment.print(document, fmt::format("{}: {} qubits, {} gates in {} passes, {:.3f} s, {} on {}\n{}{}{}{}", options.path,
                                            result.qubits, result.gates, result.fusedGates, result.seconds, result.method,
                                            result.device, faith, table.text(), result.counts.empty() ? "" : countTable.text(),
                                            expectationText));
    return {};
}

} // namespace

void addSimulate(CLI::App& program, Command& chosen) {
    auto* command = program.add_subcommand("simulate", "Runs a circuit: probabilities, sampled counts, expectation values");
    std::string presets;
    for (const auto& preset : engine::noisePresets()) presets += fmt::format("\n  {}: {}", preset.name, preset.summary);
    command->footer("Example:\n  qscope simulate grover.qasm --shots 1000 --seed 1 --observable ZZI\n"
                    "  qscope simulate grover.qasm --method density --noise depolarizing:p1=0.001,p2=0.01\n"
                    "  qscope simulate large.qasm --method trajectories --noise device.json --shots 2000 --observable 'Z0 Z9'\n"
                    "  qscope simulate wide.qasm --cut 5 --observable 'Z0 Z7'\n"
                    "Noise presets:" + presets);
    const auto options = std::make_shared<SimulateOptions>();
    auto& request = options->request;
    command->add_option("FILE", options->path, "OpenQASM 2 or 3 file")->required();
    command->add_option("--param", options->parameters, "Value of an input of the circuit, name=number; may be repeated");
    command->add_option("--method", request.method, "auto, or a simulator: statevector, stabilizer, mps; with noise density, trajectories, pauli_transfer")->capture_default_str();
    command->add_option("--precision", options->precision, "single or double")
        ->check(CLI::IsMember({"single", "double"}))->capture_default_str();
    command->add_option("--shots", request.shots, "Number of sampled runs")->check(CLI::Range(std::int64_t{0}, std::int64_t{100'000'000}));
    command->add_option("--observable", request.observables, "Pauli string, 'ZZI' (qubit 0 rightmost) or 'Z0 Z2'; may be repeated");
    command->add_option("--noise", options->noise, "Noise model: a .json file, or a preset such as depolarizing:p1=0.001,p2=0.01");
    command->add_option("--state", options->state, "Write all amplitudes, or the density matrix, to this .npy file");
    command->add_option("--top", request.top, "How many basis states to list")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--bond", request.bond, "mps: most singular values kept at a cut")->check(CLI::Range(1, 1 << 16))->capture_default_str();
    command->add_option("--cutoff", request.cutoff, "mps: most of the squared norm that one truncation drops below the bond")
        ->check(CLI::Range(0.0, 0.999999))->capture_default_str();
    auto* cut = command->add_option("--cut", options->cut, "Expectation values from two pieces of at most this many qubits")
                    ->check(CLI::Range(1, 20));
    for (const char* other : {"--shots", "--noise", "--state", "--method", "--precision"}) cut->excludes(command->get_option(other));
    command->add_flag("--explain", options->explain, "Say how it would run, and why, without running it");
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
