// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/state.h"
#include "engine/quantum/circuit.h"

#include <cstdint>
#include <span>
#include <vector>

namespace qscope::engine {

/// Joins gates into fewer, larger ones, so that a state is passed over less often. A gate joins an earlier cluster when
/// nothing after that cluster touches its qubits and the estimated time falls. Order of everything else is kept;
/// measurements and conditions are walls: call `take` before them.
class Fuser {
public:
    explicit Fuser(int qubits);

    /// `gate` is one of the table.
    void add(const GateOp& gate);
    /// Enough is collected that it should be applied now.
    [[nodiscard]] bool full() const { return m_clusters.size() >= kMostClusters; }
    /// What was added since the last time, joined.
    [[nodiscard]] std::vector<FusedGate> take();

private:
    using Complex = std::complex<double>;
    static constexpr std::size_t kMostClusters = 512;

    /// A product of gates as one matrix; local index bit i belongs to `qubits[i]`.
    struct Cluster {
        std::vector<int> qubits;
        bool diagonal = false;
        std::vector<Complex> entries; ///< 2^k when diagonal, else 4^k row-major
        double cost = 0;
        FusedGate alone; ///< used while a single gate is in here: controls stay controls
        bool single = true;
    };

    [[nodiscard]] static Cluster cluster(const GateOp& gate);
    [[nodiscard]] double savedBy(const Cluster& into, const Cluster& gate) const;
    [[nodiscard]] bool joinedDiagonal(const Cluster& into, const Cluster& gate) const;
    void join(Cluster& into, const Cluster& gate) const;

    std::vector<Cluster> m_clusters;
    std::vector<std::int64_t> m_last; ///< per qubit, the latest cluster on it, or -1
};

/// A gate of the table as it is, controls kept.
[[nodiscard]] FusedGate plainGate(const GateOp& gate);

} // namespace qscope::engine
