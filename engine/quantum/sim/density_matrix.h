// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/state.h"
#include "engine/core/run_context.h"
#include "engine/quantum/sim/pauli_map.h"

#include <cstdlib>
#include <memory>

namespace qscope::engine {

/// A mixed state of n qubits as its 4^n real Pauli coefficients r_P = Tr(P rho); see `pauli_map.h`. Hermitian by construction;
/// its trace is r_I. On the CPU; not for pure states, which a state vector holds in the square root of the room.
class DensityMatrix {
public:
    /// |0...0>. OutOfMemory, naming what would fit, before anything is allocated.
    [[nodiscard]] static Result<DensityMatrix> zeroState(int qubits, Precision precision);
    [[nodiscard]] Result<DensityMatrix> copy() const;

    [[nodiscard]] int qubits() const { return m_qubits; }
    [[nodiscard]] Precision precision() const { return m_precision; }

    /// One pass over the state for each map, or for many of them together while a part of the state is in the cache.
    [[nodiscard]] Result<void> apply(std::span<const PauliMap> maps, const RunContext& context);
    /// Adds another state of the same size and precision.
    [[nodiscard]] Result<void> add(const DensityMatrix& other, const RunContext& context);
    /// Multiplies by a number.
    [[nodiscard]] Result<void> scale(double factor, const RunContext& context);

    /// Tr(P rho).
    [[nodiscard]] double expectation(const PauliString& pauli) const;
    [[nodiscard]] double trace() const { return expectation({}); }
    /// Tr(rho^2), between 2^-n and 1 at trace 1.
    [[nodiscard]] Result<double> purity(const RunContext& context) const { return overlap(*this, context); }
    /// Tr(rho other): the fidelity with it when it is pure. OutOfRange unless both have the same size.
    [[nodiscard]] Result<double> overlap(const DensityMatrix& other, const RunContext& context) const;
    /// Of the 2^k outcomes of `qubits`, `qubits[0]` the lowest bit. Rounding may leave a value a little below 0.
    [[nodiscard]] Result<std::vector<double>> probabilities(std::span<const int> qubits) const;
    /// The reduced state on `qubits`, 2^k x 2^k, row-major, `qubits[0]` the lowest bit. OutOfMemory before anything is allocated.
    [[nodiscard]] Result<std::vector<std::complex<double>>> reduced(std::span<const int> qubits, const RunContext& context) const;
    /// All of rho, row-major.
    [[nodiscard]] Result<std::vector<std::complex<double>>> matrix(const RunContext& context) const;

private:
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    DensityMatrix(int qubits, Precision precision) : m_qubits(qubits), m_precision(precision) {}
    [[nodiscard]] static Result<DensityMatrix> allocated(int qubits, Precision precision);
    [[nodiscard]] std::uint64_t size() const { return std::uint64_t{1} << 2 * m_qubits; }
    template<class Real>
    [[nodiscard]] Real* reals() {
        return static_cast<Real*>(m_memory.get());
    }
    template<class Real>
    [[nodiscard]] const Real* reals() const {
        return static_cast<const Real*>(m_memory.get());
    }
    [[nodiscard]] double at(std::uint64_t index) const {
        return m_precision == Precision::Single ? static_cast<double>(reals<float>()[index]) : reals<double>()[index];
    }
    [[nodiscard]] Result<void> checkQubits(std::span<const int> qubits) const;

    int m_qubits;
    Precision m_precision;
    std::unique_ptr<void, Free> m_memory;
};

/// Bytes that a density matrix takes (saturating), and whether so many are free: else OutOfMemory says what would fit.
[[nodiscard]] std::uint64_t densityBytes(int qubits, Precision precision);
[[nodiscard]] Result<void> checkDensityFits(int qubits, Precision precision);

} // namespace qscope::engine
