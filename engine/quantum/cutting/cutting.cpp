// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/cutting/cutting.h"

#include "engine/backend/cpu_state.h"
#include "engine/quantum/cutting/virtual_gate.h"
#include "engine/quantum/sim/fusion.h"
#include "engine/quantum/sim/request_checks.h"
#include "engine/quantum/sim/trajectory.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;
constexpr int kMostQubits = 20;
constexpr std::size_t kMostCuts = 8;

/// What one side does in place of exp(i t Z Z): nothing, Z, a quarter turn either way, or a measurement whose outcome
/// -1 counts negative.
enum Local : std::size_t { kNothing, kFlip, kForth, kBack, kMeasure, kLocals };

struct Term {
    Local side[2];
    double weight;
};
/// exp(i t Z Z) rho exp(-i t Z Z) as a sum of local operations.
std::vector<Term> termsOf(double angle) {
    const double c = std::cos(angle), s = std::sin(angle);
    return {{{kNothing, kNothing}, c * c}, {{kFlip, kFlip}, s * s},     {{kForth, kMeasure}, c * s},
            {{kBack, kMeasure}, -c * s},   {{kMeasure, kForth}, c * s}, {{kMeasure, kBack}, -c * s}};
}

/// Gates alone; the index of each in the flat circuit.
Result<std::vector<std::pair<std::size_t, GateOp>>> gatesOf(const Circuit& circuit) {
    QSCOPE_CHECK(checkRequest(circuit, {}, "cut"));
    const Program program = makeProgram(circuit, SIZE_MAX);
    std::vector<std::pair<std::size_t, GateOp>> gates;
    for (std::size_t i = 0; i < program.length; ++i) {
        const Operation& operation = program.flat.operations[i];
        if (std::holds_alternative<BarrierOp>(operation.what) || program.terminal[i]) continue;
        const auto* gate = std::get_if<GateOp>(&operation.what);
        if (!gate || operation.condition)
            return fail(
                ErrorCode::Unsupported,
                "line {}: a circuit is cut between gates, not with measurements on the way, resets or conditions",
                operation.span.line);
        gates.emplace_back(i, *gate);
    }
    return gates;
}

/// One piece's share of the circuit: its own gates as they are, and a place for each cut gate.
struct Share {
    struct Step {
        FusedGate gate;
        std::size_t cut = SIZE_MAX; ///< then `gate` is not used
        int qubit = 0;
    };
    int qubits = 0;
    std::vector<Step> steps;
    PauliString observable;
};

FusedGate onQubit(std::vector<Complex> matrix, int qubit) {
    return {FusedGate::Form::Dense, {qubit}, 0, std::move(matrix)};
}

Result<std::unique_ptr<StateBuffer>> after(const std::vector<FusedGate>& gates, int qubits, const RunContext& context) {
    QSCOPE_TRY(auto state, cpu::makeState(qubits, Precision::Double));
    QSCOPE_CHECK(cpu::applyGates(*state, gates, context));
    return state;
}

/// Values of a piece for all choices of local operations, the choice for cut k in base `kLocals`.
Result<std::vector<double>> valuesOf(const Share& share, std::size_t cuts, const RunContext& context) {
    std::size_t choices = 1;
    for (std::size_t k = 0; k < cuts; ++k) choices *= kLocals;
    std::vector<double> values(choices);
    const Complex i(0, 1);
    const double r = std::sqrt(0.5);
    for (std::size_t choice = 0; choice < choices; ++choice) {
        if (context.cancelled()) return cancelled();
        std::vector<Local> locals;
        std::size_t measured = 0;
        for (std::size_t k = 0, left = choice; k < cuts; ++k, left /= kLocals) {
            locals.push_back(static_cast<Local>(left % kLocals));
            measured += locals.back() == kMeasure;
        }
        // Projected states are not scaled: their weights stay in their norms.
        for (std::size_t outcomes = 0; outcomes < std::size_t{1} << measured; ++outcomes) {
            std::vector<FusedGate> gates;
            std::size_t seen = 0;
            for (const Share::Step& step : share.steps) {
                if (step.cut == SIZE_MAX) {
                    gates.push_back(step.gate);
                    continue;
                }
                switch (locals[step.cut]) {
                case kNothing: break;
                case kFlip: gates.push_back(onQubit({1, 0, 0, -1}, step.qubit)); break;
                case kForth: gates.push_back(onQubit({r * (1.0 + i), 0, 0, r * (1.0 - i)}, step.qubit)); break;
                case kBack: gates.push_back(onQubit({r * (1.0 - i), 0, 0, r * (1.0 + i)}, step.qubit)); break;
                default: {
                    const bool one = outcomes >> seen++ & 1;
                    gates.push_back(onQubit({one ? 0.0 : 1.0, 0, 0, one ? 1.0 : 0.0}, step.qubit));
                }
                }
            }
            QSCOPE_TRY(const auto state, after(gates, share.qubits, context));
            QSCOPE_TRY(const double value, cpu::expectation(*state, share.observable, context));
            values[choice] += std::popcount(outcomes) % 2 ? -value : value;
        }
    }
    return values;
}

} // namespace

