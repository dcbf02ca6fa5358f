// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/timeline.h"

#include "engine/backend/cpu_state.h"
#include "engine/backend/cpu_state_buffer.h"
#include "engine/quantum/hamiltonian/evolution.h"
#include "engine/quantum/sim/fusion.h"

#include <Eigen/Core>

#include <algorithm>
#include <bit>
#include <cmath>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;

constexpr int kMostIntervals = 100'000;

Result<void> check(const PauliSum& hamiltonian, const StateVector& start, const TimelineRequest& request) {
    if (hamiltonian.qubits > 47 || start.size() != std::size_t{1} << hamiltonian.qubits)
        return fail(ErrorCode::OutOfRange, "a state of {} amplitudes for {} qubits", start.size(), hamiltonian.qubits);
    if (request.intervals < 1 || request.intervals > kMostIntervals || !std::isfinite(request.time))
        return fail(ErrorCode::OutOfRange, "{} intervals of a time of {}; 1 to {} are possible", request.intervals,
                    request.time, kMostIntervals);
    for (const PauliSum& observable : request.observables)
        if (observable.qubits != hamiltonian.qubits)
            return fail(ErrorCode::OutOfRange, "an observable on {} qubits beside a Hamiltonian on {}",
                        observable.qubits, hamiltonian.qubits);
    return {};
}

double timeAt(const TimelineRequest& request, int index) { return request.time * index / request.intervals; }

/// Energy and observables, by whoever knows an operator's value.
template<class ValueOf>
Result<Moment> momentAt(double time, const PauliSum& hamiltonian, const TimelineRequest& request, ValueOf valueOf) {
    Moment moment{time, 0, {}};
    QSCOPE_TRY(moment.energy, valueOf(hamiltonian));
    for (const PauliSum& observable : request.observables) {
        QSCOPE_TRY(const double value, valueOf(observable));
        moment.values.push_back(value);
    }
    return moment;
}

/// One interval of the product formula, as gates; its phase is kept, so that states can be compared.
class Formula {
public:
    static Result<Formula> make(const PauliSum& hamiltonian, const TimelineRequest& request,
                                const RunContext& context) {
        QSCOPE_TRY(const Circuit circuit, trotterCircuit(hamiltonian, request.time / request.intervals,
                                                         request.trotterSteps, request.trotterOrder));
        Fuser fuser(circuit.qubits, fusionCosts(context.backend));
        Formula formula;
        for (const Operation& operation : circuit.operations) {
            fuser.add(std::get<GateOp>(operation.what));
            if (fuser.full()) std::ranges::move(fuser.take(), std::back_inserter(formula.m_gates));
        }
        std::ranges::move(fuser.take(), std::back_inserter(formula.m_gates));
        formula.m_phase = std::polar(1.0, circuit.globalPhase);
        return formula;
    }
    Result<void> apply(StateVector& state, const RunContext& context) const {
        QSCOPE_TRY(auto buffer, cpu::makeState(std::countr_zero(state.size()), Precision::Double));
        QSCOPE_TRY(cpu::CpuState* const mine, cpu::own(*buffer));
        auto* const amplitudes = reinterpret_cast<Complex*>(mine->reals<double>());
        std::ranges::copy(state, amplitudes);
        QSCOPE_CHECK(cpu::applyGates(*buffer, m_gates, context));
        for (std::size_t i = 0; i < state.size(); ++i) state[i] = m_phase * amplitudes[i];
        return {};
    }

private:
    std::vector<FusedGate> m_gates;
    Complex m_phase;
};

} // namespace

Result<double> expectationOf(const PauliSum& sum, const StateVector& v, const RunContext& context) {
    StateVector image(v.size());
    QSCOPE_CHECK(applySum(sum, v, image, context));
    using Map = Eigen::Map<const Eigen::VectorXcd>;
    const auto size = std::ssize(v);
    return Map(v.data(), size).dot(Map(image.data(), size)).real();
}

