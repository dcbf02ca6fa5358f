// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/pauli_map.h"

#include "engine/quantum/modified_gate.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;

constexpr double kZero = 1e-15; ///< rounding of an entry of at most 1
/// Time of one more term per output against a pass of its own; measured with `bench_state`.
constexpr double kTermCost = 0.12;

/// Letters from their x and z bits.
std::size_t letters(std::size_t x, std::size_t z, int qubits) {
    std::size_t index = 0;
    for (int k = 0; k < qubits; ++k) index |= (x >> k & 1) << 2 * k | (z >> k & 1) << (2 * k + 1);
    return index;
}

Complex turned(Complex value, int quarters) {
    switch (quarters % 4) {
    case 0: return value;
    case 1: return {-value.imag(), value.real()};
    case 2: return -value;
    default: return {value.imag(), -value.real()};
    }
}

Complex times(Complex a, Complex b) { // written out: the library's product checks for infinities
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// Tr(P M) / 2^k for every string P, into a column of the map.
void decompose(const DenseMatrix& matrix, int qubits, PauliMap& map, std::size_t column) {
    const std::size_t size = std::size_t{1} << qubits;
    std::vector<Complex> sums(size);
    for (std::size_t x = 0; x < size; ++x) {
        // P|c> = i^(number of Y) (-1)^(ones of c where z is set) |c ^ x>
        for (std::size_t c = 0; c < size; ++c) sums[c] = matrix[c * size + (c ^ x)];
        for (std::size_t bit = 1; bit < size; bit <<= 1)
            for (std::size_t c = 0; c < size; ++c)
                if (!(c & bit)) {
                    const Complex a = sums[c], b = sums[c | bit];
                    sums[c] = a + b;
                    sums[c | bit] = a - b;
                }
        for (std::size_t z = 0; z < size; ++z) {
            const double value = turned(sums[z], std::popcount(x & z)).real() / static_cast<double>(size);
            map.entries[letters(x, z, qubits) * size * size + column] += value;
        }
    }
}

/// Index offsets of the letters of `part` within a map on `whole`.
std::vector<std::size_t> spread(const std::vector<int>& whole, const std::vector<int>& part) {
    std::vector<std::size_t> offsets(std::size_t{1} << 2 * part.size());
    for (std::size_t i = 0; i < part.size(); ++i) {
        const auto at = static_cast<std::size_t>(std::ranges::find(whole, part[i]) - whole.begin());
        for (std::size_t index = 0; index < offsets.size(); ++index) offsets[index] |= (index >> 2 * i & 3) << 2 * at;
    }
    return offsets;
}

bool contains(const std::vector<int>& whole, const std::vector<int>& part) {
    return std::ranges::all_of(part, [&](int qubit) { return std::ranges::find(whole, qubit) != whole.end(); });
}

double cost(const PauliMap& map) {
    const auto terms = map.entries.size() - static_cast<std::size_t>(std::ranges::count(map.entries, 0.0));
    return 1 + kTermCost * static_cast<double>(terms) / std::sqrt(static_cast<double>(map.entries.size()));
}

} // namespace

PauliMap pauliMap(std::vector<int> qubits, std::span<const DenseMatrix> kraus) {
    const int k = static_cast<int>(qubits.size());
    const std::size_t size = std::size_t{1} << k;
    PauliMap map{std::move(qubits), std::vector<double>(size * size * size * size)};
    struct Entry {
        std::size_t column;
        Complex value;
    };
    for (const DenseMatrix& matrix : kraus) {
        std::vector<std::vector<Entry>> rows(size);
        for (std::size_t row = 0; row < size; ++row)
            for (std::size_t column = 0; column < size; ++column)
                if (matrix[row * size + column] != 0.0) rows[row].push_back({column, matrix[row * size + column]});
        DenseMatrix image(size * size);
        for (std::size_t x = 0; x < size; ++x)
            for (std::size_t z = 0; z < size; ++z) {
                // K Q K^dagger, where Q moves column c ^ x of K to column c.
                std::ranges::fill(image, Complex(0));
                const int ys = std::popcount(x & z);
                for (std::size_t row = 0; row < size; ++row)
                    for (std::size_t other = 0; other < size; ++other)
                        for (const Entry& entry : rows[other]) {
                            const std::size_t c = entry.column;
                            const Complex factor = matrix[row * size + (c ^ x)];
                            if (factor == 0.0) continue;
                            const int quarters = ys + 2 * std::popcount(c & z);
                            image[row * size + other] += times(turned(factor, quarters), std::conj(entry.value));
                        }
                decompose(image, k, map, letters(x, z, k));
            }
    }
    for (double& entry : map.entries)
        if (std::abs(entry) < kZero) entry = 0;
    return map;
}

