// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/backend/cpu_state.h"
#include "engine/backend/cpu_state_buffer.h"
#include "engine/backend/cpu_state_kernels.h"
#include "engine/core/parallel.h"

#include <algorithm>
#include <bit>

namespace qscope::engine::cpu {

namespace {

constexpr int kMostDense = 5;
constexpr int kMostDiagonal = 12;
constexpr std::uint64_t kChunkUnits = 1 << 14; ///< 1 MiB: long enough to start a task, short enough to share and to stop

Result<void> check(const FusedGate& gate, int bits) {
    const bool dense = gate.form == FusedGate::Form::Dense;
    const int most = dense ? kMostDense : kMostDiagonal;
    const auto count = static_cast<int>(gate.targets.size());
    if (count > most) return fail(ErrorCode::OutOfRange, "a gate on {} targets; {} are the limit", count, most);
    std::uint64_t seen = gate.controlMask;
    if (bits < 64 && gate.controlMask >> bits != 0)
        return fail(ErrorCode::OutOfRange, "a control beyond the {} qubits of the state", bits);
    for (const int target : gate.targets) {
        if (target < 0 || target >= bits) return fail(ErrorCode::OutOfRange, "qubit {} of a state of {}", target, bits);
        if (seen >> target & 1) return fail(ErrorCode::OutOfRange, "qubit {} twice in one gate", target);
        seen |= std::uint64_t{1} << target;
    }
    const std::size_t entries = std::size_t{1} << (dense ? 2 * count : count);
    if (gate.entries.size() != entries)
        return fail(ErrorCode::OutOfRange, "a gate on {} targets with {} entries", count, gate.entries.size());
    return {};
}

/// One gate made ready for regions of 2^regionBits amplitudes.
template<class Real>
class Step {
public:
    Step(const FusedGate& gate, int regionBits, const Kernels<Real>& kernels)
        : m_kernels(kernels), m_lanes(kernels.laneBits), m_dense(gate.form == FusedGate::Form::Dense) {
        const int regionUnitBits = std::max(regionBits - m_lanes, 0);
        for (std::size_t i = 0; i < gate.targets.size(); ++i)
            (gate.targets[i] < m_lanes ? m_low : m_high).push_back({gate.targets[i], i});
        const std::uint64_t controls = gate.controlMask >> m_lanes;
        m_laneControls = gate.controlMask & ((std::uint64_t{1} << m_lanes) - 1);
        m_outerControls = controls >> regionUnitBits << regionUnitBits;
        m_groups.controls = controls & ~m_outerControls;
        std::uint64_t fixed = m_groups.controls;
        if (m_dense)
            for (const Target& target : m_high) fixed |= std::uint64_t{1} << (target.qubit - m_lanes);
        m_groups.fixed = fixed;
        m_groupCount = std::uint64_t{1} << (regionUnitBits - std::popcount(fixed));
        if (m_dense) prepareDense(gate);
        else prepareDiagonal(gate);
    }

    [[nodiscard]] std::uint64_t groups() const { return m_groupCount; }
    [[nodiscard]] std::uint64_t unitsPerGroup() const { return m_dense ? std::uint64_t{1} << m_high.size() : 1; }

    /// Groups [begin, end) of the region that begins at unit `base` of `state`.
    void apply(Real* state, std::uint64_t base, std::uint64_t begin, std::uint64_t end) const {
        if ((base & m_outerControls) != m_outerControls) return;
        Real* units = state + (base << m_lanes) * 2;
        if (m_dense) m_kernels.dense(units, m_denseTask, begin, end);
        else m_kernels.diagonal(units, base, m_diagonalTask, begin, end);
    }

private:
    struct Target {
        int qubit;
        std::size_t bit; ///< of the gate's local index
    };
    struct alignas(64) Line {
        Real reals[64 / sizeof(Real)];
    };

    [[nodiscard]] static std::size_t local(const std::vector<Target>& targets, std::uint64_t value) {
        std::size_t index = 0;
        for (std::size_t i = 0; i < targets.size(); ++i) index |= (value >> i & 1) << targets[i].bit;
        return index;
    }
    /// The bits of the gate's local index that a lane number decides.
    [[nodiscard]] std::size_t localOfLane(std::uint64_t lane) const {
        std::size_t index = 0;
        for (const Target& target : m_low) index |= (lane >> target.qubit & 1) << target.bit;
        return index;
    }
    Real* storage(std::size_t reals) {
        m_storage.resize(reals / std::size(Line{}.reals) + 1);
        return m_storage.front().reals;
    }
    /// Writes one complex factor for a lane into a pair of vectors (re, signed im).
    static void put(Real* vectors, std::size_t laneCount, std::size_t lane, std::complex<double> value) {
        Real* im = vectors + 2 * laneCount;
        vectors[2 * lane] = vectors[2 * lane + 1] = static_cast<Real>(value.real());
        im[2 * lane] = static_cast<Real>(-value.imag());
        im[2 * lane + 1] = static_cast<Real>(value.imag());
    }

