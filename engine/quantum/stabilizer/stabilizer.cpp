// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/core/parallel.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/stabilizer/run.h"
#include "engine/quantum/stabilizer/support.h"

#include <chrono>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr int kMostListed = 1 << 20;

// Measured with `bench_circuits`, in seconds.
constexpr double kGate = 1e-7;        ///< and
constexpr double kGateWord = 8e-9;    ///< per word of 64 rows
constexpr double kMeasureWord = 3e-9; ///< per qubit and word
constexpr double kShot = 2e-6;        ///< to write an outcome down, and
constexpr double kShotBit = 1e-8;

class StabilizerSimulator final : public Simulator {
public:
    std::string id() const override { return "stabilizer"; }
    std::string name() const override { return "Stabilizer tableau"; }

    Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const override {
        QSCOPE_CHECK(program(circuit, request));
        return {};
    }

    std::optional<SimulationEstimate> estimate(const Circuit& circuit,
                                               const SimulationRequest& request) const override {
        const auto made = makeCliffordProgram(circuit, request.steps);
        if (!made) return std::nullopt;
        const CliffordProgram& program = **made;
        const double words = 2.0 * std::ceil(circuit.qubits / 64.0);
        const auto gates = static_cast<double>(program.gateCount);
        const auto shots = static_cast<double>(request.shots);
        double measurements = 0;
        for (const CliffordStep& step : program.steps)
            measurements += step.kind != CliffordStep::Kind::Gate && !step.terminal;
        const double everything = circuit.qubits; // measured at the end, or to find the basis states
        const auto walk = [&](double measured) {
            return gates * (kGate + words * kGateWord) + measured * circuit.qubits * words * kMeasureWord;
        };
        double seconds = walk(measurements + (request.top > 0 ? everything : 0));
        if (shots > 0 && program.framed)
            seconds += walk(measurements + everything) +
                       shots / availableThreads() * (kShot + everything * kShotBit + gates * kGateWord / 64);
        else if (shots > 0)
            seconds += shots / availableThreads() * walk(measurements + everything);
        return SimulationEstimate{.bytes = 3 * Tableau::bytes(circuit.qubits), .seconds = seconds,
                                  .basis = fmt::format("{} rows of {} qubits, {} gates, {:.0f} measurements on the way{}",
                                              2 * circuit.qubits, circuit.qubits, program.gateCount, measurements,
                                              program.framed ? "" : ", each shot alone for its conditions")};
    }

    Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request,
                                 const RunContext& context) const override {
        const auto begin = std::chrono::steady_clock::now();
        QSCOPE_TRY(const auto made, program(circuit, request));
        const CliffordProgram& program = *made;
        context.progress.total = request.shots;

        QSCOPE_TRY(CliffordRun run, runClifford(program, request.seed, 0, context));
        SimulationResult result;
        result.method = id();
        result.device = "CPU";
        result.qubits = circuit.qubits;
        result.gates = result.fusedGates = run.gates;
        result.state.qubits = circuit.qubits;
        result.state.clbits = run.clbits;
        for (const std::string& text : request.observables) {
            QSCOPE_TRY(const auto factors, parsePauliFactors(text, circuit.qubits));
            result.expectations.push_back({text, static_cast<double>(run.state.expectation(factors)), 0});
        }
        if (request.top > 0) {
            QSCOPE_CHECK(list(run.state, request.top, result, context));
        }
        if (request.shots > 0) {
            QSCOPE_TRY(const Counts counts, program.framed ? sampleFrames(program, request.shots, request.seed, context)
                                                           : sampleRuns(program, request.shots, request.seed, context));
            result.counts = sortedCounts(counts);
        }
        result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        return result;
    }

private:
    /// Everything that may be wrong, before anything large is made.
    Result<std::unique_ptr<CliffordProgram>> program(const Circuit& circuit, const SimulationRequest& request) const {
        QSCOPE_CHECK(checkRequest(circuit, request, id()));
        QSCOPE_CHECK(refuseAmplitudes(request, id()));
        if (request.top < 0 || request.top > kMostListed)
            return fail(ErrorCode::OutOfRange, "{} basis states to list; {} are the limit", request.top, kMostListed);
        const auto available = static_cast<double>(cpu::freeMemory());
        if (const double needed = 3 * Tableau::bytes(circuit.qubits);
            needed > available) // shown, reference and listing
            return fail(ErrorCode::OutOfMemory, "tableaus of {} qubits need {}, {} are free; {:.0f} qubits would fit",
                        circuit.qubits, bytesText(needed), bytesText(available),
                        std::floor(std::sqrt(available / 3 * 2)) - 64);
        if (circuit.inputs.empty()) return makeCliffordProgram(circuit, request.steps);
        QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
        return makeCliffordProgram(bound, request.steps);
    }

    static Result<void> list(const Tableau& state, int top, SimulationResult& result, const RunContext& context) {
        QSCOPE_TRY(const Support support, supportOf(state, context));
        const std::size_t dimension = support.directions.size();
        const double probability = std::exp2(-static_cast<double>(dimension));
        const auto count = dimension < 31
                               ? std::min<std::uint64_t>(std::uint64_t{1} << dimension, static_cast<std::uint64_t>(top))
                               : static_cast<std::uint64_t>(top);
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto bits = support.element(i);
            BasisProbability entry{bits[0], probability, {}, 0};
            if (state.qubits() > 64) {
                entry.index = 0;
                for (int q = state.qubits(); q-- > 0;)
                    entry.bits += bits[static_cast<std::size_t>(q) / 64] >> (q % 64) & 1 ? '1' : '0';
            }
            result.probabilities.push_back(std::move(entry));
        }
        return {};
    }
};

} // namespace

std::unique_ptr<Simulator> makeStabilizerSimulator() { return std::make_unique<StabilizerSimulator>(); }

} // namespace qscope::engine
