// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/stabilizer/clifford.h"

#include "engine/quantum/modified_gate.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;

/// An angle off by d moves an entry of U P U^-1 by at most d; four angles and rounding.
constexpr double kTolerance = 5e-12;

/// The x and the z bits of a string, bit k for qubit k of the gate.
struct Masks {
    unsigned x, z;
};
Masks masksOf(unsigned string) { return {(string & 1) | (string >> 1 & 2), (string >> 1 & 1) | (string >> 2 & 2)}; }
unsigned stringOf(Masks masks) { return (masks.x & 1) | (masks.z & 1) << 1 | (masks.x & 2) << 1 | (masks.z & 2) << 2; }

/// The entry of the Pauli string in column c, which is in row c ^ x: a factor i for each Y.
Complex entryOf(Masks pauli, unsigned column) {
    static constexpr Complex kPowers[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    const int turns = std::popcount(pauli.x & pauli.z) + 2 * std::popcount(column & pauli.z);
    return kPowers[turns & 3];
}

Complex times(Complex a, Complex b) { // the library's product checks for infinities
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

bool near(Complex a, Complex b) {
    return std::abs(a.real() - b.real()) < kTolerance && std::abs(a.imag() - b.imag()) < kTolerance;
}

/// Reads a matrix as a signed Pauli string.
std::optional<std::pair<unsigned, bool>> pauliOf(const std::vector<Complex>& matrix, unsigned size) {
    Masks masks{0, 0};
    while (masks.x < size && std::abs(matrix[masks.x * size]) < 0.5) ++masks.x;
    if (masks.x == size) return std::nullopt;
    const Complex first = matrix[masks.x * size];
    for (unsigned bit = 1; bit < size; bit *= 2) {
        const Complex other = matrix[(bit ^ masks.x) * size + bit];
        if ((other * std::conj(first)).real() < 0) masks.z |= bit;
    }
    const bool minus = (first * std::conj(entryOf(masks, 0))).real() < 0;
    for (unsigned row = 0; row < size; ++row)
        for (unsigned column = 0; column < size; ++column) {
            const Complex wanted = row == (column ^ masks.x) ? entryOf(masks, column) : 0;
            if (!near(matrix[row * size + column], minus ? -wanted : wanted)) return std::nullopt;
        }
    return std::pair{stringOf(masks), minus};
}

} // namespace

std::optional<CliffordGate> cliffordOf(const GateOp& gate) {
    if (gate.qubits.empty() || gate.qubits.size() > 2 || !gateMatrix(gate)) return std::nullopt;
    const std::vector<Complex> u = fullMatrix(gate);
    const unsigned size = 1u << gate.qubits.size();
    CliffordGate result;
    result.qubits = static_cast<int>(gate.qubits.size());
    result.image = {1, 2, 4, 8};
    std::vector<Complex> moved(size * size);
    for (unsigned string = 1; string < size * size; ++string) {
        const Masks masks = masksOf(string);
        for (unsigned row = 0; row < size; ++row)
            for (unsigned column = 0; column < size; ++column) {
                Complex sum = 0;
                for (unsigned k = 0; k < size; ++k)
                    sum +=
                        times(times(u[row * size + (k ^ masks.x)], entryOf(masks, k)), std::conj(u[column * size + k]));
                moved[row * size + column] = sum;
            }
        const auto image = pauliOf(moved, size);
        if (!image) return std::nullopt;
        if (std::has_single_bit(string))
            result.image[static_cast<std::size_t>(std::countr_zero(string))] = static_cast<std::uint8_t>(image->first);
        if (image->second) result.signs = static_cast<std::uint16_t>(result.signs | 1u << string);
    }
    return result;
}

const CliffordGate* CliffordTable::find(const GateOp& gate) {
    // Not a number is no key; two gates that modifiers made may share a name.
    if (std::ranges::any_of(gate.parameters, [](double value) { return std::isnan(value); })) return nullptr;
    const auto [at, added] = m_known.try_emplace({gate.name, gate.parameters, gate.detail});
    if (added) at->second = cliffordOf(gate);
    return at->second ? &*at->second : nullptr;
}

} // namespace qscope::engine