    void prepareDense(const FusedGate& gate) {
        const std::size_t inputs = std::size_t{1} << m_high.size();
        const std::size_t patterns = std::size_t{1} << m_low.size();
        const std::size_t lanes = std::size_t{1} << m_lanes;
        const std::size_t size = std::size_t{1} << gate.targets.size();
        m_denseTask.groups = m_groups;
        m_denseTask.high = static_cast<int>(m_high.size());
        m_denseTask.perLane = !m_low.empty() || m_laneControls != 0;
        for (std::size_t v = 0; v < inputs; ++v)
            for (std::size_t i = 0; i < m_high.size(); ++i)
                m_denseTask.offsets[v] |= (v >> i & 1) << (m_high[i].qubit - m_lanes);
        for (std::size_t m = 0; m < patterns; ++m) {
            int pattern = 0;
            for (std::size_t i = 0; i < m_low.size(); ++i)
                if (m >> i & 1) pattern |= 1 << m_low[i].qubit;
            m_denseTask.patterns.push_back(pattern);
        }
        Real* next = storage(m_denseTask.perLane ? inputs * inputs * patterns * 4 * lanes : 2 * inputs * inputs);
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
                        const bool active = (lane & m_laneControls) == m_laneControls;
                        const std::size_t from = lane ^ static_cast<std::size_t>(m_denseTask.patterns[m]);
                        const auto entry = active ? gate.entries[(local(m_high, h) | localOfLane(lane)) * size +
                                                                 (local(m_high, v) | localOfLane(from))]
                                                  : std::complex<double>(h == v && m == 0 ? 1 : 0);
                        put(next, lanes, lane, entry);
                    }
            }
        }
    }

    void prepareDiagonal(const FusedGate& gate) {
        const std::size_t rows = std::size_t{1} << m_high.size();
        const std::size_t lanes = std::size_t{1} << m_lanes;
        m_diagonalTask.groups = m_groups;
        for (std::size_t i = 0; i < m_high.size(); ++i) {
            const auto unitBit = static_cast<std::size_t>(m_high[i].qubit - m_lanes);
            for (std::size_t value = 0; value < 256; ++value)
                if (value >> unitBit % 8 & 1)
                    m_diagonalTask.rows[unitBit / 8][value] |= static_cast<std::uint16_t>(1u << i);
        }
        Real* next = storage(rows * 4 * lanes);
        m_diagonalTask.factors = next;
        for (std::size_t row = 0; row < rows; ++row, next += 4 * lanes) {
            bool trivial = true;
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                const bool active = (lane & m_laneControls) == m_laneControls;
                const auto entry = active ? gate.entries[local(m_high, row) | localOfLane(lane)] : 1.0;
                trivial = trivial && entry == 1.0;
                put(next, lanes, lane, entry);
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
    std::vector<Line> m_storage;
};

/// Whether the gate's amplitudes meet within regions of 2^regionBits.
bool within(const FusedGate& gate, int regionBits) {
    return gate.form == FusedGate::Form::Diagonal ||
           std::ranges::all_of(gate.targets, [&](int target) { return target < regionBits; });
}

/// All of `gates` on one region after another, each region staying in a core's cache.
template<class Real>
Result<void> applyByRegion(CpuState& state, std::span<const FusedGate> gates, int regionBits, const RunContext& context) {
    const Kernels<Real>& kernel = kernels<Real>();
    std::vector<Step<Real>> steps;
    steps.reserve(gates.size());
    for (const FusedGate& gate : gates) steps.emplace_back(gate, regionBits, kernel);
    const auto region = [&](std::int64_t index) -> Result<void> {
        const std::uint64_t base = static_cast<std::uint64_t>(index) << std::max(regionBits - kernel.laneBits, 0);
        for (const Step<Real>& step : steps) {
            if (context.cancelled()) return cancelled();
            step.apply(state.reals<Real>(), base, 0, step.groups());
        }
        return {};
    };
    if (regionBits == state.bits()) return region(0);
    return parallelChunks(std::int64_t{1} << (state.bits() - regionBits), 1, context,
                          [&](std::int64_t begin, std::int64_t) { return region(begin); });
}

template<class Real>
Result<void> applyAlone(CpuState& state, const FusedGate& gate, const RunContext& context) {
    const Step<Real> step(gate, state.bits(), kernels<Real>());
    const std::uint64_t grain = std::max<std::uint64_t>(kChunkUnits / step.unitsPerGroup(), 1);
    return parallelChunks(static_cast<std::int64_t>(step.groups()), static_cast<std::int64_t>(grain), context,
                          [&](std::int64_t begin, std::int64_t end) -> Result<void> {
                              step.apply(state.reals<Real>(), 0, static_cast<std::uint64_t>(begin),
                                         static_cast<std::uint64_t>(end));
                              return {};
                          });
}

template<class Real>
Result<void> applyAll(CpuState& state, std::span<const FusedGate> gates, const RunContext& context) {
    // Half a mebibyte: fits the second-level cache of every machine of the last ten years with room for tables.
    constexpr int kRegionBits = sizeof(Real) == 4 ? 16 : 15;
    // So many prepared gates are held at once, whatever the circuit's length.
    constexpr std::size_t kMostSteps = 256;
    const int regionBits = std::min(kRegionBits, state.bits());
    for (std::size_t i = 0; i < gates.size();) {
        std::size_t end = i;
        while (end < gates.size() && end - i < kMostSteps && within(gates[end], regionBits)) ++end;
        if (end - i >= 2 || regionBits == state.bits()) {
            QSCOPE_CHECK(applyByRegion<Real>(state, gates.subspan(i, end - i), regionBits, context));
            i = end;
        } else {
            QSCOPE_CHECK(applyAlone<Real>(state, gates[i++], context));
        }
    }
    return {};
}

} // namespace

Result<void> applyGates(StateBuffer& state, std::span<const FusedGate> gates, const RunContext& context) {
    QSCOPE_TRY(CpuState* const mine, own(state));
    for (const FusedGate& gate : gates) QSCOPE_CHECK(check(gate, mine->bits()));
    Progress unseen; // progress belongs to the caller
    const RunContext inner{context.stop, unseen, context.notes, context.backend};
    return withReal(*mine, [&](auto real) { return applyAll<decltype(real)>(*mine, gates, inner); });
}

} // namespace qscope::engine::cpu
