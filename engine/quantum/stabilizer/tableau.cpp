// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/stabilizer/tableau.h"

#include <algorithm>
#include <bit>

namespace qscope::engine {

namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

std::uint64_t mask(bool set) { return set ? kAll : 0; }

/// Signs of a gate as the products of input bits whose sum they are: bit m of the result, the product of the bits in m.
std::uint16_t monomials(std::uint16_t signs) {
    unsigned f = signs;
    // The Moebius transform over subsets: each bit adds the values without it to those with it.
    f ^= (f & 0x5555u) << 1;
    f ^= (f & 0x3333u) << 2;
    f ^= (f & 0x0f0fu) << 4;
    f ^= (f & 0x00ffu) << 8;
    return static_cast<std::uint16_t>(f);
}

} // namespace

Tableau::Tableau(int qubits)
    : m_qubits(qubits)
    , m_half((static_cast<std::size_t>(qubits) + 63) / 64)
    , m_words(2 * m_half)
    , m_x(static_cast<std::size_t>(qubits) * m_words)
    , m_z(m_x.size())
    , m_signs(m_words) {
    for (int q = 0; q < qubits; ++q) {
        const auto word = static_cast<std::size_t>(q) / 64;
        const Word bit = Word{1} << (q % 64);
        x(q)[word] = bit;
        z(q)[m_half + word] = bit;
    }
}

double Tableau::bytes(int qubits) {
    const double words = 2 * ((qubits + 63) / 64);
    return (2.0 * qubits + 1) * words * 8;
}

void Tableau::apply(const CliffordGate& gate, int a, int b) {
    const bool two = gate.qubits == 2;
    Word* const columns[] = {x(a), z(a), two ? x(b) : nullptr, two ? z(b) : nullptr};
    const int inputs = two ? 4 : 2;
    Word from[4][4] = {}; // from[out][in]: all ones when that input bit adds to that output bit
    for (int in = 0; in < inputs; ++in)
        for (int out = 0; out < inputs; ++out)
            from[out][in] = mask(gate.image[static_cast<std::size_t>(in)] >> out & 1);
    unsigned terms[16];
    int count = 0;
    const unsigned sum = monomials(gate.signs);
    for (unsigned m = 1; m < (1u << inputs); ++m)
        if (sum >> m & 1) terms[count++] = m;

    for (std::size_t w = 0; w < m_words; ++w) {
        Word in[4] = {};
        for (int k = 0; k < inputs; ++k) in[k] = columns[k][w];
        for (int t = 0; t < count; ++t) {
            Word product = kAll;
            for (int k = 0; k < inputs; ++k)
                if (terms[t] >> k & 1) product &= in[k];
            m_signs[w] ^= product;
        }
        for (int out = 0; out < inputs; ++out)
            columns[out][w] =
                (in[0] & from[out][0]) ^ (in[1] & from[out][1]) ^ (in[2] & from[out][2]) ^ (in[3] & from[out][3]);
    }
}

void Tableau::flip(int qubit) {
    for (std::size_t w = 0; w < m_words; ++w) m_signs[w] ^= z(qubit)[w];
}

int Tableau::anticommuting(int qubit) const {
    const Word* column = x(qubit) + m_half;
    for (std::size_t w = 0; w < m_half; ++w)
        if (column[w] != 0) return static_cast<int>(w) * 64 + std::countr_zero(column[w]);
    return -1;
}

bool Tableau::determined(int qubit) const { return anticommuting(qubit) < 0; }

bool Tableau::measure(int qubit, bool coin) {
    const int row = anticommuting(qubit);
    if (row < 0) {
        const PauliFactor factor{qubit, 'Z'};
        return expectation({&factor, 1}) < 0;
    }
    collapse(qubit, row, coin);
    return coin;
}

