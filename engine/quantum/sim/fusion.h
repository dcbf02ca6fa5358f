// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/compute_backend.h"
#include "engine/quantum/circuit.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

/// What a backend takes for a gate, in units of one dense gate on one qubit: measured.
struct FusionCosts {
    std::array<double, 6> dense; ///< by number of qubits
    double sparse;               ///< on one qubit, with entries that are real, or imaginary off the diagonal
    double diagonal;
    double controlled;     ///< part of the cost that is left when a gate has one control
    double moreControlled; ///< more
    std::size_t mostDense; ///< qubits of a joined gate
    std::size_t mostDiagonal;
    /// The backend joins diagonal gates itself, when it knows which others run beside them: only those within another's
    /// qubits join.
    bool joinsDiagonals;
};
[[nodiscard]] const FusionCosts& fusionCosts(const ComputeBackend& backend);

/// Joins gates into fewer, larger ones. A gate joins an earlier cluster when nothing after that cluster touches its
/// qubits and the estimated time falls; then clusters on few qubits become one gate where together they cost more.
/// Order of everything else is kept; measurements and conditions are walls: call `take` before them.
class Fuser {
public:
    Fuser(int qubits, const FusionCosts& costs);

    /// `gate` is one of the table.
    void add(const GateOp& gate);
    /// Enough is collected that it should be applied now.
    [[nodiscard]] bool full() const { return m_clusters.size() >= kMostClusters; }
    /// What was added since the last time, joined.
    [[nodiscard]] std::vector<FusedGate> take();

private:
    using Complex = std::complex<double>;
    static constexpr std::size_t kMostClusters = 1024;

    /// A product of gates as one matrix; local index bit i belongs to `qubits[i]`.
    struct Cluster {
        std::vector<int> qubits;
        bool diagonal = false;
        std::vector<Complex> entries; ///< 2^k when diagonal, else 4^k row-major
        double cost = 0;
        FusedGate alone; ///< used while a single gate is in here: controls stay controls
        bool single = true;
    };

    [[nodiscard]] Cluster cluster(const GateOp& gate) const;
    /// Of a gate with this full matrix, or diagonal, without controls.
    [[nodiscard]] double cost(bool diagonal, std::size_t qubits, const std::vector<Complex>& entries) const;
    [[nodiscard]] double savedBy(const Cluster& into, const Cluster& gate) const;
    void join(Cluster& into, const Cluster& gate) const;
    /// Clusters that can become one on at most `width` qubits, from `first` on, which is among them. `masks`: their
    /// qubits.
    [[nodiscard]] std::vector<std::size_t> neighbours(std::size_t first, int width,
                                                      const std::vector<std::uint64_t>& masks) const;
    /// Puts clusters together that save time only many at once.
    void gather();

    FusionCosts m_costs;
    std::vector<Cluster> m_clusters;
    std::vector<std::int64_t> m_last; ///< per qubit, the latest cluster on it, or -1
};

/// A gate of the table as it is, controls kept.
[[nodiscard]] FusedGate plainGate(const GateOp& gate);

} // namespace qscope::engine
