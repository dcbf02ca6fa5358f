// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/quantum/sim/simulation.h"
#include "engine/quantum/stabilizer/clifford.h"

#include <span>
#include <string>

namespace qscope::engine {

/// A stabilizer state of n qubits as n destabilizers and n stabilizers. Source: Aaronson and Gottesman, "Improved
/// simulation of stabilizer circuits", Phys. Rev. A 70, 052328 (2004). The x and z bits of one qubit lie together, one
/// bit per row, so that a gate changes 64 rows at a time: destabilizers first, stabilizers from a word of their own.
class Tableau {
public:
    explicit Tableau(int qubits); ///< |0...0>
    [[nodiscard]] static double bytes(int qubits);

    [[nodiscard]] int qubits() const { return m_qubits; }
    /// `b` counts for two-qubit gates only.
    void apply(const CliffordGate& gate, int a, int b);
    void flip(int qubit); ///< X
    /// Measures in the computational basis; an undetermined outcome becomes `coin`.
    bool measure(int qubit, bool coin);
    [[nodiscard]] bool determined(int qubit) const;
    /// <state| P |state>: -1, 0 or 1. The factors name each qubit once.
    [[nodiscard]] int expectation(std::span<const PauliFactor> factors) const;
    /// The x bits of stabilizer `row`, 64 qubits in each word.
    [[nodiscard]] std::vector<std::uint64_t> xBits(int row) const;
    /// Sign and letters, qubit 0 rightmost: "+XZI". Rows 0 to n-1 are the destabilizers (whose signs mean nothing), the
    /// stabilizers follow.
    [[nodiscard]] std::string rowText(int row) const;

private:
    using Word = std::uint64_t;
    [[nodiscard]] Word* x(int qubit) { return m_x.data() + static_cast<std::size_t>(qubit) * m_words; }
    [[nodiscard]] Word* z(int qubit) { return m_z.data() + static_cast<std::size_t>(qubit) * m_words; }
    [[nodiscard]] const Word* x(int qubit) const { return m_x.data() + static_cast<std::size_t>(qubit) * m_words; }
    [[nodiscard]] const Word* z(int qubit) const { return m_z.data() + static_cast<std::size_t>(qubit) * m_words; }
    /// The first stabilizer that anticommutes with Z on the qubit, or -1.
    [[nodiscard]] int anticommuting(int qubit) const;
    void collapse(int qubit, int row, bool outcome);
    /// The product of the stabilizers in `rows`, in order, is i^result X^x Z^z; mod 4.
    [[nodiscard]] int phaseOfProduct(const std::vector<Word>& rows) const;

    int m_qubits;
    std::size_t m_half;  ///< words of the destabilizers, and of the stabilizers
    std::size_t m_words; ///< both
    std::vector<Word> m_x;
    std::vector<Word> m_z;
    std::vector<Word> m_signs;
};

} // namespace qscope::engine