Result<double> expectationOf(const PauliSum& sum, const std::vector<Complex>& rho, int qubits) {
    if (qubits < 0 || qubits > 15 || sum.qubits != qubits || rho.size() != std::size_t{1} << 2 * qubits)
        return fail(ErrorCode::OutOfRange, "a density matrix of {} entries for {} qubits", rho.size(), sum.qubits);
    const std::size_t size = std::size_t{1} << qubits;
    double value = 0;
    for (const auto& [string, coefficient] : sum.terms) {
        // P|c> = i^(number of Y) (-1)^(ones of c where z is set) |c ^ x>, and Tr(P rho) = sum of <c| rho P |c>.
        Complex trace = 0;
        for (std::size_t c = 0; c < size; ++c) {
            const Complex entry = rho[c * size + (c ^ string.x)];
            trace += std::popcount(c & string.z) % 2 == 0 ? entry : -entry;
        }
        static constexpr Complex kTurns[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
        const auto turns = static_cast<std::size_t>(std::popcount(string.x & string.z) % 4);
        value += coefficient * (kTurns[turns] * trace).real();
    }
    return value;
}

Result<Timeline> timeline(const PauliSum& hamiltonian, const StateVector& start, const TimelineRequest& request,
                          const RunContext& context) {
    QSCOPE_CHECK(check(hamiltonian, start, request));
    Formula formula;
    if (request.trotterSteps > 0) {
        QSCOPE_TRY(formula, Formula::make(hamiltonian, request, context));
    }
    Timeline result;
    StateVector exact = start, approximate = request.trotterSteps > 0 ? start : StateVector{};
    context.progress.total = request.intervals;
    for (int k = 0; k <= request.intervals; ++k) {
        const double time = timeAt(request, k);
        if (k > 0) {
            QSCOPE_TRY(exact, evolved(hamiltonian, std::move(exact), request.time / request.intervals,
                                      request.tolerance, context));
        }
        QSCOPE_TRY(Moment moment, momentAt(time, hamiltonian, request,
                                           [&](const PauliSum& sum) { return expectationOf(sum, exact, context); }));
        result.exact.push_back(std::move(moment));
        if (request.trotterSteps > 0) {
            if (k > 0) QSCOPE_CHECK(formula.apply(approximate, context));
            QSCOPE_TRY(Moment beside, momentAt(time, hamiltonian, request, [&](const PauliSum& sum) {
                           return expectationOf(sum, approximate, context);
                       }));
            result.trotter.push_back(std::move(beside));
            double distance = 0;
            for (std::size_t i = 0; i < exact.size(); ++i) distance += std::norm(exact[i] - approximate[i]);
            result.trotterErrors.push_back(std::sqrt(distance));
        }
        context.progress.done = k;
    }
    return result;
}

Result<Timeline> noisyTimeline(const PauliSum& hamiltonian, std::span<const Jump> jumps, const StateVector& start,
                               const TimelineRequest& request, const RunContext& context) {
    QSCOPE_CHECK(check(hamiltonian, start, request));
    if (hamiltonian.qubits > 7)
        return fail(ErrorCode::OutOfRange, "noise on {} qubits; 7 are the limit", hamiltonian.qubits);
    std::vector<Complex> rho;
    for (const Complex& row : start)
        for (const Complex& column : start) rho.push_back(row * std::conj(column));
    std::vector<double> times;
    for (int k = 0; k <= request.intervals; ++k) times.push_back(timeAt(request, k));
    QSCOPE_TRY(const auto states, lindblad(hamiltonian, jumps, rho, times, request.tolerance, context));
    Timeline result;
    for (std::size_t k = 0; k < states.size(); ++k) {
        QSCOPE_TRY(Moment moment, momentAt(times[k], hamiltonian, request, [&](const PauliSum& sum) {
                       return expectationOf(sum, states[k], hamiltonian.qubits);
                   }));
        result.exact.push_back(std::move(moment));
    }
    return result;
}

} // namespace qscope::engine
