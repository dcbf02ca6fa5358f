// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/planner/planner.h"

#include "engine/backend/cpu_state.h"
#include "engine/quantum/sim/request_checks.h"

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

constexpr double kInstant = 0.1; ///< seconds that nobody waits for: below, what keeps amplitudes is better
constexpr double kWorthIt = 0.8; ///< reducing a circuit has to save this much

struct Weighed {
    std::vector<PlanCandidate> candidates;
    const PlanCandidate* best = nullptr;
    std::optional<Error> refusal;
};

/// Known before unknown, what gives all that is asked for before values alone, exact before inexact, instant ones by
/// what they keep, others by time.
bool better(const PlanCandidate& a, const PlanCandidate& b, const SimulationRequest& request) {
    if (a.estimate.has_value() != b.estimate.has_value()) return a.estimate.has_value();
    if (!a.estimate) return false;
    const auto& x = *a.estimate;
    const auto& y = *b.estimate;
    if (request.top > 0 && x.valuesOnly != y.valuesOnly) return y.valuesOnly;
    const bool xInexact = x.error > 0 || x.sampled, yInexact = y.error > 0 || y.sampled;
    if (xInexact != yInexact) return yInexact;
    const double xSeconds = std::max(x.seconds, kInstant), ySeconds = std::max(y.seconds, kInstant);
    if (xSeconds != ySeconds) return xSeconds < ySeconds;
    if (x.amplitudes != y.amplitudes) return x.amplitudes;
    return x.seconds < y.seconds;
}

std::string verdictBeside(const PlanCandidate& other, const PlanCandidate& best, const SimulationRequest& request) {
    if (!other.estimate) return "not chosen: it cannot tell what it would need";
    if (request.top > 0 && other.estimate->valuesOnly && best.estimate && !best.estimate->valuesOnly)
        return "not chosen: it gives expectation values, but no probabilities";
    if (other.estimate->sampled && best.estimate && !best.estimate->sampled)
        return "not chosen: its values are means over random runs, with errors";
    if (other.estimate->error > 0 && best.estimate && best.estimate->error == 0)
        return "not chosen: it may have to truncate the state";
    if (other.estimate->seconds > kInstant) return "not chosen: slower";
    return best.estimate && best.estimate->amplitudes && !other.estimate->amplitudes
               ? "not chosen: as quick, but it keeps no amplitudes"
               : "not chosen: no better";
}

std::string verdictOf(const PlanCandidate& best, bool asked) {
    if (asked) return "chosen: asked for";
    if (!best.estimate) return "chosen: nothing else can run it";
    if (best.estimate->sampled) return "chosen: nothing exact can run it; the result will say its errors";
    if (best.estimate->error > 0) return "chosen: nothing exact can run it; the result will say how faithful it is";
    return best.estimate->seconds <= kInstant ? "chosen: exact and quick" : "chosen: exact and the fastest";
}

Weighed weigh(const Circuit& circuit, const SimulationRequest& request, std::span<const Simulator* const> simulators) {
    Weighed result;
    const bool asked = request.method != "auto";
    std::optional<std::size_t> best;
    for (const Simulator* simulator : simulators) {
        PlanCandidate candidate{simulator, false, {}, {}};
        if (asked && simulator->id() != request.method) {
            candidate.verdict = "not asked for";
        } else if (!asked && request.noise && !simulator->knowsNoise()) {
            candidate.verdict = "not a candidate: it knows no noise";
        } else if (!asked && !request.noise && simulator->knowsNoise()) {
            candidate.verdict = "not a candidate: it is for noise, and none is asked for";
        } else {
            candidate.estimate = simulator->estimate(circuit, request);
            if (auto accepted = simulator->accepts(circuit, request)) {
                candidate.possible = true;
            } else {
                candidate.verdict = "refused: " + accepted.error().message;
                // With nothing possible, what keeps amplitudes has the most to say about sizes.
                if (!result.refusal || (candidate.estimate && candidate.estimate->amplitudes))
                    result.refusal = std::move(accepted).error();
            }
        }
        result.candidates.push_back(std::move(candidate));
        const std::size_t index = result.candidates.size() - 1;
        if (result.candidates.back().possible &&
            (!best || better(result.candidates[index], result.candidates[*best], request)))
            best = index;
    }
    if (!best) {
        if (!result.refusal) result.refusal = Error{ErrorCode::Unsupported, "no simulator is available", {}};
        return result;
    }
    result.refusal.reset();
    for (std::size_t i = 0; i < result.candidates.size(); ++i) {
        PlanCandidate& candidate = result.candidates[i];
        if (i == *best)
            candidate.verdict = verdictOf(candidate, asked);
        else if (candidate.possible)
            candidate.verdict = verdictBeside(candidate, result.candidates[*best], request);
    }
    result.best = &result.candidates[*best];
    return result;
}

void take(SimulationPlan& plan, CircuitPart part, std::string observable, const PlanCandidate& best) {
    const SimulationEstimate estimate = best.estimate.value_or(SimulationEstimate{});
    plan.pieces.push_back(
        {std::move(part), std::move(observable), best.simulator, estimate.seconds, estimate.bytes, estimate.error});
    plan.seconds += estimate.seconds;
    plan.bytes = std::max(plan.bytes, estimate.bytes);
    plan.error = std::max(plan.error, estimate.error);
}

