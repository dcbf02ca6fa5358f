// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/hamiltonian/pauli_sum.h"

#include "engine/backend/cpu_state.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;

constexpr int kMostDense = 12;

/// i^(number of Y): P|c> = i^(number of Y) (-1)^(ones of c where z is set) |c ^ x>.
Complex turn(const PauliString& string) {
    constexpr Complex kTurns[] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
    return kTurns[std::popcount(string.x & string.z) % 4];
}

bool agreeOnEveryQubit(const PauliString& a, const PauliString& b) {
    const std::uint64_t both = (a.x | a.z) & (b.x | b.z);
    return (((a.x ^ b.x) | (a.z ^ b.z)) & both) == 0;
}
bool commute(const PauliString& a, const PauliString& b) { return std::popcount((a.x & b.z) ^ (a.z & b.x)) % 2 == 0; }

template<class Compatible>
std::vector<std::vector<std::size_t>> grouped(const PauliSum& sum, Compatible compatible) {
    std::vector<std::size_t> order(sum.terms.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t term) { return std::abs(sum.terms[term].coefficient); });
    std::vector<std::vector<std::size_t>> groups;
    for (const std::size_t term : order) {
        const auto group = std::ranges::find_if(groups, [&](const auto& members) {
            return std::ranges::all_of(members, [&](std::size_t other) { return compatible(sum.terms[term].string, sum.terms[other].string); });
        });
        if (group == groups.end()) groups.push_back({term});
        else group->push_back(term);
    }
    return groups;
}

} // namespace

PauliSum simplified(PauliSum sum) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> place;
    PauliSum result{sum.qubits, {}};
    for (const PauliTerm& term : sum.terms) {
        const auto [found, fresh] = place.try_emplace({term.string.x, term.string.z}, result.terms.size());
        if (fresh) result.terms.push_back(term);
        else result.terms[found->second].coefficient += term.coefficient;
    }
    std::erase_if(result.terms, [](const PauliTerm& term) { return term.coefficient == 0; });
    return result;
}

Result<std::vector<Complex>> denseMatrix(const PauliSum& sum) {
    if (sum.qubits > kMostDense)
        return fail(ErrorCode::OutOfRange, "a matrix on {} qubits; {} are the limit", sum.qubits, kMostDense);
    if (cpu::stateBytes(2 * sum.qubits, Precision::Double) > cpu::freeMemory())
        return fail(ErrorCode::OutOfMemory, "a matrix on {} qubits does not fit the free memory", sum.qubits);
    const std::size_t size = std::size_t{1} << sum.qubits;
    std::vector<Complex> matrix(size * size);
    for (const PauliTerm& term : sum.terms)
        for (std::size_t c = 0; c < size; ++c)
            matrix[(c ^ term.string.x) * size + c] +=
                turn(term.string) * (std::popcount(c & term.string.z) % 2 == 0 ? term.coefficient : -term.coefficient);
    return matrix;
}

std::vector<std::vector<std::size_t>> qubitwiseGroups(const PauliSum& sum) { return grouped(sum, agreeOnEveryQubit); }
std::vector<std::vector<std::size_t>> commutingGroups(const PauliSum& sum) { return grouped(sum, commute); }

} // namespace qscope::engine
