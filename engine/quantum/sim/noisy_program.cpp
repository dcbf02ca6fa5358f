// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/noisy_program.h"

#include "engine/quantum/conventions.h"
#include "engine/quantum/gates.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/sim/trajectory.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr std::size_t kMostSteps = 16'000'000; ///< about 2 GB; a file can ask for a hundred thousand channels after each gate

std::size_t registerOf(const std::vector<Register>& cregs, int clbit) {
    return static_cast<std::size_t>(std::ranges::upper_bound(cregs, clbit, {}, &Register::first) - cregs.begin()) - 1;
}

/// Puts a model's channels between the operations of a circuit.
class Weaver {
public:
    Weaver(NoisyProgram& program, const NoiseModel* model)
        : m_program(program), m_model(model), m_clock(static_cast<std::size_t>(program.qubits)) {
        if (!model) return;
        for (const NoiseRule& rule : model->rules) m_channels.push_back(std::make_shared<const Channel>(rule.channel));
        m_relaxes = std::isfinite(model->decay.all.t1) || std::isfinite(model->decay.all.t2) || !model->decay.of.empty();
    }

    Result<void> gate(const GateOp& gate, const std::optional<Condition>& condition) {
        const double time = duration(gate.name, gate);
        QSCOPE_CHECK(wait(gate.qubits));
        m_program.steps.push_back({gate, condition});
        ++m_program.gates;
        rules(gate.name, gate.qubits, condition);
        return pass(gate.qubits, time);
    }
    Result<void> measure(const MeasureOp& measure, const std::optional<Condition>& condition, bool terminal) {
        QSCOPE_CHECK(wait({measure.qubit}));
        rules("measure", {measure.qubit}, condition);
        m_program.steps.push_back({measure, condition, terminal});
        return terminal ? Result<void>{} : pass({measure.qubit}, duration("measure"));
    }
    Result<void> reset(const ResetOp& reset, const std::optional<Condition>& condition) {
        QSCOPE_CHECK(wait({reset.qubit}));
        m_program.steps.push_back({reset, condition});
        rules("reset", {reset.qubit}, condition);
        return pass({reset.qubit}, duration("reset"));
    }
    Result<void> barrier(const BarrierOp& barrier) { return wait(barrier.qubits); }

private:
    [[nodiscard]] double duration(const std::string& name) const { return m_model ? m_model->duration(name, 1) : 0; }
    [[nodiscard]] double duration(const std::string& name, const GateOp& gate) const {
        if (!m_model) return 0;
        return name == "delay" ? gate.parameters[0] : m_model->duration(name, gate.qubits.size());
    }

    void rules(const std::string& name, const std::vector<int>& qubits, const std::optional<Condition>& condition) {
        if (!m_model) return;
        for (std::size_t i = 0; i < m_channels.size(); ++i) {
            const NoiseRule& rule = m_model->rules[i];
            if (!NoiseModel::matches(rule, name, qubits)) continue;
            const bool listed = rule.qubits.empty() || std::ranges::find(rule.qubits, qubits) != rule.qubits.end();
            if (rule.channel.qubits == 2) {
                if (listed) m_program.steps.push_back({ChannelOp{m_channels[i], qubits}, condition});
                continue;
            }
            for (const int qubit : qubits)
                if (listed || std::ranges::find(rule.qubits, std::vector<int>{qubit}) != rule.qubits.end())
                    m_program.steps.push_back({ChannelOp{m_channels[i], {qubit}}, condition});
        }
    }

    Result<void> relax(int qubit, double time) {
        if (!m_relaxes || time == 0) return {};
        if (!(time >= 0 && std::isfinite(time))) return fail(ErrorCode::OutOfRange, "a delay of {}", time);
        const Decay& decay = m_model->decay.at(qubit);
        if (!std::isfinite(decay.t1) && !std::isfinite(decay.t2)) return {};
        auto& channel = m_relaxations[{qubit, time}];
        if (!channel) {
            QSCOPE_TRY(Channel made, thermalRelaxation(decay.t1, decay.t2, time, decay.excited));
            channel = std::make_shared<const Channel>(std::move(made));
        }
        m_program.steps.push_back({ChannelOp{channel, {qubit}}, {}});
        return {};
    }
    /// All of them idle until the last is free.
    Result<void> wait(const std::vector<int>& qubits) {
        double start = 0;
        for (const int qubit : qubits) start = std::max(start, m_clock[static_cast<std::size_t>(qubit)]);
        for (const int qubit : qubits) {
            QSCOPE_CHECK(relax(qubit, start - m_clock[static_cast<std::size_t>(qubit)]));
            m_clock[static_cast<std::size_t>(qubit)] = start;
        }
        return {};
    }
    Result<void> pass(const std::vector<int>& qubits, double time) {
        for (const int qubit : qubits) {
            QSCOPE_CHECK(relax(qubit, time));
            m_clock[static_cast<std::size_t>(qubit)] += time;
        }
        return {};
    }

