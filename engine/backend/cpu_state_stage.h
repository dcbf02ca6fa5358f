// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/cpu_state_crossing.h"
#include "engine/backend/cpu_state_schedule.h"
#include "engine/backend/cpu_state_step.h"

#include <deque>
#include <optional>
#include <stop_token>

namespace qscope::engine::cpu {

/// Gates that mix one qubit each, or none, made ready for blocks of one shape: one pass over the block, tile by tile,
/// in which every tile is changed by all of them before it is stored.
template<class Real>
class TileStage {
public:
    /// The gates mix lanes and at most `kernels.tileBits` other qubits of the block, which has at least as many. With a
    /// `crossing` its side is one of these.
    TileStage(const GateGroup& group, const BlockShape& shape, const Kernels<Real>& kernels, const Crossing* crossing);
    TileStage(const TileStage&) = delete; // operations point into their factors
    TileStage& operator=(const TileStage&) = delete;

    /// All of a block whose outer qubits are as in `outer`.
    void apply(Real* block, std::uint64_t outer, Real* sums) const;
    /// Numbers that its sums take.
    [[nodiscard]] std::size_t sums() const { return m_sums; }
    void collect(const Real* sums, Crossing& crossing) const;

private:
    /// Gates that become one operation: a mixing one, or diagonal ones that become one table.
    struct Part {
        std::vector<const FusedGate*> gates;
        std::uint64_t mixed = 0;
        std::uint64_t touched = 0;
        std::uint64_t controls = 0; ///< that all of the gates have
    };
    struct Op {
        TileOp<Real> op;
        std::uint64_t outerControls = 0;
        std::vector<std::pair<int, std::uint32_t>> outerRows; ///< outer qubit, bit of the row
        std::size_t sums = 0;                                 ///< where its sums begin
    };
    /// Sums of one operation, and the gates that they are for.
    struct Sums {
        std::vector<const FusedGate*> gates;
        TileOp<Real>* op;
        std::size_t first;       ///< of its numbers
        std::vector<int> qubits; ///< of the rows of a table, the lowest bit first
        std::uint64_t common;    ///< what controls of the operation set
    };

    [[nodiscard]] std::vector<Part> parts(const GateGroup& group) const;
    [[nodiscard]] int rowQubits(const Part& part) const;
    void addMixing(const FusedGate& gate);
    void addTable(const Part& part);
    /// The target's bit of the block, and in `op` where the gate acts.
    [[nodiscard]] int aim(Op& op, const FusedGate& gate) const;
    /// Sums for `gates`, by an operation like `like` but for its kind.
    void addSums(Op like, std::vector<const FusedGate*> gates, std::vector<int> qubits, std::uint64_t common);
    void collect(const Sums& sums, const FusedGate& gate, const Real* numbers, Cross& found) const;
    /// What of a gate's controls the block decides in its units: those of the tile's units, in `mask`, the others in
    /// `controls`.
    void setControls(Op& op, std::uint64_t controlMask) const;
    [[nodiscard]] Real* store(std::size_t vectors);

    const Kernels<Real>& m_kernels;
    BlockShape m_shape;
    std::size_t m_lanes;                   ///< per unit
    std::vector<std::uint64_t> m_unitBits; ///< of a tile's units, not padded
    std::uint64_t m_tileQubits = 0;
    TileTask<Real> m_task;
    std::uint64_t m_tiles = 0;
    const Crossing* m_crossing;
    std::deque<Op> m_ops;
    std::vector<Sums> m_crosses;
    std::size_t m_sums = 0;
    std::deque<FactorStore<Real>> m_factors;
    std::deque<std::vector<std::uint16_t>> m_rows;
};

/// A group of gates made ready for blocks of one shape.
template<class Real>
class BlockProgram {
public:
    /// With a `crossing`, whose side is in the block, sums are taken before the gates that it wants.
    BlockProgram(GateGroup group, const BlockShape& shape, const Kernels<Real>& kernels, const Crossing* crossing);
    /// Adds to `sums`, so many numbers aligned for every kernel. False when it was stopped.
    [[nodiscard]] bool run(Real* block, std::uint64_t outer, Real* sums, const std::stop_token& stop) const;
    [[nodiscard]] std::size_t sums() const { return m_sums; }
    /// Adds up what all blocks together have summed.
    void collect(const Real* sums, Crossing& crossing) const;

private:
    struct Stage {
        std::optional<TileStage<Real>> tiles;
        std::optional<BlockCross<Real>> cross;
        std::optional<Step<Real>> step;
        std::size_t sums = 0; ///< where its sums begin
    };
    std::deque<Stage> m_stages;
    std::size_t m_sums = 0;
};

} // namespace qscope::engine::cpu