Result<CircuitCut> planCut(const Circuit& circuit, int mostQubits) {
    QSCOPE_TRY(const auto gates, gatesOf(circuit));
    if (circuit.qubits > kMostQubits || circuit.qubits < 2)
        return fail(ErrorCode::Unsupported, "circuits of 2 to {} qubits are cut; this one has {}", kMostQubits,
                    circuit.qubits);
    if (2 * mostQubits < circuit.qubits)
        return fail(ErrorCode::Unsupported, "two pieces of {} qubits do not hold {}", mostQubits, circuit.qubits);
    struct Crossing {
        std::size_t operation;
        std::uint32_t qubits;
        double cost; ///< log of the overhead; infinite when it cannot be cut
    };
    std::vector<Crossing> crossings;
    for (const auto& [operation, gate] : gates) {
        if (gate.qubits.size() < 2) continue;
        Crossing crossing{operation, 0, INFINITY};
        for (const int q : gate.qubits) crossing.qubits |= 1u << q;
        if (const auto split = virtualGate(gate))
            crossing.cost = 2 * std::log(1 + 2 * std::abs(std::sin(2 * split->angle)));
        crossings.push_back(crossing);
    }
    const std::uint32_t all = (1u << circuit.qubits) - 1;
    double best = INFINITY;
    std::uint32_t chosen = 0;
    for (std::uint32_t side = 1; side < (1u << (circuit.qubits - 1)); ++side) { // the last qubit is on the other side
        const int size = std::popcount(side);
        if (size > mostQubits || circuit.qubits - size > mostQubits) continue;
        double cost = 0;
        std::size_t count = 0;
        for (const Crossing& each : crossings) {
            if ((each.qubits & side) == 0 || (each.qubits & ~side & all) == 0) continue;
            cost += each.cost;
            if (++count > kMostCuts) cost = INFINITY;
            if (cost >= best) break;
        }
        if (cost >= best) continue;
        best = cost;
        chosen = side;
    }
    if (chosen == 0)
        return fail(ErrorCode::Unsupported,
                    "no cut into pieces of at most {} qubits goes through at most {} gates that can be cut", mostQubits,
                    kMostCuts);
    CircuitCut cut;
    cut.overhead = std::exp(best);
    for (int q = 0; q < circuit.qubits; ++q) cut.pieces[chosen >> q & 1 ? 0 : 1].push_back(q);
    for (const Crossing& each : crossings)
        if ((each.qubits & chosen) != 0 && (each.qubits & ~chosen & all) != 0) cut.cutGates.push_back(each.operation);
    return cut;
}

Result<double> cutExpectation(const Circuit& circuit, const CircuitCut& cut, std::span<const PauliFactor> observable,
                              const RunContext& context) {
    QSCOPE_TRY(const auto gates, gatesOf(circuit));
    std::vector<std::size_t> side(static_cast<std::size_t>(circuit.qubits));
    std::vector<int> local(side.size());
    Share shares[2];
    for (std::size_t s = 0; s < 2; ++s) {
        shares[s].qubits = static_cast<int>(cut.pieces[s].size());
        for (std::size_t k = 0; k < cut.pieces[s].size(); ++k) {
            side[static_cast<std::size_t>(cut.pieces[s][k])] = s;
            local[static_cast<std::size_t>(cut.pieces[s][k])] = static_cast<int>(k);
        }
    }
    std::vector<std::vector<Term>> terms;
    for (const auto& [operation, gate] : gates) {
        const std::size_t first = side[static_cast<std::size_t>(gate.qubits.front())];
        GateOp own = gate;
        for (int& q : own.qubits) q = local[static_cast<std::size_t>(q)];
        if (std::ranges::all_of(gate.qubits, [&](int q) { return side[static_cast<std::size_t>(q)] == first; })) {
            shares[first].steps.push_back({plainGate(own), SIZE_MAX, 0});
            continue;
        }
        const auto split = virtualGate(gate);
        if (!split || terms.size() == kMostCuts)
            return fail(ErrorCode::Unsupported, "operation {}: gate '{}' cannot be cut", operation, gate.name);
        for (std::size_t k = 0; k < 2; ++k) {
            Share& share = shares[k == 0 ? first : 1 - first];
            share.steps.push_back({onQubit(split->before[k], own.qubits[k]), SIZE_MAX, 0});
            share.steps.push_back({{}, terms.size(), own.qubits[k]});
            share.steps.push_back({onQubit(split->after[k], own.qubits[k]), SIZE_MAX, 0});
        }
        terms.push_back(termsOf(split->angle));
    }
    for (const auto& [qubit, letter] : observable) {
        PauliString& pauli = shares[side[static_cast<std::size_t>(qubit)]].observable;
        const std::uint64_t bit = std::uint64_t{1} << local[static_cast<std::size_t>(qubit)];
        if (letter != 'Z') pauli.x |= bit;
        if (letter != 'X') pauli.z |= bit;
    }
    std::vector<double> values[2];
    for (std::size_t s = 0; s < 2; ++s) {
        QSCOPE_TRY(values[s], valuesOf(shares[s], terms.size(), context));
    }

    // All products of one term for each cut. The terms are symmetric: which piece has the gate's first qubit does not
    // matter.
    double sum = 0;
    std::vector<std::size_t> at(terms.size());
    for (;;) {
        double weight = 1;
        std::size_t choice[2] = {0, 0};
        for (std::size_t k = terms.size(); k-- > 0;) {
            const Term& term = terms[k][at[k]];
            weight *= term.weight;
            for (std::size_t s = 0; s < 2; ++s) choice[s] = choice[s] * kLocals + term.side[s];
        }
        if (weight != 0) sum += weight * values[0][choice[0]] * values[1][choice[1]];
        std::size_t k = 0;
        while (k < at.size() && ++at[k] == terms[k].size()) at[k++] = 0;
        if (k == at.size()) return sum;
    }
}

} // namespace qscope::engine