    NoisyProgram& m_program;
    const NoiseModel* m_model;
    std::vector<double> m_clock; ///< when each qubit is free
    std::vector<std::shared_ptr<const Channel>> m_channels; ///< one per rule
    std::map<std::pair<int, double>, std::shared_ptr<const Channel>> m_relaxations;
    bool m_relaxes = false;
};

} // namespace

Result<NoisyProgram> makeNoisyProgram(const Circuit& circuit, const SimulationRequest& request) {
    QSCOPE_CHECK(checkRequest(circuit, request, request.method, {.noise = true}));
    if (!circuit.inputs.empty()) {
        QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
        return makeNoisyProgram(bound, withoutInputs(request));
    }
    for (const std::string& text : request.observables) QSCOPE_CHECK(parsePauli(text, circuit.qubits));
    const Program plain = makeProgram(circuit, request.steps);
    NoisyProgram program;
    program.qubits = circuit.qubits;
    program.clbits = circuit.clbits;
    program.cregs = circuit.cregs;
    Weaver weaver(program, request.noise.get());
    for (std::size_t i = 0; i < plain.length; ++i) {
        const Operation& operation = plain.flat.operations[i];
        const std::size_t first = program.steps.size();
        if (first > kMostSteps)
            return fail(ErrorCode::Unsupported, "the circuit has more than {} gates and channels under this noise", kMostSteps);
        if (const auto* gate = std::get_if<GateOp>(&operation.what)) {
            QSCOPE_CHECK(weaver.gate(*gate, operation.condition));
        } else if (const auto* measure = std::get_if<MeasureOp>(&operation.what)) {
            program.measures = true;
            if (plain.terminal[i]) program.terminal.push_back(*measure);
            QSCOPE_CHECK(weaver.measure(*measure, operation.condition, plain.terminal[i]));
        } else if (const auto* reset = std::get_if<ResetOp>(&operation.what)) {
            QSCOPE_CHECK(weaver.reset(*reset, operation.condition));
        } else if (const auto* barrier = std::get_if<BarrierOp>(&operation.what)) {
            QSCOPE_CHECK(weaver.barrier(*barrier));
        }
        for (std::size_t step = first; step < program.steps.size(); ++step) program.steps[step].operation = i;
    }
    program.measures = printsBits(program.measures, circuit.cregs);
    program.readout.resize(static_cast<std::size_t>(circuit.qubits));
    if (request.noise)
        for (int qubit = 0; qubit < circuit.qubits; ++qubit)
            program.readout[static_cast<std::size_t>(qubit)] = request.noise->readout.at(qubit);
    program.misread = std::ranges::any_of(program.readout, [](const ReadoutError& error) {
        return error.oneGivenZero > 0 || error.zeroGivenOne > 0;
    });
    program.readLater.resize(program.steps.size());
    std::vector<bool> read(circuit.cregs.size());
    for (std::size_t i = program.steps.size(); i-- > 0;) {
        const NoisyStep& step = program.steps[i];
        if (const auto* measure = std::get_if<MeasureOp>(&step.what))
            program.readLater[i] = read[registerOf(circuit.cregs, measure->clbit)];
        if (step.condition) read[static_cast<std::size_t>(step.condition->creg)] = true;
    }
    return program;
}

std::string recorded(const NoisyProgram& program, std::uint64_t index, std::vector<bool> clbits, ShotDraws draws) {
    const auto record = [&](int qubit) {
        const bool outcome = index >> qubit & 1;
        const ReadoutError& error = program.readout[static_cast<std::size_t>(qubit)];
        const double wrong = outcome ? error.zeroGivenOne : error.oneGivenZero;
        return wrong > 0 && draws.draw() < wrong ? !outcome : outcome;
    };
    if (!program.measures) {
        std::uint64_t bits = 0;
        for (int qubit = 0; qubit < program.qubits; ++qubit) bits |= std::uint64_t{record(qubit)} << qubit;
        return bitString(bits, program.qubits);
    }
    for (const MeasureOp& measure : program.terminal)
        clbits[static_cast<std::size_t>(measure.clbit)] = record(measure.qubit);
    return printedBits(clbits, program.cregs);
}

Result<void> checkNoisyMethod(const SimulationRequest& request, std::string_view id) {
    if (request.method == id || (request.method == "auto" && request.noise)) return {};
    if (request.method == "auto") return fail(ErrorCode::Unsupported, "'{}' runs on its own only where noise is asked for", id);
    return fail(ErrorCode::Unsupported, "the simulator '{}' was asked to run as '{}'", id, request.method);
}

} // namespace qscope::engine
