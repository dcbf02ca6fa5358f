// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/krylov.h"

#include "engine/backend/cpu_state.h"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

namespace qscope::engine {

namespace {

using Vector = Eigen::Map<Eigen::VectorXcd>;
using ConstVector = Eigen::Map<const Eigen::VectorXcd>;

Vector map(StateVector& v) { return {v.data(), static_cast<Eigen::Index>(v.size())}; }
ConstVector map(const StateVector& v) { return {v.data(), static_cast<Eigen::Index>(v.size())}; }

void removeFrom(StateVector& v, std::span<const StateVector> basis) {
    for (const StateVector& other : basis) {
        const std::complex<double> part = map(other).dot(map(v));
        map(v) -= part * map(other);
    }
}

} // namespace

Result<int> vectorsThatFit(int qubits, int least, int wanted) {
    const std::uint64_t each = cpu::stateBytes(qubits, Precision::Double);
    const std::uint64_t fits = cpu::freeMemory() / each;
    if (fits < static_cast<std::uint64_t>(least))
        return fail(ErrorCode::OutOfMemory, "{} states of {} qubits are needed; {} fit the free memory", least, qubits, fits);
    return static_cast<int>(std::min<std::uint64_t>(fits, static_cast<std::uint64_t>(wanted)));
}

Result<KrylovBasis> krylovBasis(const PauliSum& hamiltonian, const StateVector& start, int steps, std::span<const StateVector> locked,
                                const RunContext& context) {
    QSCOPE_CHECK(vectorsThatFit(hamiltonian.qubits, steps + 2, steps + 2));
    KrylovBasis basis;
    StateVector v = start;
    removeFrom(v, locked);
    double length = map(v).norm();
    if (!(length > 0)) return fail(ErrorCode::OutOfRange, "a Krylov space of nothing");
    double scale = 0; // of H, against which a remainder counts as nothing
    for (int k = 0; k < steps; ++k) {
        if (context.cancelled()) return cancelled();
        map(v) /= length;
        basis.vectors.push_back(v);
        StateVector next(v.size());
        QSCOPE_CHECK(applySum(hamiltonian, v, next, context));
        basis.diagonal.push_back(map(v).dot(map(next)).real());
        for (int twice = 0; twice < 2; ++twice) {
            removeFrom(next, locked);
            removeFrom(next, basis.vectors);
        }
        length = map(next).norm();
        scale = std::max({scale, std::abs(basis.diagonal.back()), length});
        const bool exhausted = length <= 1e-13 * scale;
        basis.beside.push_back(exhausted ? 0 : length);
        if (exhausted) break;
        v = std::move(next);
    }
    return basis;
}

} // namespace qscope::engine
