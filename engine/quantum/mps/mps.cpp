// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/quantum/mps/forecast.h"
#include "engine/quantum/mps/run.h"
#include "engine/quantum/sim/request_checks.h"

#include <chrono>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr int kMostBond = 1 << 16;
constexpr std::size_t kMostGate = 8; ///< qubits of a gate, which are joined while it works
constexpr int kMostListed = 1 << 20;

class MpsSimulator final : public Simulator {
public:
    std::string id() const override { return "mps"; }
    std::string name() const override { return "Matrix product state"; }

    Result<void> accepts(const Circuit& circuit, const SimulationRequest& request) const override {
        QSCOPE_CHECK(check(circuit, request));
        if (!circuit.inputs.empty()) {
            QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
            return accepts(bound, withoutInputs(request));
        }
        const Program program = makeProgram(circuit, request.steps);
        const auto available = static_cast<double>(cpu::freeMemory());
        const double needed = forecastChain(program, request.bond).bytes;
        if (needed <= available) return {};
        int fits = request.bond;
        while (fits > 1 && forecastChain(program, fits).bytes > available) fits /= 2;
        return fail(ErrorCode::OutOfMemory,
                    "a matrix product state of {} qubits and bond {} may need {}, {} are free; bond {} would fit",
                    circuit.qubits, request.bond, bytesText(needed), bytesText(available), fits);
    }

    std::optional<SimulationEstimate> estimate(const Circuit& circuit,
                                               const SimulationRequest& request) const override {
        if (hasControlFlow(circuit)) return std::nullopt;
        const ChainForecast forecast = forecastChain(makeProgram(circuit, request.steps), std::max(request.bond, 1));
        const auto shots = std::max<double>(1, static_cast<double>(request.shots));
        const double runs = forecast.events == 0 ? 1 : std::min(shots, std::exp2(forecast.events));
        const double sampling = (shots + request.top) * forecast.bytes / 32 * 1e-9;
        return SimulationEstimate{
            .bytes = forecast.bytes, .seconds = runs * forecast.seconds + sampling, .error = forecast.exact ? 0.0 : 1.0,
            .basis = fmt::format(
                "bond at most 2^{:.3g} by the gates across each cut, {} allowed; {} gates and {} swaps, {:.0f} run{}",
                forecast.bits, request.bond, forecast.gates, forecast.swaps, runs, runs > 1 ? "s" : "")};
    }

    Result<SimulationResult> run(const Circuit& circuit, const SimulationRequest& request,
                                 const RunContext& context) const override {
        QSCOPE_CHECK(accepts(circuit, request));
        if (!circuit.inputs.empty()) {
            QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
            return run(bound, withoutInputs(request), context);
        }
        const auto begin = std::chrono::steady_clock::now();
        const Program program = makeProgram(circuit, request.steps);
        context.progress.total = static_cast<std::int64_t>(program.length);
        Progress unseen;
        const RunContext inner{context.stop, unseen, context.notes, context.backend};

        ShotGroup shown;
        for (std::int64_t shot = 0; shot < std::max<std::int64_t>(request.shots, 1); ++shot)
            shown.shots.push_back(static_cast<std::uint64_t>(shot));
        std::vector<ShotGroup> others;
        QSCOPE_TRY(ChainRun run, runChain(program, request, shown, others, true, context));

        SimulationResult result;
        result.method = id();
        result.device = "CPU";
        result.qubits = circuit.qubits;
        result.gates = result.fusedGates = run.gates;
        result.norm = run.state.norm();
        result.fidelity = run.state.fidelity();
        result.bond = run.state.largestBond();
        result.state.qubits = circuit.qubits;
        result.state.clbits = run.clbits;
        for (const std::string& text : request.observables) {
            if (context.cancelled()) return cancelled();
            QSCOPE_TRY(const auto factors, parsePauliFactors(text, circuit.qubits));
            result.expectations.push_back({text, run.state.expectation(factors), 0});
        }
        QSCOPE_CHECK(list(run.state, request.top, result, inner));
        if (request.shots > 0) {
            std::map<std::string, std::int64_t> counts;
            QSCOPE_CHECK(countChain(program, run, shown.shots, request.seed, counts, inner));
            while (!others.empty()) {
                ShotGroup group = std::move(others.back());
                others.pop_back();
                QSCOPE_TRY(ChainRun other, runChain(program, request, group, others, false, inner));
                result.fidelity = std::min(result.fidelity, other.state.fidelity());
                result.bond = std::max(result.bond, other.state.largestBond());
                QSCOPE_CHECK(countChain(program, other, group.shots, request.seed, counts, inner));
            }
            result.counts = sortedCounts(counts);
        }
        result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        return result;
    }

private:
    Result<void> check(const Circuit& circuit, const SimulationRequest& request) const {
        QSCOPE_CHECK(checkRequest(circuit, request, id()));
        QSCOPE_CHECK(refuseAmplitudes(request, id()));
        QSCOPE_CHECK(refuseWideGates(circuit, kMostGate, id()));
        if (request.bond < 1 || request.bond > kMostBond)
            return fail(ErrorCode::OutOfRange, "a bond dimension of {}; 1 to {} are possible", request.bond, kMostBond);
        if (!(request.cutoff >= 0 && request.cutoff < 1))
            return fail(ErrorCode::OutOfRange, "a cutoff of {}; 0 to below 1 are possible", request.cutoff);
        if (request.top < 0 || request.top > kMostListed)
            return fail(ErrorCode::OutOfRange, "{} basis states to list; {} are the limit", request.top, kMostListed);
        return {};
    }

    static Result<void> list(MatrixProduct& state, int top, SimulationResult& result, const RunContext& context) {
        QSCOPE_TRY(const auto likeliest, state.likeliest(top, context));
        for (const auto& [bits, probability] : likeliest.states) {
            BasisProbability entry{0, probability};
            if (bits.size() > 64) {
                entry.bits = printedBits(bits, {{"q", 0, static_cast<int>(bits.size())}});
            } else {
                for (std::size_t q = 0; q < bits.size(); ++q) entry.index |= std::uint64_t{bits[q]} << q;
            }
            result.probabilities.push_back(std::move(entry));
        }
        if (!likeliest.certain)
            context.notes.note(
                "the listed basis states were searched for along the chain; others may be more probable");
        return {};
    }
};

} // namespace

std::unique_ptr<Simulator> makeMpsSimulator() { return std::make_unique<MpsSimulator>(); }

} // namespace qscope::engine
