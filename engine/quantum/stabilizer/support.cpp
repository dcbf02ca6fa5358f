// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/stabilizer/support.h"

#include <algorithm>
#include <bit>

namespace qscope::engine {

namespace {

using Bits = std::vector<std::uint64_t>;

bool has(const Bits& bits, std::size_t k) { return bits[k / 64] >> (k % 64) & 1; }

void add(Bits& to, const Bits& other) {
    for (std::size_t w = 0; w < to.size(); ++w) to[w] ^= other[w];
}

} // namespace

Bits Support::element(std::uint64_t i) const {
    Bits bits = first;
    for (std::size_t k = 0; k < directions.size() && k < 64; ++k)
        if (i >> k & 1) add(bits, directions[k]);
    return bits;
}

Result<Support> supportOf(Tableau state, const RunContext& context) {
    const auto qubits = static_cast<std::size_t>(state.qubits());
    Support support;
    // Reduced rows with their leading qubits from the highest down: the order of the sums is that of the leading bits.
    std::vector<Bits> rows;
    for (int row = 0; row < state.qubits(); ++row) rows.push_back(state.xBits(row));
    std::vector<std::size_t> leading;
    std::size_t done = 0;
    for (std::size_t qubit = qubits; qubit-- > 0 && done < rows.size();) {
        if (context.cancelled()) return cancelled();
        std::size_t pivot = done;
        while (pivot < rows.size() && !has(rows[pivot], qubit)) ++pivot;
        if (pivot == rows.size()) continue;
        std::swap(rows[pivot], rows[done]);
        for (std::size_t row = 0; row < rows.size(); ++row)
            if (row != done && has(rows[row], qubit)) add(rows[row], rows[done]);
        leading.push_back(qubit);
        ++done;
    }
    rows.resize(done);

    support.first.resize((qubits + 63) / 64);
    for (std::size_t q = 0; q < qubits; ++q) {
        if (context.cancelled()) return cancelled();
        if (state.measure(static_cast<int>(q), false)) support.first[q / 64] |= std::uint64_t{1} << (q % 64);
    }
    for (std::size_t k = 0; k < done; ++k)
        if (has(support.first, leading[k])) add(support.first, rows[k]);
    std::ranges::reverse(rows);
    support.directions = std::move(rows);
    return support;
}

} // namespace qscope::engine
