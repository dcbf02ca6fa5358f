// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

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
    /// The gates mix lanes and at most `kernels.tileBits` other qubits of the block, which has at least as many.
    TileStage(const GateGroup& group, const BlockShape& shape, const Kernels<Real>& kernels);
    TileStage(const TileStage&) = delete; // operations point into their factors
    TileStage& operator=(const TileStage&) = delete;

    /// All of a block whose outer qubits are as in `outer`.
    void apply(Real* block, std::uint64_t outer) const;

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
    };

    [[nodiscard]] std::vector<Part> parts(const GateGroup& group) const;
    [[nodiscard]] int rowQubits(const Part& part) const;
    void addMixing(const FusedGate& gate);
    void addTable(const Part& part);
    /// What of a gate's controls the block decides in its units: those of the tile's units, in `mask`, the others in
    /// `controls`.
    void setControls(Op& op, std::uint64_t controlMask);
    [[nodiscard]] Real* store(std::size_t vectors);

    const Kernels<Real>& m_kernels;
    BlockShape m_shape;
    std::size_t m_lanes;                   ///< per unit
    std::vector<std::uint64_t> m_unitBits; ///< of a tile's units, not padded
    std::uint64_t m_tileQubits = 0;
    TileTask<Real> m_task;
    std::uint64_t m_tiles = 0;
    std::deque<Op> m_ops;
    std::deque<FactorStore<Real>> m_factors;
    std::deque<std::vector<std::uint16_t>> m_rows;
};

/// A group of gates made ready for blocks of one shape.
template<class Real>
class BlockProgram {
public:
    BlockProgram(GateGroup group, const BlockShape& shape, const Kernels<Real>& kernels);
    /// False when it was stopped.
    [[nodiscard]] bool run(Real* block, std::uint64_t outer, const std::stop_token& stop) const;

private:
    struct Stage {
        std::optional<TileStage<Real>> tiles;
        std::optional<Step<Real>> step;
    };
    std::deque<Stage> m_stages;
};

} // namespace qscope::engine::cpu
