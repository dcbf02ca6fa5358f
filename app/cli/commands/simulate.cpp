// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/circuit_file.h"
#include "app/cli/commands.h"
#include "app/cli/npy.h"
#include "app/cli/plan_text.h"
#include "app/cli/table.h"
#include "engine/quantum/conventions.h"

namespace qscope::cli {

namespace {

struct SimulateOptions {
    std::string path;
    engine::SimulationRequest request;
    std::string precision = "double";
    std::string state;
    bool explain = false;
};

Result<void> run(Environment& environment, SimulateOptions options) {
    options.request.precision = options.precision == "single" ? engine::Precision::Single : engine::Precision::Double;
    options.request.seed = environment.options().seed;
    options.request.amplitudes = !options.state.empty();
    QSCOPE_TRY(const auto file, readCircuit(environment, options.path));
    for (const auto& observable : options.request.observables)
        if (auto pauli = engine::parsePauliFactors(observable, file.circuit->qubits); !pauli) {
            environment.subject = "--observable";
            return fail(ErrorCode::OutOfRange, "{}", pauli.error().message);
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
    if (!options.state.empty()) {
        environment.subject = options.state;
        QSCOPE_CHECK(writeAmplitudes(options.state, result.state, context));
    }

    Json probabilities = Json::array();
    Table table({"state", "probability"});
    for (const auto& entry : result.probabilities) {
        const std::string bits = entry.bits.empty() ? engine::bitString(entry.index, result.qubits) : entry.bits;
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
    const Json document{{"method", result.method}, {"device", result.device}, {"precision", result.precision == engine::Precision::Single ? "single" : "double"},
                        {"qubits", result.qubits}, {"gates", result.gates}, {"fused_gates", result.fusedGates},
                        {"seconds", result.seconds}, {"norm", result.norm}, {"probabilities", std::move(probabilities)},
                        {"counts", std::move(counts)}, {"expectations", std::move(expectations)},
                        {"fidelity", result.fidelity}, {"bond", result.bond}};
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
    command->footer("Example:\n  qscope simulate grover.qasm --shots 1000 --seed 1 --observable ZZI");
    const auto options = std::make_shared<SimulateOptions>();
    auto& request = options->request;
    command->add_option("FILE", options->path, "OpenQASM 2 file")->required();
    command->add_option("--method", request.method, "auto, or a simulator: statevector, stabilizer, mps")->capture_default_str();
    command->add_option("--precision", options->precision, "single or double")
        ->check(CLI::IsMember({"single", "double"}))->capture_default_str();
    command->add_option("--shots", request.shots, "Number of sampled runs")->check(CLI::Range(std::int64_t{0}, std::int64_t{100'000'000}));
    command->add_option("--observable", request.observables, "Pauli string, 'ZZI' (qubit 0 rightmost) or 'Z0 Z2'; may be repeated");
    command->add_option("--state", options->state, "Write all amplitudes to this .npy file");
    command->add_option("--top", request.top, "How many basis states to list")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--bond", request.bond, "mps: most singular values kept at a cut")->check(CLI::Range(1, 1 << 16))->capture_default_str();
    command->add_option("--cutoff", request.cutoff, "mps: most of the squared norm that one truncation drops below the bond")
        ->check(CLI::Range(0.0, 0.999999))->capture_default_str();
    command->add_flag("--explain", options->explain, "Say how it would run, and why, without running it");
    command->callback([options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
