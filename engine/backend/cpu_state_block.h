// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/cpu_state_kernels.h"

#include <bit>
#include <complex>

namespace qscope::engine::cpu {

[[nodiscard]] constexpr std::uint64_t lowBits(int count) {
    return count >= 64 ? UINT64_MAX : (std::uint64_t{1} << count) - 1;
}

/// The amplitudes of a state that differ in `qubits` only, in order of their index: the k-th lowest of these qubits is
/// bit k of an amplitude's place in the block. The other, outer qubits have one value each in the whole block.
struct BlockShape {
    std::uint64_t qubits = 0;
    int padding = kNoPadding; ///< of its units

    [[nodiscard]] int bits() const { return std::popcount(qubits); }
    [[nodiscard]] bool has(int qubit) const { return qubits >> qubit & 1; }
    [[nodiscard]] int bitOf(int qubit) const { return std::popcount(qubits & lowBits(qubit)); }
    /// The bits of those qubits of `mask` that are in the block.
    [[nodiscard]] std::uint64_t bitsOf(std::uint64_t mask) const {
        std::uint64_t result = 0;
        for (std::uint64_t left = mask & qubits; left != 0; left &= left - 1)
            result |= std::uint64_t{1} << bitOf(std::countr_zero(left));
        return result;
    }
};

/// Storage for factors, aligned for every kernel.
template<class Real>
class FactorStore {
public:
    explicit FactorStore(std::size_t reals)
        : m_lines(reals / std::size(Line{}.reals) + 1) {}
    [[nodiscard]] Real* data() { return m_lines.front().reals; }

private:
    struct alignas(64) Line {
        Real reals[64 / sizeof(Real)];
    };
    std::vector<Line> m_lines;
};

/// Writes a lane's factor into a vector re and a vector im.
template<class Real>
void putFactor(Real* re, Real* im, std::size_t lane, std::complex<double> factor) {
    re[2 * lane] = re[2 * lane + 1] = static_cast<Real>(factor.real());
    im[2 * lane] = static_cast<Real>(-factor.imag());
    im[2 * lane + 1] = static_cast<Real>(factor.imag());
}

} // namespace qscope::engine::cpu