PauliMap pauliMap(const GateOp& gate) {
    const DenseMatrix matrix = fullMatrix(gate);
    return pauliMap(gate.qubits, {&matrix, 1});
}

PauliMap resetMap(int qubit) { return {{qubit}, {1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}}; }

PauliMap dephasingMap(int qubit) { return {{qubit}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0}}; }

PauliMap recordMap(int qubit, bool recorded, const ReadoutError& error) {
    // zero |0><0| rho |0><0| + one |1><1| rho |1><1|, which mixes I and Z.
    const double zero = recorded ? error.oneGivenZero : 1 - error.oneGivenZero;
    const double one = recorded ? 1 - error.zeroGivenOne : error.zeroGivenOne;
    const double same = (zero + one) / 2, other = (zero - one) / 2;
    return {{qubit}, {same, 0, other, 0, 0, 0, 0, 0, other, 0, same, 0, 0, 0, 0, 0}};
}

PauliMap product(const PauliMap& later, const PauliMap& earlier) {
    const bool laterIsLarger = later.qubits.size() >= earlier.qubits.size();
    const PauliMap& large = laterIsLarger ? later : earlier;
    const PauliMap& small = laterIsLarger ? earlier : later;
    const auto offsets = spread(large.qubits, small.qubits);
    const std::size_t inner = offsets.size(), mask = offsets.back();
    const std::size_t size = std::size_t{1} << 2 * large.qubits.size();
    PauliMap result{large.qubits, std::vector<double>(size * size)};
    // The larger one's index on the side of the smaller one; `line` runs over the other side.
    const std::size_t step = laterIsLarger ? 1 : size, lineStep = laterIsLarger ? size : 1;
    for (std::size_t base = 0; base < size; ++base) {
        if ((base & mask) != 0) continue;
        for (std::size_t to = 0; to < inner; ++to)
            for (std::size_t from = 0; from < inner; ++from) {
                const double factor = laterIsLarger ? small.entries[from * inner + to] : small.entries[to * inner + from];
                if (factor == 0) continue;
                const double* source = large.entries.data() + (base | offsets[from]) * step;
                double* target = result.entries.data() + (base | offsets[to]) * step;
                for (std::size_t line = 0; line < size; ++line) target[line * lineStep] += factor * source[line * lineStep];
            }
    }
    for (double& entry : result.entries)
        if (std::abs(entry) < kZero) entry = 0;
    return result;
}

void PauliFuser::add(PauliMap map) {
    const auto last = [&](int qubit) { return m_last[static_cast<std::size_t>(qubit)]; };
    /// The latest map on this qubit, when nothing else came after it on its own qubits.
    const auto candidate = [&](int qubit) -> PauliMap* {
        const std::int64_t index = last(qubit);
        if (index < 0) return nullptr;
        PauliMap& found = m_maps[static_cast<std::size_t>(index)];
        return std::ranges::all_of(found.qubits, [&](int other) { return last(other) == index; }) ? &found : nullptr;
    };
    for (const int qubit : std::vector<int>(map.qubits)) {
        PauliMap* const before = candidate(qubit);
        if (!before || before->qubits.empty() || !contains(map.qubits, before->qubits)) continue;
        PauliMap joined = product(map, *before);
        if (cost(joined) >= cost(map) + cost(*before)) continue;
        map = std::move(joined);
        for (const int freed : before->qubits) m_last[static_cast<std::size_t>(freed)] = -1;
        *before = {};
    }
    const std::int64_t index = last(map.qubits.front());
    const bool within = index >= 0 && std::ranges::all_of(map.qubits, [&](int qubit) { return last(qubit) == index; });
    if (within) {
        PauliMap& before = m_maps[static_cast<std::size_t>(index)];
        PauliMap joined = product(map, before);
        if (cost(joined) < cost(map) + cost(before)) {
            before = std::move(joined);
            return;
        }
    }
    for (const int qubit : map.qubits) m_last[static_cast<std::size_t>(qubit)] = static_cast<std::int64_t>(m_maps.size());
    m_maps.push_back(std::move(map));
}

std::vector<PauliMap> PauliFuser::take() {
    std::vector<PauliMap> result;
    for (PauliMap& map : m_maps)
        if (!map.qubits.empty()) result.push_back(std::move(map));
    m_maps.clear();
    std::ranges::fill(m_last, -1);
    return result;
}

} // namespace qscope::engine