void Tableau::collapse(int qubit, int row, bool outcome) {
    const std::size_t destabilizer = static_cast<std::size_t>(row) / 64;
    const std::size_t stabilizer = m_half + destabilizer;
    const Word bit = Word{1} << (row % 64);
    // All other rows that anticommute with Z are multiplied by the stabilizer `row`, which then makes room for Z. Its
    // own destabilizer is about to be replaced, so it is left out.
    std::vector<Word> others(x(qubit), x(qubit) + m_words);
    others[destabilizer] &= ~bit;
    others[stabilizer] &= ~bit;
    // Powers of i that the products make, per row, as two-bit numbers: odd ones occur in destabilizers, whose signs do
    // not matter.
    std::vector<Word> ones(m_words), twos(m_words);
    for (int q = 0; q < m_qubits; ++q) {
        Word* const xs = x(q);
        Word* const zs = z(q);
        const bool px = (xs[stabilizer] & bit) != 0;
        const bool pz = (zs[stabilizer] & bit) != 0;
        if (px || pz) {
            for (std::size_t w = 0; w < m_words; ++w) {
                const Word a = xs[w] & others[w];
                const Word b = zs[w] & others[w];
                // X Y = iZ, Y Z = iX, Z X = iY; the other way round -i.
                const Word plus = px && pz ? b & ~a : px ? a & b : a & ~b;
                const Word minus = px && pz ? a & ~b : px ? b & ~a : a & b;
                twos[w] ^= ones[w] & plus;
                ones[w] ^= plus;
                twos[w] ^= ~ones[w] & minus;
                ones[w] ^= minus;
                if (px) xs[w] ^= others[w];
                if (pz) zs[w] ^= others[w];
            }
        }
        xs[destabilizer] = px ? xs[destabilizer] | bit : xs[destabilizer] & ~bit;
        zs[destabilizer] = pz ? zs[destabilizer] | bit : zs[destabilizer] & ~bit;
        xs[stabilizer] &= ~bit;
        zs[stabilizer] &= ~bit;
    }
    const Word sign = mask((m_signs[stabilizer] & bit) != 0);
    for (std::size_t w = 0; w < m_words; ++w) m_signs[w] ^= others[w] & (sign ^ twos[w]);
    z(qubit)[stabilizer] |= bit;
    m_signs[stabilizer] = outcome ? m_signs[stabilizer] | bit : m_signs[stabilizer] & ~bit;
}

int Tableau::phaseOfProduct(const std::vector<Word>& rows) const {
    int phase = 0;
    for (std::size_t w = 0; w < m_half; ++w) phase += 2 * std::popcount(m_signs[m_half + w] & rows[w]);
    // Each row is +-i^(number of Y) X^x Z^z; an X that moves before an earlier row's Z changes the sign.
    for (int q = 0; q < m_qubits; ++q) {
        const Word* xs = x(q) + m_half;
        const Word* zs = z(q) + m_half;
        Word before = 0; // all ones when an odd number of earlier rows has a Z here
        for (std::size_t w = 0; w < m_half; ++w) {
            if (rows[w] == 0) continue;
            const Word a = xs[w] & rows[w];
            const Word b = zs[w] & rows[w];
            Word parity = b; // of bits at and below each place
            for (int shift = 1; shift < 64; shift *= 2) parity ^= parity << shift;
            phase += std::popcount(a & b) + 2 * std::popcount(a & (parity ^ b ^ before));
            before ^= mask(parity >> 63 & 1);
        }
    }
    return phase & 3;
}

int Tableau::expectation(std::span<const PauliFactor> factors) const {
    std::vector<Word> anticommute(m_words);
    int phase = 0;
    for (const auto& [qubit, letter] : factors)
        for (std::size_t w = 0; w < m_words; ++w)
            anticommute[w] ^= (letter != 'X' ? x(qubit)[w] : 0) ^ (letter != 'Z' ? z(qubit)[w] : 0);
    for (std::size_t w = m_half; w < m_words; ++w)
        if (anticommute[w] != 0) return 0;
    // P is plus or minus the product of those stabilizers whose destabilizers it anticommutes with.
    anticommute.resize(m_half);
    phase = phaseOfProduct(anticommute);
    phase -= static_cast<int>(std::ranges::count(factors, 'Y', &PauliFactor::letter));
    return (phase & 3) == 0 ? 1 : -1;
}

std::vector<std::uint64_t> Tableau::xBits(int row) const {
    std::vector<Word> bits((static_cast<std::size_t>(m_qubits) + 63) / 64);
    const std::size_t word = m_half + static_cast<std::size_t>(row) / 64;
    for (int q = 0; q < m_qubits; ++q)
        bits[static_cast<std::size_t>(q) / 64] |= (x(q)[word] >> (row % 64) & 1) << (q % 64);
    return bits;
}

std::string Tableau::rowText(int row) const {
    const int of = row % m_qubits;
    const std::size_t word = (row < m_qubits ? 0 : m_half) + static_cast<std::size_t>(of) / 64;
    std::string text(static_cast<std::size_t>(m_qubits) + 1, m_signs[word] >> (of % 64) & 1 ? '-' : '+');
    for (int q = 0; q < m_qubits; ++q) {
        const auto letter = (x(q)[word] >> (of % 64) & 1) | (z(q)[word] >> (of % 64) & 1) << 1;
        text[static_cast<std::size_t>(m_qubits - q)] = "IXZY"[letter];
    }
    return text;
}

} // namespace qscope::engine
