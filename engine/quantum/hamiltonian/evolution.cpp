// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/evolution.h"

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;

constexpr int kBasis = 30;
constexpr int kMostSteps = 1'000'000;
constexpr std::size_t kMostRotations = 4'000'000;

using Vector = Eigen::Map<Eigen::VectorXcd>;
Vector map(StateVector& v) { return {v.data(), static_cast<Eigen::Index>(v.size())}; }

/// exp(-i T time) e_1 for the tridiagonal T.
Eigen::VectorXcd exponential(const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>& solver, double time) {
    const Eigen::VectorXcd phases = (Complex(0, -time) * solver.eigenvalues().cast<Complex>()).array().exp().matrix();
    const Eigen::VectorXcd start = solver.eigenvectors().row(0).transpose().cast<Complex>();
    return solver.eigenvectors().cast<Complex>() * phases.cwiseProduct(start);
}

/// Appends exp(-i angle P / 2) for each term.
class RotationWriter {
public:
    explicit RotationWriter(Circuit& circuit) : m_circuit(circuit) {}

    void rotation(const PauliString& string, double angle) {
        std::vector<int> qubits;
        for (int qubit = 0; qubit < m_circuit.qubits; ++qubit)
            if ((string.x | string.z) >> qubit & 1) qubits.push_back(qubit);
        if (qubits.empty()) {
            m_circuit.globalPhase -= angle / 2;
            return;
        }
        const char first = letter(string, qubits[0]);
        if (qubits.size() == 1) return put(std::string{'r', first}, {angle}, qubits);
        if (qubits.size() == 2 && letter(string, qubits[1]) == first) return put(std::string{'r', first, first}, {angle}, qubits);
        for (const int qubit : qubits) {
            if (letter(string, qubit) == 'y') put("sdg", {}, {qubit});
            if (letter(string, qubit) != 'z') put("h", {}, {qubit});
        }
        for (std::size_t k = 0; k + 1 < qubits.size(); ++k) put("cx", {}, {qubits[k], qubits[k + 1]});
        put("rz", {angle}, {qubits.back()});
        for (std::size_t k = qubits.size() - 1; k > 0; --k) put("cx", {}, {qubits[k - 1], qubits[k]});
        for (const int qubit : qubits) {
            if (letter(string, qubit) != 'z') put("h", {}, {qubit});
            if (letter(string, qubit) == 'y') put("s", {}, {qubit});
        }
    }

private:
    static char letter(const PauliString& string, int qubit) { return "ixzy"[(string.x >> qubit & 1) | (string.z >> qubit & 1) << 1]; }
    void put(std::string name, std::vector<double> angles, std::vector<int> qubits) {
        m_circuit.operations.push_back({GateOp{std::move(name), std::move(angles), std::move(qubits)}, {}, {}});
    }
    Circuit& m_circuit;
};

void firstOrder(const PauliSum& sum, double time, bool backwards, RotationWriter& writer) {
    for (std::size_t k = 0; k < sum.terms.size(); ++k) {
        const PauliTerm& term = sum.terms[backwards ? sum.terms.size() - 1 - k : k];
        writer.rotation(term.string, 2 * term.coefficient * time);
    }
}
void step(const PauliSum& sum, double time, int order, RotationWriter& writer) {
    if (order == 1) return firstOrder(sum, time, false, writer);
    if (order == 2) {
        firstOrder(sum, time / 2, false, writer);
        return firstOrder(sum, time / 2, true, writer);
    }
    const double part = 1 / (4 - std::cbrt(4.0));
    for (const double share : {part, part, 1 - 4 * part, part, part}) step(sum, share * time, 2, writer);
}

} // namespace

Result<StateVector> evolved(const PauliSum& hamiltonian, StateVector state, double time, double tolerance, const RunContext& context) {
    const std::size_t size = hamiltonian.qubits < 48 ? std::size_t{1} << hamiltonian.qubits : 0;
    if (size == 0 || state.size() != size) return fail(ErrorCode::OutOfRange, "a state of {} amplitudes for {} qubits", state.size(), hamiltonian.qubits);
    if (!std::isfinite(time) || !(tolerance > 0)) return fail(ErrorCode::OutOfRange, "evolution for a time of {} within {}", time, tolerance);
    QSCOPE_TRY(const int fits, vectorsThatFit(hamiltonian.qubits, 8, kBasis + 2));
    const double norm = map(state).norm();
    if (!(norm > 0) || time == 0) return state;
    const int most = static_cast<int>(std::min<std::int64_t>(fits - 2, std::ssize(state)));
    double left = time;
    for (int steps = 0; left != 0; ++steps) {
        if (steps == kMostSteps) return fail(ErrorCode::OutOfRange, "an evolution of more than {} steps", kMostSteps);
        QSCOPE_TRY(KrylovBasis basis, krylovBasis(hamiltonian, state, most, {}, context));
        const auto count = std::ssize(basis.vectors);
        Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
        solver.computeFromTridiagonal(Eigen::Map<const Eigen::VectorXd>(basis.diagonal.data(), count),
                                      Eigen::Map<const Eigen::VectorXd>(basis.beside.data(), count - 1));
        double now = left;
        Eigen::VectorXcd part = exponential(solver, now);
        // What leaks out of the basis; a shorter step uses the same one.
        while (basis.beside.back() * std::abs(part(count - 1)) * std::abs(now) > tolerance * std::abs(now / time)) {
            now *= 0.7;
            part = exponential(solver, now);
        }
        const double length = map(state).norm();
        map(state).setZero();
        for (Eigen::Index k = 0; k < count; ++k) map(state) += length * part(k) * map(basis.vectors[static_cast<std::size_t>(k)]);
        left = now == left ? 0 : left - now;
    }
    return state;
}

Result<Circuit> trotterCircuit(const PauliSum& hamiltonian, double time, int steps, int order) {
    if (order != 1 && order != 2 && order != 4) return fail(ErrorCode::OutOfRange, "a product formula of order {}; there are 1, 2 and 4", order);
    const std::size_t each = hamiltonian.terms.size() * (order == 1 ? 1u : order == 2 ? 2u : 10u);
    if (steps < 1 || !std::isfinite(time) || static_cast<std::size_t>(steps) > kMostRotations / std::max<std::size_t>(each, 1))
        return fail(ErrorCode::OutOfRange, "{} steps of {} rotations for a time of {}", steps, each, time);
    Circuit circuit;
    circuit.version = "2.0";
    circuit.qregs = {{"q", 0, hamiltonian.qubits}};
    circuit.qubits = hamiltonian.qubits;
    RotationWriter writer(circuit);
    for (int k = 0; k < steps; ++k) step(hamiltonian, time / steps, order, writer);
    return circuit;
}

} // namespace qscope::engine
