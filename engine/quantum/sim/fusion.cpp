// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/quantum/sim/fusion.h"

#include "engine/quantum/gates.h"
#include "engine/quantum/modified_gate.h"

#include <algorithm>
#include <bit>

namespace qscope::engine {

namespace {

using Complex = std::complex<double>;

constexpr std::size_t kLookBack = 8;    ///< clusters on other qubits that a gate may join
constexpr std::size_t kLookAhead = 256; ///< clusters among which those on the same few qubits are sought

/// Gates of a stretch run in cache, where arithmetic decides; `bench_gates`.
constexpr FusionCosts kCpuCosts = {{1, 1, 2.4, 4.3, 8, 26}, 0.5, 0.15, 0.7, 0.5, 5, 3, true};
/// Every gate is a pass over memory.
constexpr FusionCosts kPassCosts = {{1, 1, 1.3, 2.0, 3.6, 7.5}, 1, 0.8, 0.7, 0.5, 4, 8, false};

std::size_t unionSize(const std::vector<int>& a, const std::vector<int>& b) {
    std::size_t size = a.size();
    for (const int qubit : b) size += std::ranges::find(a, qubit) == a.end();
    return size;
}

/// For each local index of `whole`, the part of it that belongs to `part`.
std::vector<std::size_t> restriction(const std::vector<int>& whole, const std::vector<int>& part) {
    std::vector<std::size_t> position;
    for (const int qubit : part)
        position.push_back(static_cast<std::size_t>(std::ranges::find(whole, qubit) - whole.begin()));
    std::vector<std::size_t> result(std::size_t{1} << whole.size());
    for (std::size_t i = 0; i < result.size(); ++i)
        for (std::size_t k = 0; k < position.size(); ++k) result[i] |= (i >> position[k] & 1) << k;
    return result;
}

/// The matrix (row-major) of entries on `part` within the qubits of `whole`.
std::vector<Complex> widened(const std::vector<int>& whole, const std::vector<int>& part, bool diagonal,
                             const std::vector<Complex>& entries, bool keepDiagonal) {
    const auto local = restriction(whole, part);
    const std::size_t size = local.size();
    const std::size_t inner = std::size_t{1} << part.size();
    if (keepDiagonal) {
        std::vector<Complex> result(size);
        for (std::size_t i = 0; i < size; ++i) result[i] = entries[local[i]];
        return result;
    }
    std::size_t partBits = 0;
    for (const int qubit : part) partBits |= std::size_t{1} << (std::ranges::find(whole, qubit) - whole.begin());
    std::vector<Complex> result(size * size);
    for (std::size_t row = 0; row < size; ++row)
        for (std::size_t column = 0; column < size; ++column) {
            if (((row ^ column) & ~partBits) != 0) continue; // other qubits stay as they are
            if (!diagonal)
                result[row * size + column] = entries[local[row] * inner + local[column]];
            else if (row == column)
                result[row * size + column] = entries[local[row]];
        }
    return result;
}

std::vector<Complex> product(const std::vector<Complex>& a, const std::vector<Complex>& b, std::size_t size) {
    std::vector<Complex> result(size * size);
    for (std::size_t row = 0; row < size; ++row)
        for (std::size_t k = 0; k < size; ++k) {
            const Complex factor = a[row * size + k];
            if (factor == 0.0) continue;
            for (std::size_t column = 0; column < size; ++column) {
                // Written out: the library's product checks for infinities.
                const Complex x = b[k * size + column];
                result[row * size + column] += Complex(factor.real() * x.real() - factor.imag() * x.imag(),
                                                       factor.real() * x.imag() + factor.imag() * x.real());
            }
        }
    return result;
}

} // namespace

FusedGate plainGate(const GateOp& gate) {
    GateMatrix matrix = *gateMatrix(gate);
    FusedGate result;
    for (int i = 0; i < matrix.controls; ++i)
        result.controlMask |= std::uint64_t{1} << gate.qubits[static_cast<std::size_t>(i)];
    result.targets.assign(gate.qubits.begin() + matrix.controls, gate.qubits.end());
    result.entries = std::move(matrix.entries);
    if (!matrix.diagonal) return result;
    result.form = FusedGate::Form::Diagonal;
    const std::size_t size = std::size_t{1} << result.targets.size();
    for (std::size_t i = 0; i < size; ++i) result.entries[i] = result.entries[i * (size + 1)];
    result.entries.resize(size);
    // A phase on |1> alone touches half of the state when the target counts as one more control.
    if (size == 2 && result.entries[0] == 1.0) {
        result.controlMask |= std::uint64_t{1} << result.targets[0];
        result.targets.clear();
        result.entries.erase(result.entries.begin());
    }
    return result;
}

const FusionCosts& fusionCosts(const ComputeBackend& backend) {
    return backend.kind() == "cpu" ? kCpuCosts : kPassCosts;
}

Fuser::Fuser(int qubits, const FusionCosts& costs)
    : m_costs(costs)
    , m_last(static_cast<std::size_t>(qubits), -1) {}

double Fuser::cost(bool diagonal, std::size_t qubits, const std::vector<Complex>& entries) const {
    if (diagonal) return m_costs.diagonal;
    if (qubits == 1 && entries[0].imag() == 0 && entries[3].imag() == 0) {
        const bool real = entries[1].imag() == 0 && entries[2].imag() == 0;
        const bool crossed = entries[1].real() == 0 && entries[2].real() == 0;
        if (real || crossed) return m_costs.sparse;
    }
    return m_costs.dense[std::min(qubits, m_costs.dense.size() - 1)];
}

Fuser::Cluster Fuser::cluster(const GateOp& gate) const {
    const GateMatrix matrix = *gateMatrix(gate);
    Cluster result;
    result.qubits = gate.qubits;
    result.diagonal = matrix.diagonal;
    result.alone = plainGate(gate);
    // A gate with many controls stays alone: it joins nothing that wide.
    if (gate.qubits.size() <=
        (matrix.diagonal ? std::max(m_costs.mostDiagonal, m_costs.mostDense) : m_costs.mostDense)) {
        result.entries = fullMatrix(matrix.controls, matrix.entries);
        if (matrix.diagonal) {
            const std::size_t size = std::size_t{1} << gate.qubits.size();
            for (std::size_t i = 0; i < size; ++i) result.entries[i] = result.entries[i * (size + 1)];
            result.entries.resize(size);
        }
    }
    // A controlled gate passes over its part of the state only, in pieces too small to be proportionally faster.
    const double part = matrix.controls == 0 ? 1 : matrix.controls == 1 ? m_costs.controlled : m_costs.moreControlled;
    result.cost = part * cost(matrix.diagonal, result.alone.targets.size(), result.alone.entries);
    return result;
}

double Fuser::savedBy(const Cluster& into, const Cluster& gate) const {
    const std::size_t width = unionSize(into.qubits, gate.qubits);
    if (into.diagonal && gate.diagonal) {
        if (width > m_costs.mostDiagonal ||
            (m_costs.joinsDiagonals && width > std::max(into.qubits.size(), gate.qubits.size())))
            return -1;
        return into.cost + gate.cost - m_costs.diagonal;
    }
    if (width > m_costs.mostDense) return -1;
    const double before = into.cost + gate.cost;
    if (width > 1) return before - m_costs.dense[width];
    Cluster joined = into;
    join(joined, gate); // what it costs depends on its entries
    return before - joined.cost;
}

void Fuser::join(Cluster& into, const Cluster& gate) const {
    const bool diagonal = into.diagonal && gate.diagonal;
    std::vector<int> whole = into.qubits;
    for (const int qubit : gate.qubits)
        if (std::ranges::find(whole, qubit) == whole.end()) whole.push_back(qubit);
    const auto earlier = widened(whole, into.qubits, into.diagonal, into.entries, diagonal);
    auto later = widened(whole, gate.qubits, gate.diagonal, gate.entries, diagonal);
    if (diagonal)
        for (std::size_t i = 0; i < later.size(); ++i) later[i] *= earlier[i];
    else
        later = product(later, earlier, std::size_t{1} << whole.size());
    into.entries = std::move(later);
    into.diagonal = diagonal;
    into.cost = cost(diagonal, whole.size(), into.entries);
    into.qubits = std::move(whole);
    into.single = false;
}

void Fuser::add(const GateOp& gate) {
    const Cluster next = cluster(gate);
    std::int64_t earliest = -1;
    for (const int qubit : gate.qubits) earliest = std::max(earliest, m_last[static_cast<std::size_t>(qubit)]);

    const auto count = static_cast<std::int64_t>(m_clusters.size());
    std::int64_t best = -1;
    double saved = 1e-9;
    const auto consider = [&](std::int64_t index) {
        const double candidate = savedBy(m_clusters[static_cast<std::size_t>(index)], next);
        if (candidate <= saved) return;
        saved = candidate;
        best = index;
    };
    if (earliest >= 0) consider(earliest);
    for (std::int64_t i = count - 1; i > earliest && i >= count - static_cast<std::int64_t>(kLookBack); --i)
        consider(i);
    if (best < 0) {
        best = count;
        m_clusters.push_back(next);
    } else {
        join(m_clusters[static_cast<std::size_t>(best)], next);
    }
    for (const int qubit : gate.qubits) m_last[static_cast<std::size_t>(qubit)] = best;
}

std::vector<std::size_t> Fuser::neighbours(std::size_t first, int width,
                                           const std::vector<std::uint64_t>& masks) const {
    std::vector<std::size_t> members = {first};
    std::vector<std::size_t> waiting; // each on one qubit outside: they come along with a cluster that brings it
    std::uint64_t whole = masks[first];
    std::uint64_t blocked = 0; // by clusters that stay
    const std::size_t end = std::min(masks.size(), first + kLookAhead);
    for (std::size_t i = first + 1; i < end && (whole & ~blocked) != 0; ++i) {
        const std::uint64_t qubits = masks[i];
        if ((qubits & blocked) == 0 && (qubits & whole) != 0 && std::popcount(whole | qubits) <= width) {
            std::erase_if(waiting, [&](std::size_t one) {
                if ((masks[one] & qubits) != 0) members.push_back(one);
                return (masks[one] & qubits) != 0;
            });
            whole |= qubits;
            members.push_back(i);
        } else if ((qubits & (blocked | whole)) == 0 && std::has_single_bit(qubits)) {
            waiting.push_back(i);
        } else {
            blocked |= qubits;
        }
    }
    std::ranges::sort(members);
    return members;
}

void Fuser::gather() {
    if (m_last.size() > 64) return;   // no state is so large
    std::vector<std::uint64_t> masks; // 0: in an earlier one already
    for (const Cluster& cluster : m_clusters) {
        masks.push_back(0);
        for (const int qubit : cluster.qubits) masks.back() |= std::uint64_t{1} << qubit;
    }
    std::vector<Cluster> result;
    for (std::size_t first = 0; first < m_clusters.size(); ++first) {
        const std::size_t own = m_clusters[first].qubits.size();
        if (own > 0 && masks[first] == 0) continue;
        std::vector<std::size_t> best = {first};
        double saved = 1e-9;
        for (std::size_t width = std::max<std::size_t>(own, 2); own > 0 && width <= m_costs.mostDense; ++width) {
            auto members = neighbours(first, static_cast<int>(width), masks);
            double candidate = -m_costs.dense[width];
            for (const std::size_t member : members) candidate += m_clusters[member].cost;
            if (candidate <= saved) continue;
            saved = candidate;
            best = std::move(members);
        }
        for (const std::size_t member : best) masks[member] = 0;
        result.push_back(std::move(m_clusters[first]));
        for (std::size_t k = 1; k < best.size(); ++k) join(result.back(), m_clusters[best[k]]);
    }
    m_clusters = std::move(result);
}

std::vector<FusedGate> Fuser::take() {
    gather();
    std::vector<FusedGate> result;
    result.reserve(m_clusters.size());
    for (Cluster& cluster : m_clusters) {
        if (cluster.single)
            result.push_back(std::move(cluster.alone));
        else
            result.push_back({cluster.diagonal ? FusedGate::Form::Diagonal : FusedGate::Form::Dense,
                              std::move(cluster.qubits), 0, std::move(cluster.entries)});
    }
    m_clusters.clear();
    std::ranges::fill(m_last, -1);
    return result;
}

} // namespace qscope::engine
