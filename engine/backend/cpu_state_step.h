// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "engine/backend/cpu_state_block.h"
#include "engine/backend/state.h"

#include <algorithm>

namespace qscope::engine::cpu {

constexpr std::uint64_t kNearUnits = 1024; ///< 64 KiB; beyond that the hardware follows each stream by itself

/// One gate made ready for blocks of one shape, as a pass of its own. All targets are in the block; outer targets of a
/// diagonal gate count as 0.
template<class Real>
class Step {
public:
    Step(const FusedGate& gate, const BlockShape& shape, const Kernels<Real>& kernels)
        : m_kernels(kernels)
        , m_lanes(kernels.laneBits)
        , m_dense(gate.form == FusedGate::Form::Dense) {
        const int unitBits = std::max(shape.bits() - m_lanes, 0);
        for (std::size_t i = 0; i < gate.targets.size(); ++i) {
            if (!shape.has(gate.targets[i])) continue;
            const int bit = shape.bitOf(gate.targets[i]);
            (bit < m_lanes ? m_low : m_high).push_back({bit, i});
        }
        const std::uint64_t controls = shape.bitsOf(gate.controlMask);
        m_laneControls = controls & lowBits(m_lanes);
        m_outerControls = gate.controlMask & ~shape.qubits;
        m_groups.controls = controls >> m_lanes;
        m_groups.fixed = m_groups.controls;
        if (m_dense)
            for (const Target& target : m_high) m_groups.fixed |= std::uint64_t{1} << (target.bit - m_lanes);
        m_groupCount = std::uint64_t{1} << (unitBits - std::popcount(m_groups.fixed));
        if (m_dense)
            prepareDense(gate, shape.padding);
        else
            prepareDiagonal(gate, shape.padding);
    }

    [[nodiscard]] std::uint64_t groups() const { return m_groupCount; }
    [[nodiscard]] std::uint64_t unitsPerGroup() const { return m_dense ? std::uint64_t{1} << m_high.size() : 1; }

    /// Groups [begin, end) of the block at `block`, whose outer qubits are as in `outer`.
    void apply(Real* block, std::uint64_t outer, std::uint64_t begin, std::uint64_t end) const {
        if ((outer & m_outerControls) != m_outerControls) return;
        if (m_dense)
            m_kernels.dense(block, m_denseTask, begin, end);
        else
            m_kernels.diagonal(block, m_diagonalTask, begin, end);
    }

private:
    struct Target {
        int bit;           ///< of the block
        std::size_t local; ///< bit of the gate's local index
    };

    [[nodiscard]] static std::size_t local(const std::vector<Target>& targets, std::uint64_t value) {
        std::size_t index = 0;
        for (std::size_t i = 0; i < targets.size(); ++i) index |= (value >> i & 1) << targets[i].local;
        return index;
    }
    /// The bits of the gate's local index that a lane number decides.
    [[nodiscard]] std::size_t localOfLane(std::uint64_t lane) const {
        std::size_t index = 0;
        for (const Target& target : m_low) index |= (lane >> target.bit & 1) << target.local;
        return index;
    }
    [[nodiscard]] bool active(std::size_t lane) const { return (lane & m_laneControls) == m_laneControls; }

    void prepareDense(const FusedGate& gate, int padding) {
        const std::size_t inputs = std::size_t{1} << m_high.size();
        const std::size_t patterns = std::size_t{1} << m_low.size();
        const std::size_t lanes = std::size_t{1} << m_lanes;
        const std::size_t size = std::size_t{1} << gate.targets.size();
        m_denseTask.groups = m_groups;
        m_denseTask.padding = padding;
        m_denseTask.high = static_cast<int>(m_high.size());
        m_denseTask.perLane = !m_low.empty() || m_laneControls != 0;
        for (std::size_t v = 0; v < inputs; ++v) {
            std::uint64_t unit = 0;
            for (std::size_t i = 0; i < m_high.size(); ++i) unit |= (v >> i & 1) << (m_high[i].bit - m_lanes);
            m_denseTask.offsets[v] = padded(unit, padding);
        }
        const std::uint64_t span = std::uint64_t{1} << std::bit_width(m_groups.fixed);
        if (m_groups.controls == 0 && span <= kNearUnits) m_denseTask.span = span;
        for (std::size_t m = 0; m < patterns; ++m) {
            int pattern = 0;
            for (std::size_t i = 0; i < m_low.size(); ++i)
                if (m >> i & 1) pattern |= 1 << m_low[i].bit;
            m_denseTask.patterns.push_back(pattern);
        }
        m_factors =
            FactorStore<Real>(m_denseTask.perLane ? inputs * inputs * patterns * 4 * lanes : 2 * inputs * inputs);
        Real* next = m_factors.data();
        m_denseTask.coefficients = next;
        for (std::size_t h = 0; h < inputs; ++h) {
            for (std::size_t v = 0; v < inputs; ++v) {
                if (!m_denseTask.perLane) {
                    const auto entry = gate.entries[local(m_high, h) * size + local(m_high, v)];
                    *next++ = static_cast<Real>(entry.real());
                    *next++ = static_cast<Real>(entry.imag());
                    continue;
                }
                for (std::size_t m = 0; m < patterns; ++m, next += 4 * lanes)
                    for (std::size_t lane = 0; lane < lanes; ++lane) {
                        const std::size_t from = lane ^ static_cast<std::size_t>(m_denseTask.patterns[m]);
                        const auto entry = active(lane) ? gate.entries[(local(m_high, h) | localOfLane(lane)) * size +
                                                                       (local(m_high, v) | localOfLane(from))]
                                                        : std::complex<double>(h == v && m == 0 ? 1 : 0);
                        putFactor(next, next + 2 * lanes, lane, entry);
                    }
            }
        }
    }

    void prepareDiagonal(const FusedGate& gate, int padding) {
        const std::size_t rows = std::size_t{1} << m_high.size();
        const std::size_t lanes = std::size_t{1} << m_lanes;
        m_diagonalTask.groups = m_groups;
        m_diagonalTask.padding = padding;
        for (std::size_t i = 0; i < m_high.size(); ++i) {
            const auto unitBit = static_cast<std::size_t>(m_high[i].bit - m_lanes);
            for (std::size_t value = 0; value < 256; ++value)
                if (value >> unitBit % 8 & 1)
                    m_diagonalTask.rows[unitBit / 8][value] |= static_cast<std::uint16_t>(1u << i);
        }
        m_factors = FactorStore<Real>(rows * 4 * lanes);
        Real* next = m_factors.data();
        m_diagonalTask.factors = next;
        for (std::size_t row = 0; row < rows; ++row, next += 4 * lanes) {
            bool trivial = true;
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                const auto entry = active(lane) ? gate.entries[local(m_high, row) | localOfLane(lane)] : 1.0;
                trivial = trivial && entry == 1.0;
                putFactor(next, next + 2 * lanes, lane, entry);
            }
            m_diagonalTask.trivial.push_back(trivial);
        }
    }

    const Kernels<Real>& m_kernels;
    int m_lanes;
    bool m_dense;
    std::vector<Target> m_low;
    std::vector<Target> m_high;
    Groups m_groups;
    std::uint64_t m_laneControls = 0;
    std::uint64_t m_outerControls = 0;
    std::uint64_t m_groupCount = 1;
    DenseTask<Real> m_denseTask;
    DiagonalTask<Real> m_diagonalTask;
    FactorStore<Real> m_factors{0};
};

} // namespace qscope::engine::cpu