/// `other` is `plan` with its pieces chosen another way.
bool worthwhile(const SimulationPlan& plan, const SimulationPlan& other) {
    if (plan.pieces.empty()) return true;
    if ((plan.error > 0) != (other.error > 0)) return plan.error > 0;
    return plan.seconds > kInstant && other.seconds < kWorthIt * plan.seconds;
}

/// The pieces that `request` splits into when each is planned by itself; nothing when one of them cannot run.
std::optional<SimulationPlan> inParts(const SimulationPlan& plan, std::vector<CircuitPart> parts,
                                      const SimulationRequest& request, std::span<const Simulator* const> simulators) {
    SimulationPlan result = plan;
    result.shape = SimulationPlan::Shape::Parts;
    result.pieces.clear();
    result.seconds = result.bytes = result.error = 0;
    for (CircuitPart& part : parts) {
        SimulationRequest own = request;
        own.observables.clear();
        const Weighed weighed = weigh(part.circuit, own, simulators);
        if (!weighed.best) return std::nullopt;
        take(result, std::move(part), {}, *weighed.best);
    }
    result.reason = fmt::format("{} parts of at most {} qubits do not interact: each runs by itself",
                                result.pieces.size(), plan.largestPart);
    return result;
}

std::optional<SimulationPlan> inCones(const SimulationPlan& plan, const Circuit& circuit,
                                      const SimulationRequest& request, std::span<const Simulator* const> simulators) {
    SimulationPlan result = plan;
    result.shape = SimulationPlan::Shape::LightCones;
    result.pieces.clear();
    result.seconds = result.bytes = result.error = 0;
    int largest = 0;
    for (const std::string& text : request.observables) {
        const auto factors = parsePauliFactors(text, circuit.qubits);
        if (!factors) return std::nullopt;
        auto cone = lightCone(circuit, *factors);
        if (!cone) return std::nullopt;
        largest = std::max(largest, cone->circuit.qubits);
        if (cone->circuit.qubits == 0) { // the identity: nothing to run
            result.pieces.push_back({std::move(*cone), text, nullptr, 0, 0, 0});
            continue;
        }
        SimulationRequest own = request;
        own.observables = {restricted(*factors, *cone)};
        own.shots = 0;
        own.top = 0;
        const Weighed weighed = weigh(cone->circuit, own, simulators);
        if (!weighed.best) return std::nullopt;
        take(result, std::move(*cone), text, *weighed.best);
    }
    result.reason =
        fmt::format("only observables are asked for: each runs in its light cone of at most {} of {} qubits", largest,
                    circuit.qubits);
    return result;
}

} // namespace

Result<SimulationPlan> planSimulation(const Circuit& circuit, const SimulationRequest& request,
                                      std::span<const Simulator* const> simulators) {
    if (!circuit.inputs.empty()) {
        QSCOPE_TRY(const Circuit bound, bindInputs(circuit, request.inputs));
        return planSimulation(bound, withoutInputs(request), simulators);
    }
    std::string known = "auto";
    bool found = request.method == "auto";
    for (const Simulator* simulator : simulators) {
        known += ", " + simulator->id();
        found = found || simulator->id() == request.method;
    }
    if (!found) return fail(ErrorCode::OutOfRange, "unknown method '{}'; there are {}", request.method, known);
    QSCOPE_CHECK(checkRequest(circuit, request, request.method, {.noise = true, .decisions = true}));

    SimulationPlan plan;
    plan.survey = surveyCircuit(circuit, request.steps);
    plan.freeBytes = static_cast<double>(cpu::freeMemory());
    Weighed weighed = weigh(circuit, request, simulators);
    if (weighed.best) {
        take(plan, {}, {}, *weighed.best);
        plan.reason =
            request.noise ? "the circuit runs as it is, by a simulator that knows noise" : "the circuit runs as it is";
    }
    plan.refusal = std::move(weighed.refusal);
    plan.candidates = std::move(weighed.candidates);

    auto parts = independentParts(circuit);
    plan.parts = parts.size();
    for (const CircuitPart& part : parts) plan.largestPart = std::max(plan.largestPart, part.circuit.qubits);
    // Noise is told by the qubits and the clock of the whole circuit, and classical values can join anything.
    const bool reducible =
        !request.noise && !hasControlFlow(circuit) && !request.amplitudes && request.steps >= circuit.operations.size();
    const auto consider = [&](std::optional<SimulationPlan> other) {
        if (!other || !worthwhile(plan, *other)) return;
        other->refusal.reset();
        plan = std::move(*other);
    };
    if (reducible && parts.size() > 1) consider(inParts(plan, std::move(parts), request, simulators));
    const bool onlyValues = request.shots == 0 && request.top == 0 && !request.observables.empty();
    if (reducible && onlyValues) consider(inCones(plan, circuit, request, simulators));
    if (plan.pieces.empty() && reducible && !onlyValues && !request.observables.empty() &&
        inCones(plan, circuit, request, simulators))
        plan.refusal->message += "; its observables alone could be had, without shots and listed states";
    return plan;
}

} // namespace qscope::engine
