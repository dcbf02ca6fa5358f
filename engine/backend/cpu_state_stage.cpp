// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state_stage.h"

#include <algorithm>

namespace qscope::engine::cpu {

namespace {

using Complex = std::complex<double>;

constexpr int kMostRowQubits = 6; ///< of a table that gates share: 8 KiB, a part of the first cache

bool isReal(Complex value) { return value.imag() == 0; }
bool isImaginary(Complex value) { return value.real() == 0; }

std::size_t localIndex(const FusedGate& gate, std::uint64_t index) {
    std::size_t local = 0;
    for (std::size_t i = 0; i < gate.targets.size(); ++i) local |= (index >> gate.targets[i] & 1) << i;
    return local;
}

/// By what a diagonal gate, or one without targets, multiplies the amplitude whose qubits are as in `index`.
Complex factorAt(const FusedGate& gate, std::uint64_t index) {
    return (index & gate.controlMask) == gate.controlMask ? gate.entries[localIndex(gate, index)] : 1;
}

} // namespace

template<class Real>
TileStage<Real>::TileStage(const GateGroup& group, const BlockShape& shape, const Kernels<Real>& kernels,
                           const Crossing* crossing)
    : m_kernels(kernels)
    , m_shape(shape)
    , m_lanes(std::size_t{1} << kernels.laneBits)
    , m_crossing(crossing) {
    std::uint64_t fixed = shape.bitsOf(group.mixed | (crossing ? crossing->side() : 0)) >> kernels.laneBits;
    const int unitBits = shape.bits() - kernels.laneBits;
    for (int bit = 0; std::popcount(fixed) < kernels.tileBits; ++bit) fixed |= std::uint64_t{1} << bit;
    m_tileQubits = 0;
    for (int qubit = 0; qubit < 64; ++qubit)
        if (shape.has(qubit) && shape.bitOf(qubit) >= kernels.laneBits &&
            fixed >> (shape.bitOf(qubit) - kernels.laneBits) & 1)
            m_tileQubits |= std::uint64_t{1} << qubit;
    m_task.groups.fixed = fixed;
    m_task.padding = shape.padding;
    m_tiles = std::uint64_t{1} << (unitBits - kernels.tileBits);
    m_unitBits.push_back(0);
    for (std::uint64_t left = fixed; left != 0; left &= left - 1) { // doubles them for every bit, the lowest first
        const std::size_t count = m_unitBits.size();
        for (std::size_t u = 0; u < count; ++u) m_unitBits.push_back(m_unitBits[u] | (left & (~left + 1)));
    }
    for (std::size_t u = 0; u < m_unitBits.size(); ++u) m_task.offsets[u] = padded(m_unitBits[u], shape.padding);
    for (const Part& part : parts(group)) {
        if (part.mixed != 0)
            addMixing(*part.gates.front());
        else
            addTable(part);
    }
}

template<class Real>
int TileStage<Real>::rowQubits(const Part& part) const {
    return std::popcount(part.touched & ~part.controls & ~lowBits(m_kernels.laneBits));
}

template<class Real>
auto TileStage<Real>::parts(const GateGroup& group) const -> std::vector<Part> {
    // A table longer than a part of the block costs more to make than it saves.
    const int mostRows = std::clamp(m_shape.bits() - m_kernels.laneBits - 3, 0, kMostRowQubits);
    std::vector<Part> result;
    for (const FusedGate* gate : group.gates) {
        const GateUse use = useOf(*gate);
        const Part alone{{gate}, use.mixed, use.all(), gate->controlMask};
        std::size_t into = result.size();
        if (use.mixed == 0)
            for (std::size_t i = result.size(); i-- > 0 && (result[i].mixed & use.read) == 0;) {
                Part joined = result[i];
                joined.touched |= use.read;
                joined.controls &= gate->controlMask;
                if (joined.mixed == 0 && rowQubits(joined) <= mostRows) into = i;
            }
        if (into == result.size()) {
            result.push_back(alone);
        } else {
            result[into].gates.push_back(gate);
            result[into].touched |= use.read;
            result[into].controls &= gate->controlMask;
        }
    }
    return result;
}

template<class Real>
Real* TileStage<Real>::store(std::size_t vectors) {
    m_factors.emplace_back(vectors * 2 * m_lanes);
    return m_factors.back().data();
}

template<class Real>
void TileStage<Real>::setControls(Op& op, std::uint64_t controlMask) const {
    const std::uint64_t controls = m_shape.bitsOf(controlMask) >> m_kernels.laneBits;
    op.op.controls = controls & ~m_task.groups.fixed;
    op.outerControls = controlMask & ~m_shape.qubits;
    const std::uint64_t inTile = controls & m_task.groups.fixed;
    for (std::size_t u = 0; u < m_unitBits.size(); ++u)
        if ((m_unitBits[u] & inTile) == inTile) op.op.mask = static_cast<std::uint16_t>(op.op.mask | 1u << u);
}

template<class Real>
int TileStage<Real>::aim(Op& op, const FusedGate& gate) const {
    setControls(op, gate.controlMask);
    const int bit = m_shape.bitOf(gate.targets[0]);
    if (bit < m_kernels.laneBits) return bit;
    const auto tileBit = std::popcount(m_task.groups.fixed & lowBits(bit - m_kernels.laneBits));
    op.op.target = static_cast<std::uint8_t>(tileBit);
    unsigned pairs = 0;
    for (unsigned pair = 0; pair < m_unitBits.size() / 2; ++pair) {
        const unsigned low = (pair >> tileBit << (tileBit + 1)) | (pair & ((1u << tileBit) - 1));
        if (op.op.mask >> low & 1) pairs |= 1u << pair;
    }
    op.op.mask = static_cast<std::uint16_t>(pairs);
    return bit;
}

template<class Real>
void TileStage<Real>::addMixing(const FusedGate& gate) {
    using Kind = typename TileOp<Real>::Kind;
    if (m_crossing && m_crossing->wants(&gate)) {
        Op op;
        const int bit = aim(op, gate);
        op.op.kind = bit < m_kernels.laneBits ? Kind::CrossLane : Kind::CrossPair;
        if (bit < m_kernels.laneBits)
            for (std::size_t k = 0; k < 2 * m_lanes; ++k)
                op.op.from[k] = static_cast<std::int32_t>(k ^ std::size_t{2} << bit);
        addSums(std::move(op), {&gate}, {}, 0);
    }
    Op& op = m_ops.emplace_back();
    const int bit = aim(op, gate);
    const std::uint64_t laneControls = m_shape.bitsOf(gate.controlMask) & (m_lanes - 1);
    const auto active = [&](std::size_t lane) { return (lane & laneControls) == laneControls; };
    const auto& e = gate.entries;
    const bool realSides = isReal(e[0]) && isReal(e[3]);
    const bool crossed = realSides && isImaginary(e[1]) && isImaginary(e[2]);
    const bool real = realSides && isReal(e[1]) && isReal(e[2]);
    const std::size_t vector = 2 * m_lanes;
    const std::size_t vectors = real || crossed ? 4 : 8;
    Real* const v = store(vectors);
    op.op.vectors = v;
    if (bit < m_kernels.laneBits) {
        const std::size_t flip = std::size_t{1} << bit;
        op.op.kind = real || crossed ? Kind::LaneShort : Kind::LaneFull;
        for (std::size_t k = 0; k < vector; ++k)
            op.op.from[k] = static_cast<std::int32_t>(k ^ (2 * flip) ^ (crossed && !real ? 1 : 0));
        FactorStore<Real> unused(2 * vector);
        for (std::size_t lane = 0; lane < m_lanes; ++lane) {
            const std::size_t row = lane >> bit & 1;
            const Complex own = active(lane) ? e[3 * row] : 1;
            const Complex other = active(lane) ? e[row == 0 ? 1 : 2] : 0;
            if (vectors == 8) {
                putFactor(v, v + vector, lane, own);
                putFactor(v + 2 * vector, v + 3 * vector, lane, other);
            } else {
                putFactor(v, unused.data(), lane, own);
                if (real)
                    putFactor(v + vector, unused.data(), lane, other);
                else
                    putFactor(unused.data(), v + vector, lane, other);
            }
        }
        return;
    }
    op.op.kind = real ? Kind::PairReal : crossed ? Kind::PairCross : Kind::PairFull;
    FactorStore<Real> unused(vector);
    for (std::size_t lane = 0; lane < m_lanes; ++lane)
        for (std::size_t k = 0; k < 4; ++k) {
            const Complex entry = active(lane) ? e[k] : Complex(k == 0 || k == 3 ? 1 : 0);
            if (vectors == 8)
                putFactor(v + 2 * k * vector, v + (2 * k + 1) * vector, lane, entry);
            else if (crossed && !real && (k == 1 || k == 2))
                putFactor(unused.data(), v + k * vector, lane, entry);
            else
                putFactor(v + k * vector, unused.data(), lane, entry);
        }
}

template<class Real>
void TileStage<Real>::addTable(const Part& part) {
    using Kind = typename TileOp<Real>::Kind;
    const std::uint64_t lanes = lowBits(m_kernels.laneBits);
    const std::uint64_t common = part.controls & ~lanes;
    Op& op = m_ops.emplace_back();
    setControls(op, common);

    // Bit i of a row belongs to the i-th of these qubits; each is in the tile, elsewhere in the block, or outside.
    std::vector<int> qubits;
    for (std::uint64_t left = part.touched & ~common & ~lanes; left != 0; left &= left - 1)
        qubits.push_back(std::countr_zero(left));
    auto& rows = m_rows.emplace_back(512 + m_unitBits.size());
    op.op.rows = rows.data();
    for (std::size_t i = 0; i < qubits.size(); ++i) {
        const auto rowBit = static_cast<std::uint16_t>(1u << i);
        if (!m_shape.has(qubits[i])) {
            op.outerRows.emplace_back(qubits[i], rowBit);
            continue;
        }
        const auto unitBit = static_cast<std::size_t>(m_shape.bitOf(qubits[i]) - m_kernels.laneBits);
        if (m_task.groups.fixed >> unitBit & 1) {
            for (std::size_t u = 0; u < m_unitBits.size(); ++u)
                if (m_unitBits[u] >> unitBit & 1) rows[512 + u] = static_cast<std::uint16_t>(rows[512 + u] | rowBit);
        } else {
            for (std::size_t value = 0; value < 256; ++value)
                if (value >> unitBit % 8 & 1) {
                    auto& row = rows[unitBit / 8 * 256 + value];
                    row = static_cast<std::uint16_t>(row | rowBit);
                }
        }
    }

    std::vector<const FusedGate*> wanted;
    for (const FusedGate* gate : part.gates)
        if (m_crossing && m_crossing->wants(gate)) wanted.push_back(gate);
    if (!wanted.empty()) {
        Op sums = op;
        sums.op.kind = Kind::CrossTable;
        addSums(std::move(sums), std::move(wanted), qubits, common);
    }

    std::vector<Complex> factors((std::size_t{1} << qubits.size()) * m_lanes, 1);
    for (std::size_t row = 0; row < std::size_t{1} << qubits.size(); ++row) {
        std::uint64_t index = common;
        for (std::size_t i = 0; i < qubits.size(); ++i) index |= std::uint64_t{row >> i & 1} << qubits[i];
        for (std::size_t lane = 0; lane < m_lanes; ++lane)
            for (const FusedGate* gate : part.gates) {
                const Complex a = factors[row * m_lanes + lane], b = factorAt(*gate, index | lane);
                factors[row * m_lanes + lane] = {a.real() * b.real() - a.imag() * b.imag(),
                                                 a.real() * b.imag() + a.imag() * b.real()};
            }
    }
    const bool real = std::ranges::all_of(factors, isReal);
    op.op.kind = real ? Kind::TableReal : Kind::Table;
    Real* v = store((std::size_t{1} << qubits.size()) * (real ? 1 : 2));
    op.op.vectors = v;
    FactorStore<Real> unused(2 * m_lanes);
    std::vector<bool> trivial(std::size_t{1} << qubits.size(), true);
    for (std::size_t row = 0; row < trivial.size(); ++row) {
        for (std::size_t lane = 0; lane < m_lanes; ++lane) {
            const Complex factor = factors[row * m_lanes + lane];
            putFactor(v, real ? unused.data() : v + 2 * m_lanes, lane, factor);
            if (factor != 1.0) trivial[row] = false;
        }
        v += (real ? 2 : 4) * m_lanes;
    }
    // Units of the tile that no row changes need no look at the table.
    const std::size_t tilePart = [&] {
        std::size_t bits = 0;
        for (std::size_t u = 0; u < m_unitBits.size(); ++u) bits |= rows[512 + u];
        return bits;
    }();
    for (std::size_t u = 0; u < m_unitBits.size(); ++u) {
        bool idle = true;
        for (std::size_t row = 0; row < trivial.size(); ++row)
            if ((row & tilePart) == rows[512 + u] && !trivial[row]) idle = false;
        if (idle) op.op.mask = static_cast<std::uint16_t>(op.op.mask & ~(1u << u));
    }
}

template<class Real>
void TileStage<Real>::addSums(Op like, std::vector<const FusedGate*> gates, std::vector<int> qubits,
                              std::uint64_t common) {
    using Kind = typename TileOp<Real>::Kind;
    const std::size_t vectors = like.op.kind == Kind::CrossPair   ? 8
                                : like.op.kind == Kind::CrossLane ? 4
                                                                  : std::size_t{2} << qubits.size();
    like.sums = m_sums;
    m_ops.push_back(std::move(like));
    m_crosses.push_back({std::move(gates), &m_ops.back().op, m_sums, std::move(qubits), common});
    m_sums += vectors * 2 * m_lanes;
}

template<class Real>
void TileStage<Real>::collect(const Real* sums, Crossing& crossing) const {
    for (const Sums& each : m_crosses)
        for (const FusedGate* gate : each.gates) collect(each, *gate, sums + each.first, crossing.of(gate));
}

template<class Real>
void TileStage<Real>::collect(const Sums& sums, const FusedGate& gate, const Real* numbers, Cross& found) const {
    using Kind = typename TileOp<Real>::Kind;
    // The product of a lane in the k-th pair of vectors.
    const auto product = [&](std::size_t k, std::size_t lane) {
        const Real* const re = numbers + (4 * k * m_lanes + 2 * lane);
        const Real* const im = re + 2 * m_lanes;
        return Complex(re[0] + re[1], im[0] - im[1]);
    };
    if (sums.op->kind == Kind::CrossTable) {
        for (std::size_t row = 0; row < std::size_t{1} << sums.qubits.size(); ++row)
            for (std::size_t lane = 0; lane < m_lanes; ++lane) {
                std::uint64_t index = sums.common | lane;
                for (std::size_t i = 0; i < sums.qubits.size(); ++i)
                    index |= std::uint64_t{row >> i & 1} << sums.qubits[i];
                if ((index & gate.controlMask) == gate.controlMask)
                    found[localIndex(gate, index)] += product(row, lane);
            }
        return;
    }
    const std::uint64_t controls = m_shape.bitsOf(gate.controlMask) & (m_lanes - 1);
    const int bit = m_shape.bitOf(gate.targets[0]);
    for (std::size_t lane = 0; lane < m_lanes; ++lane) {
        if ((lane & controls) != controls) continue;
        if (sums.op->kind == Kind::CrossPair) {
            for (std::size_t k = 0; k < 4; ++k) found[k] += product(k, lane);
        } else {
            const std::size_t row = lane >> bit & 1;
            found[2 * row + row] += product(0, lane);
            found[2 * row + (1 - row)] += product(1, lane);
        }
    }
}

template<class Real>
void TileStage<Real>::apply(Real* block, std::uint64_t outer, Real* sums) const {
    TileTask<Real> task = m_task;
    task.items.reserve(m_ops.size());
    for (const Op& op : m_ops) {
        if ((outer & op.outerControls) != op.outerControls) continue;
        std::uint32_t row = 0;
        for (const auto& [qubit, bit] : op.outerRows)
            if (outer >> qubit & 1) row |= bit;
        task.items.push_back({&op.op, row, sums + op.sums});
    }
    if (!task.items.empty()) (m_crosses.empty() ? m_kernels.tiles : m_kernels.crossedTiles)(block, task, 0, m_tiles);
}

template<class Real>
BlockProgram<Real>::BlockProgram(GateGroup group, const BlockShape& shape, const Kernels<Real>& kernels,
                                 const Crossing* crossing) {
    auto& pending = group.gates;
    const bool tiled = shape.bits() >= kernels.laneBits + kernels.tileBits;
    while (!pending.empty()) {
        Stage& stage = m_stages.emplace_back();
        stage.sums = m_sums;
        std::size_t sums = 0;
        const FusedGate* const first = pending.front();
        if (!tiled || std::popcount(useOf(*first).mixed) > 1) {
            if (crossing && crossing->wants(first)) {
                stage.cross.emplace(*first, shape, crossing->side(), kernels.laneBits);
                sums = stage.cross->sums();
            }
            stage.step.emplace(*first, shape, kernels);
            pending.erase(pending.begin());
        } else {
            const int most = kernels.tileBits - (crossing ? 1 : 0);
            stage.tiles.emplace(takeGroup(pending, lowBits(kernels.laneBits), most, UINT64_MAX, true), shape, kernels,
                                crossing);
            sums = stage.tiles->sums();
        }
        constexpr std::size_t kLine = 64 / sizeof(Real);
        m_sums += (sums + kLine - 1) / kLine * kLine;
    }
}

template<class Real>
bool BlockProgram<Real>::run(Real* block, std::uint64_t outer, Real* sums, const std::stop_token& stop) const {
    for (const Stage& stage : m_stages) {
        if (stop.stop_requested()) return false;
        if (stage.tiles) {
            stage.tiles->apply(block, outer, sums + stage.sums);
            continue;
        }
        if (stage.cross) stage.cross->add(block, outer, sums + stage.sums);
        stage.step->apply(block, outer, 0, stage.step->groups());
    }
    return true;
}

template<class Real>
void BlockProgram<Real>::collect(const Real* sums, Crossing& crossing) const {
    for (const Stage& stage : m_stages) {
        if (stage.tiles) stage.tiles->collect(sums + stage.sums, crossing);
        if (stage.cross) stage.cross->collect(sums + stage.sums, crossing);
    }
}

template class TileStage<float>;
template class TileStage<double>;
template class BlockProgram<float>;
template class BlockProgram<double>;

} // namespace qscope::engine::cpu
