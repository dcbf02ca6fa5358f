// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/circuit_file.h"
#include "app/cli/commands.h"
#include "app/cli/table.h"
#include "engine/quantum/hamiltonian/ground_state.h"
#include "engine/quantum/hamiltonian/thermal.h"
#include "engine/quantum/hamiltonian/timeline.h"
#include "engine/quantum/sim/simulation.h"

#include <algorithm>
#include <cmath>

namespace qscope::cli {

namespace {

using engine::PauliSum;

constexpr std::size_t kShownTerms = 50; ///< as text; JSON has them all

struct HamiltonianOptions {
    std::string path;
    int qubits = 0;
    int ground = 0;
    double temperature = -1; ///< below 0: none
    double time = 0;
    int points = 20;
    int trotter = 0;
    int order = 2;
    std::string from;
    std::string circuit;
    std::vector<std::string> observables;
    double decay = 0, dephasing = 0;
};

/// What a command has to say so far, in both forms.
struct Report {
    Json document;
    std::string text;
};

Result<PauliSum> readSum(Environment& environment, const HamiltonianOptions& options) {
    QSCOPE_TRY(const auto text, environment.readText(options.path));
    const auto first = text.find_first_not_of(" \t\r\n");
    const bool json = first != std::string::npos && text[first] == '{';
    auto sum = json ? parseJson(text).and_then([](const Json& read) { return engine::pauliSumFromJson(read); })
                    : engine::parsePauliSum(text, options.qubits);
    if (!sum) return badInput(std::move(sum.error()));
    if (sum->terms.empty()) return fail(ErrorCode::Malformed, "a Pauli sum without terms");
    return sum;
}

Json toJson(const PauliSum& sum, const std::vector<std::vector<std::size_t>>& groups) {
    Json result = Json::array();
    for (const auto& group : groups) {
        Json members = Json::array();
        for (const std::size_t term : group) members.push_back(engine::letters(sum.terms[term].string, sum.qubits));
        result.push_back(std::move(members));
    }
    return result;
}

void describe(const PauliSum& sum, Report& report) {
    const auto qubitwise = engine::qubitwiseGroups(sum), commuting = engine::commutingGroups(sum);
    report.document = engine::toJson(sum);
    report.document["groups"] = {{"qubitwise", toJson(sum, qubitwise)}, {"commuting", toJson(sum, commuting)}};
    Table table({"string", "coefficient", "group"});
    for (std::size_t k = 0; k < std::min(sum.terms.size(), kShownTerms); ++k) {
        const auto group =
            std::ranges::find_if(qubitwise, [&](const auto& g) { return std::ranges::find(g, k) != g.end(); });
        table.add({engine::letters(sum.terms[k].string, sum.qubits), fmt::format("{:.9g}", sum.terms[k].coefficient),
                   std::to_string(group - qubitwise.begin() + 1)});
    }
    report.text = fmt::format("{} qubits, {} terms; {} groups measured qubit by qubit, {} of commuting terms\n{}",
                              sum.qubits, sum.terms.size(), qubitwise.size(), commuting.size(), table.text());
    if (sum.terms.size() > kShownTerms) report.text += fmt::format("and {} more\n", sum.terms.size() - kShownTerms);
}

Result<void> addGround(Environment& environment, const PauliSum& sum, int count, Report& report) {
    QSCOPE_TRY(const auto context, environment.context());
    environment.showProgress("Looking for the lowest states");
    engine::LanczosOptions lanczos;
    lanczos.seed = environment.options().seed + 1;
    QSCOPE_TRY(const auto states, engine::lowestStates(sum, count, lanczos, context));
    Json rows = Json::array();
    Table table({"state", "energy", "residual"});
    for (std::size_t k = 0; k < states.size(); ++k) {
        rows.push_back({{"energy", states[k].energy}, {"residual", states[k].residual}});
        table.add(
            {std::to_string(k), fmt::format("{:.12g}", states[k].energy), fmt::format("{:.2g}", states[k].residual)});
    }
    report.document["lowest"] = std::move(rows);
    report.text += table.text();
    return {};
}

Result<void> addThermal(Environment& environment, const PauliSum& sum, double temperature, Report& report) {
    QSCOPE_TRY(const auto context, environment.context());
    QSCOPE_TRY(const auto state, engine::thermalState(sum, temperature == 0 ? INFINITY : 1 / temperature, context));
    report.document["thermal"] = {{"temperature", temperature}, {"energy", state.energy},
                                  {"entropy", state.entropy},   {"free_energy", state.freeEnergy},
                                  {"energies", state.energies}, {"populations", state.populations}};
    report.text += fmt::format("temperature {:g}: energy {:.9g}, entropy {:.9g} nats, free energy {:.9g}\n",
                               temperature, state.energy, state.entropy, state.freeEnergy);
    return {};
}

/// A basis state, or what a circuit ends in.
Result<engine::StateVector> startOf(Environment& environment, const PauliSum& sum, const HamiltonianOptions& options,
                                    const RunContext& context) {
    if (sum.qubits > 26) return fail(ErrorCode::OutOfRange, "evolution of {} qubits; 26 are the limit", sum.qubits);
    QSCOPE_TRY(const int fits, engine::vectorsThatFit(sum.qubits, 12, 12));
    static_cast<void>(fits);
    engine::StateVector start(std::size_t{1} << sum.qubits);
    if (options.circuit.empty()) {
        std::size_t index = 0;
        for (const char bit : options.from) index = 2 * index + (bit == '1' ? 1 : 0);
        if (!options.from.empty() && (options.from.size() != static_cast<std::size_t>(sum.qubits) ||
                                      options.from.find_first_not_of("01") != std::string::npos)) {
            environment.subject = "--from";
            return fail(ErrorCode::OutOfRange, "'{}' is not {} bits", options.from, sum.qubits);
        }
        start[index] = 1;
        return start;
    }
    environment.subject = options.circuit;
    QSCOPE_TRY(const auto file, readCircuit(environment, options.circuit));
    if (file.circuit->qubits != sum.qubits)
        return fail(ErrorCode::Unsupported, "a circuit of {} qubits before a Hamiltonian on {}", file.circuit->qubits,
                    sum.qubits);
    engine::SimulationRequest request;
    request.seed = environment.options().seed;
    request.top = 0;
    QSCOPE_TRY(const auto result, engine::makeStatevectorSimulator()->run(*file.circuit, request, context));
    QSCOPE_CHECK(context.backend.amplitudes(*result.state.buffer, 0, start));
    environment.subject = options.path;
    return start;
}

/// Amplitude damping and dephasing of every qubit.
std::vector<engine::Jump> jumpsOf(const HamiltonianOptions& options, int qubits) {
    std::vector<engine::Jump> jumps;
    for (int q = 0; q < qubits; ++q) {
        if (options.decay > 0) jumps.push_back({{q}, {0, 1, 0, 0}, options.decay});
        // Z at half the rate: coherences fall with the rate itself.
        if (options.dephasing > 0) jumps.push_back({{q}, {1, 0, 0, -1}, options.dephasing / 2});
    }
    return jumps;
}

Json toJson(const std::vector<engine::Moment>& moments, const std::vector<std::string>& names) {
    Json times = Json::array(), energies = Json::array(), values = Json::object();
    for (const auto& name : names) values[name] = Json::array();
    for (const auto& moment : moments) {
        times.push_back(moment.time);
        energies.push_back(moment.energy);
        for (std::size_t k = 0; k < names.size(); ++k) values[names[k]].push_back(moment.values[k]);
    }
    return {{"times", std::move(times)}, {"energy", std::move(energies)}, {"expectations", std::move(values)}};
}

Result<void> addEvolution(Environment& environment, const PauliSum& sum, const HamiltonianOptions& options,
                          Report& report) {
    engine::TimelineRequest request;
    request.time = options.time;
    request.intervals = options.points;
    request.trotterSteps = options.trotter;
    request.trotterOrder = options.order;
    for (const auto& text : options.observables) {
        const auto pauli = engine::parsePauli(text, sum.qubits);
        if (!pauli) {
            environment.subject = "--observable";
            return fail(ErrorCode::OutOfRange, "{}", pauli.error().message);
        }
        request.observables.push_back({sum.qubits, {{*pauli, 1}}});
    }
    QSCOPE_TRY(const auto context, environment.context());
    QSCOPE_TRY(const auto start, startOf(environment, sum, options, context));
    environment.showProgress("Evolving");
    const auto jumps = jumpsOf(options, sum.qubits);
    QSCOPE_TRY(const auto line, jumps.empty() ? engine::timeline(sum, start, request, context)
                                              : engine::noisyTimeline(sum, jumps, start, request, context));
    report.document["evolution"] = toJson(line.exact, options.observables);
    report.document["evolution"]["decay"] = options.decay;
    report.document["evolution"]["dephasing"] = options.dephasing;
    std::vector<std::string> header{"time", "energy"};
    for (const auto& name : options.observables) header.push_back("<" + name + ">");
    const bool formula = options.trotter > 0;
    if (formula) {
        Json trotter = toJson(line.trotter, options.observables);
        trotter["steps"] = options.trotter;
        trotter["order"] = options.order;
        trotter["errors"] = line.trotterErrors;
        report.document["evolution"]["trotter"] = std::move(trotter);
        header.insert(header.end(), {"energy by formula", "error"});
    }
    Table table(header);
    for (std::size_t k = 0; k < line.exact.size(); ++k) {
        std::vector<std::string> row{fmt::format("{:g}", line.exact[k].time),
                                     fmt::format("{:.9g}", line.exact[k].energy)};
        for (const double value : line.exact[k].values) row.push_back(fmt::format("{:.9f}", value));
        if (formula) {
            row.push_back(fmt::format("{:.9g}", line.trotter[k].energy));
            row.push_back(fmt::format("{:.2e}", line.trotterErrors[k]));
        }
        table.add(std::move(row));
    }
    report.text += table.text();
    return {};
}

Result<void> run(Environment& environment, const HamiltonianOptions& options) {
    QSCOPE_TRY(const PauliSum sum, readSum(environment, options));
    Report report;
    describe(sum, report);
    if (options.ground > 0) QSCOPE_CHECK(addGround(environment, sum, options.ground, report));
    if (options.temperature >= 0) QSCOPE_CHECK(addThermal(environment, sum, options.temperature, report));
    if (options.time != 0) QSCOPE_CHECK(addEvolution(environment, sum, options, report));
    environment.print(report.document, report.text);
    return {};
}

} // namespace

void addHamiltonian(CLI::App& program, Command& chosen) {
    auto* command =
        program.add_subcommand("hamiltonian", "A Pauli sum: terms, groups, lowest and thermal energies, evolution");
    command->footer(
        "Example:\n  qscope hamiltonian ising.txt --ground 3 --temperature 0.5\n"
        "  qscope hamiltonian ising.txt --evolve 4 --points 40 --from 0001 --observable Z0 --trotter 5\n"
        "  qscope hamiltonian ising.txt --evolve 4 --circuit start.qasm --decay 0.1 --dephasing 0.05\n"
        "FILE: terms such as '- 1.2 Z0 Z1' or '0.5 * XXI' (qubit 0 rightmost), or {\"terms\": [[\"ZZ\", 0.5]]}.\n"
        "Energies and temperatures are in the units of the coefficients, times in one over these.");
    const auto options = std::make_shared<HamiltonianOptions>();
    command->add_option("FILE", options->path, "Pauli sum as text or JSON")->required();
    command->add_option("--qubits", options->qubits, "Qubits of a text; else as many as it speaks of")
        ->check(CLI::Range(1, 64));
    command->add_option("--ground", options->ground, "So many of the lowest eigenstates")->check(CLI::Range(1, 64));
    command
        ->add_option("--temperature", options->temperature, "The thermal state at this temperature (at most 10 qubits)")
        ->check(CLI::Range(0.0, 1e300));
    auto* evolve = command->add_option("--evolve", options->time, "Evolution up to this time");
    const auto needsTime = [evolve](CLI::Option* option) {
        option->needs(evolve);
        return option;
    };
    needsTime(command->add_option("--points", options->points, "Intervals between the times that are listed"))
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    auto* from = needsTime(
        command->add_option("--from", options->from, "Basis state to begin with (qubit 0 rightmost); else all zeros"));
    needsTime(command->add_option("--circuit", options->circuit, "OpenQASM file whose final state to begin with"))
        ->excludes(from);
    needsTime(command->add_option("--observable", options->observables,
                                  "Pauli string to follow, 'ZZI' or 'Z0 Z2'; may be repeated"));
    auto* trotter = needsTime(command->add_option("--trotter", options->trotter,
                                                  "Steps of a product formula in each interval, with its error"));
    trotter->check(CLI::Range(1, 1'000'000));
    command->add_option("--order", options->order, "Order of the product formula: 1, 2 or 4")
        ->check(CLI::IsMember({1, 2, 4}))
        ->capture_default_str()
        ->needs(trotter);
    for (auto [name, into, help] :
         {std::tuple{"--decay", &options->decay, "Rate at which every qubit falls to 0 (at most 7 qubits)"},
          std::tuple{"--dephasing", &options->dephasing, "Rate at which every qubit loses its phase"}})
        needsTime(command->add_option(name, *into, help))->check(CLI::Range(0.0, 1e9))->excludes(trotter);
    command->callback(
        [options, &chosen] { chosen = [options](Environment& environment) { return run(environment, *options); }; });
}

} // namespace qscope::cli
