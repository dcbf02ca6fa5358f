// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/cpu_state_block.h"
#include "engine/backend/cpu_state_cross.h"

#include <unordered_map>

namespace qscope::engine::cpu {

/// Which gates of a stretch are wanted by `applyCrossed`, and what has been found for them.
class Crossing {
public:
    Crossing(std::span<const FusedGate> gates, const std::vector<bool>& wanted, int side);

    [[nodiscard]] bool wants(const FusedGate* gate) const { return m_slots.contains(gate); }
    /// The qubit that tells the two states apart.
    [[nodiscard]] std::uint64_t side() const { return m_side; }
    [[nodiscard]] Cross& of(const FusedGate* gate) { return m_found[m_slots.at(gate)]; }
    [[nodiscard]] std::vector<Cross> found() && { return std::move(m_found); }

private:
    std::unordered_map<const FusedGate*, std::size_t> m_slots;
    std::vector<Cross> m_found;
    std::uint64_t m_side;
};

/// Sums over a block for one gate, whose targets are in the block: where no tile of registers holds them.
template<class Real>
class BlockCross {
public:
    BlockCross(const FusedGate& gate, const BlockShape& shape, std::uint64_t side, int laneBits);

    /// Numbers that its sums take.
    [[nodiscard]] std::size_t sums() const { return 2 * m_local.size() * m_local.size(); }
    void add(const Real* block, std::uint64_t outer, Real* sums) const;
    void collect(const Real* sums, Crossing& crossing) const;

private:
    template<std::size_t Size>
    void addSized(const Real* block, Real* sums) const;

    const FusedGate* m_gate;
    std::uint64_t m_outerControls;
    std::uint64_t m_others;             ///< bits of the block that are summed over
    std::vector<std::uint64_t> m_local; ///< by local index: the real where its amplitudes begin, in the right state
    std::uint64_t m_left;               ///< where those of the left state begin, from there on
    int m_laneBits;
    int m_padding;
};

} // namespace qscope::engine::cpu
